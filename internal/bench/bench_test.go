package bench

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"provery/internal/fault"
)

func TestQuantile(t *testing.T) {
	t.Parallel()
	ten := []time.Duration{9, 3, 1, 7, 5, 0, 8, 2, 6, 4}
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[len(hundred)-1-i] = time.Duration(i)
	}
	for _, tc := range []struct {
		name string
		v    []time.Duration
		q    float64
		want time.Duration
	}{
		{"of nothing", nil, 0.5, 0},
		{"of one", []time.Duration{7}, 0.99, 7},
		{"least", ten, 0, 0},
		{"middle", ten, 0.5, 5},
		{"nine tenths", ten, 0.9, 9},
		{"greatest", ten, 1, 9},
		{"p99 of a hundred", hundred, 0.99, 99},
		{"p50 of a hundred", hundred, 0.5, 50},
	} {
		if got := quantile(slices.Clone(tc.v), tc.q); got != tc.want {
			t.Errorf("%s: got %d, want %d", tc.name, got, tc.want)
		}
	}
	if got := median([]time.Duration{30, 10, 20}); got != 20 {
		t.Errorf("median: got %d, want 20", got)
	}
}

func TestRepeat(t *testing.T) {
	t.Parallel()
	runs := 0
	samples, err := repeat(3, func() error { runs++; return nil })
	if err != nil || len(samples) != 3 || runs != 4 {
		t.Errorf("got %d samples of %d runs, %v, want 3 of 4", len(samples), runs, err)
	}
	failing := errors.New("no")
	for at := range 3 {
		runs = 0
		_, err := repeat(3, func() error {
			if runs++; runs > at {
				return failing
			}
			return nil
		})
		if !errors.Is(err, failing) || runs != at+1 {
			t.Errorf("failing at run %d: got %v after %d runs", at, err, runs)
		}
	}
}

func mul(t *testing.T) Workload {
	t.Helper()
	return Workload{Dir: filepath.FromSlash("../../testdata/zokrates/mul/bn128"), Arguments: []json.RawMessage{
		json.RawMessage(`["3","5"]`), json.RawMessage(`["6","7"]`),
	}}
}

// TestReport runs both parts on a tiny circuit.
func TestReport(t *testing.T) {
	t.Parallel()
	var said []string
	progress := func(s string) { said = append(said, s) }
	r := NewReport("0123abc", []string{"bench", "--x"})
	var err error
	if r.Circuit, err = Circuit(t.Context(), "mul", mul(t), 2, progress); err != nil {
		t.Fatal(err)
	}
	c := r.Circuit
	if c.Statistics.Constraints != 1 || c.SourceBytes == 0 || c.KeyBytes == 0 || c.CompactBytes == 0 || c.MappedKey == 0 ||
		c.ProveWall[1] <= 0 || c.OpenWall <= 0 || len(c.Stages) < 5 {
		t.Errorf("got %+v", c)
	}
	if r.Service, err = Service(t.Context(), mul(t), 3, progress); err != nil {
		t.Fatal(err)
	}
	if s := r.Service; s.Requests != 3 || s.Constraints != 1 || s.TotalP50 <= 0 || s.OverheadP50 <= 0 || s.TotalP99 < s.TotalP50 || s.OverheadP50 > s.TotalP99 {
		t.Errorf("got %+v", s)
	}
	if len(said) < 6 {
		t.Errorf("said %q", said)
	}
	var text strings.Builder
	r.Text(&text)
	for _, want := range []string{"commit   0123abc", "command  provery bench --x", "mul ", "1 constraints", "prove, 1 thread ", "service overhead, p50 / p99", "3 requests"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
	if b, err := json.Marshal(r); err != nil || !strings.Contains(string(b), `"prove_wall_s_by_threads":{"1":`) {
		t.Errorf("got %s, %v", b, err)
	}
}

func TestWorkloadsThatAreRefused(t *testing.T) {
	t.Parallel()
	quiet := func(string) {}
	none, missing, wrong := mul(t), mul(t), mul(t)
	none.Arguments = nil
	missing.Dir = filepath.Join(t.TempDir(), "nowhere")
	wrong.Arguments = []json.RawMessage{json.RawMessage(`["3"]`)}
	for name, tc := range map[string]struct {
		w    Workload
		n    int
		text string
	}{
		"no arguments":    {none, 1, "there are no arguments to prove"},
		"no repetitions":  {mul(t), 0, "at least one repetition"},
		"no files":        {missing, 1, "nowhere"},
		"wrong arguments": {wrong, 1, ""},
	} {
		_, circuit := Circuit(t.Context(), "x", tc.w, tc.n, quiet)
		_, service := Service(t.Context(), tc.w, tc.n, quiet)
		for part, err := range map[string]error{"circuit": circuit, "service": service} {
			if err == nil || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("%s, %s: got %v, want %q", name, part, err, tc.text)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Circuit(ctx, "x", mul(t), 1, quiet); !fault.Is(err, fault.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
}

func TestThisMachine(t *testing.T) {
	t.Parallel()
	m := ThisMachine()
	if m.Cores < 1 || m.Go == "" || m.OS == "" || m.CPU == "" {
		t.Errorf("got %+v", m)
	}
	if _, err := os.Stat("/proc/meminfo"); err == nil && (m.Memory == 0 || peakBytes() == 0) {
		t.Errorf("got %d bytes of memory and a peak of %d", m.Memory, peakBytes())
	}
	found := map[string]string{}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("a : 1\nno colon\nb:2: 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	scan(file, func(k, v string) { found[k] = v })
	scan(file+"x", func(k, v string) { t.Errorf("got %s=%s of no file", k, v) })
	if len(found) != 2 || found["a"] != "1" || found["b"] != "2: 3" {
		t.Errorf("got %v", found)
	}
}
