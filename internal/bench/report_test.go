package bench

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"provery/internal/bench/stats"
	"provery/internal/cgroup"
	"provery/internal/fault"
	"provery/internal/frontend"
)

// sample is a report with one workload whose proofs take the seconds.
func sample(proofs ...float64) *Report {
	l := Lane{Threads: 1, Open: Cost{0.001, 0.002}, Mapped: 30 << 20, Peak: 100 << 20}
	for _, p := range proofs {
		l.Runs = append(l.Runs, Run{
			Witness: Cost{0.05, 0.06}, Prove: Cost{p, p}, Check: Cost{0.001, 0.001},
			Stages: []Stage{{"prove.a", Cost{p / 4, p / 4}}, {"prove.h", Cost{p / 2, p / 2}}, {"prove.a", Cost{p / 4, p / 4}}},
		})
	}
	return &Report{
		Format: Format, Version: Version, Commit: "0123abc", Command: "provery bench run", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Seconds: 12,
		Machine: Machine{CPU: "Abacus", Cores: 2, Features: []string{"avx2"}, Memory: 24 << 30, Limits: cgroup.Limits{CPUs: 1.5, Memory: 2 << 30}, OS: "linux/amd64", Go: "go1"},
		Workloads: []Result{{
			Name: "eddsa", Title: "EdDSA", Signatures: 1, Scheme: "groth16", Curve: "bn128", Domain: 1 << 17,
			Statistics: frontend.Statistics{Constraints: 94180, Rows: 10, Terms: 20},
			Prepared:   Prepared{Source: 284 << 20, Foreign: 37 << 20, Compact: 22 << 20, Mapped: 23 << 20, Import: Cost{0.94, 1}, ImportKey: Cost{1.9, 2}, ImportPeak: 104 << 20},
			Bound:      &Bound{Multiplications: 1e8, Nanoseconds: 4},
			Lanes:      []Lane{l},
		}},
		Service: &ServiceReport{Constraints: 1, Requests: 200, OverheadP50: 4.3, OverheadP99: 6.8},
		Skipped: []Skip{{"eddsa-2", "isn't there"}},
	}
}

func TestReportRoundTrip(t *testing.T) {
	t.Parallel()
	r := sample(1.1, 1.2, 1.3)
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := ReadReport(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(r, got); d != "" {
		t.Error(d)
	}
	for name, tc := range map[string]struct {
		text string
		code fault.Code
	}{
		"nothing":     {"", fault.InvalidArtifact},
		"other JSON":  {`{"format":"other","version":1}`, fault.InvalidArtifact},
		"no version":  {`{"format":"provery-bench"}`, fault.InvalidArtifact},
		"later":       {`{"format":"provery-bench","version":2}`, fault.Unsupported},
		"other types": {`{"format":"provery-bench","version":1,"workloads":3}`, fault.InvalidArtifact},
	} {
		if _, err := ReadReport([]byte(tc.text)); !fault.Is(err, tc.code) {
			t.Errorf("%s: got %v, want %s", name, err, tc.code)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	sample(1.1, 1.2, 1.3).Text(&b)
	for _, want := range []string{
		"machine  Abacus, 2 cores (avx2), 24 GiB, linux/amd64, go1, limited to 1.5 processors, limited to 2.0 GiB",
		"commit   0123abc\ncommand  provery bench run\n",
		"eddsa: EdDSA\n", "94180", "0.94 + 1.90 CPU s", "peak memory 104 MiB", "45.0 MiB",
		"open 2 ms", "peak memory 100 MiB, of which 30 mapped",
		"proof, CPU", "1.2 s [1.1 s, 1.3 s]", "median of 3 in 1.1 s to 1.3 s with 75 %",
		"stages of the proof on 1 thread, CPU ms: a 600.0, h 600.0\n",
		"multiplication bound 400 ms: 100.0 million at 4.00 ns; the proof on 1 thread takes 3.0 times that\n",
		"service overhead, p50 / p99  4.30 / 6.80 ms", "left out: eddsa-2: isn't there\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	base := []float64{1.00, 1.01, 1.02, 1.03, 1.04}
	for _, tc := range []struct {
		name          string
		before, after []float64
		want          Verdict
	}{
		{"the same", base, base, Noise},
		{"a little, within the spread", base, []float64{1.01, 1.02, 1.03, 1.04, 1.05}, Noise},
		{"twice as fast", base, []float64{0.50, 0.51, 0.52, 0.53, 0.54}, Faster},
		{"slower", base, []float64{1.20, 1.21, 1.22, 1.23, 1.24}, Slower},
		{"slower, with an outlier", []float64{1.00, 1.01, 1.02, 1.03, 1.9, 1.0, 1.01}, []float64{1.2, 1.21, 1.22, 1.23, 1.24, 1.2, 1.2}, Slower},
		{"three runs each", base[:3], []float64{2, 2.1, 2.2}, TooFew},
	} {
		c, err := Compare(sample(tc.before...), sample(tc.after...), false)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(c.Rows, func(c Comparison) bool { return c.Metric == "proof, CPU" })
		got := c.Rows[i]
		if len(c.Rows) != len(Metrics()) || got.Verdict != tc.want || got.Workload != "eddsa" || len(c.Warnings) != 0 {
			t.Errorf("%s: got %+v, want %s", tc.name, got, tc.want)
		}
		want := 0
		if tc.want == Slower {
			want = 2 // CPU and wall
		}
		if got := c.Slower(1.05); len(got) != want {
			t.Errorf("%s: slower by more than 5 %%: %+v", tc.name, got)
		}
		if got := c.Slower(1.5); len(got) != 0 {
			t.Errorf("%s: slower by more than half: %+v", tc.name, got)
		}
		var b strings.Builder
		c.Text(&b)
		if !strings.Contains(b.String(), string(tc.want)) {
			t.Errorf("%s: no verdict in\n%s", tc.name, &b)
		}
	}
}

func TestCompareMachines(t *testing.T) {
	t.Parallel()
	a, other, slight, none, grown := sample(1), sample(1), sample(1), sample(1), sample(1)
	other.Machine.CPU, other.Machine.Limits.CPUs = "Slide rule", 0
	slight.Machine.Go = "go2"
	none.Workloads[0].Name = "other"
	grown.Workloads[0].Statistics.Constraints++
	if _, err := Compare(a, other, false); !fault.Is(err, fault.InvalidRequest) || !strings.Contains(err.Error(), "processor: Abacus and Slide rule") {
		t.Errorf("another processor: got %v", err)
	}
	if c, err := Compare(a, other, true); err != nil || len(c.Warnings) != 2 || c.Rows[0].Verdict != TooFew {
		t.Errorf("another processor, anyway: got %+v, %v", c, err)
	}
	for name, r := range map[string]*Report{"Go: go1 and go2": slight, "eddsa: 94180 and 94181 constraints": grown} {
		if c, err := Compare(a, r, false); err != nil || len(c.Warnings) != 1 || c.Warnings[0] != name {
			t.Errorf("%s: got %+v, %v", name, c, err)
		}
	}
	if _, err := Compare(a, none, false); !fault.Is(err, fault.InvalidRequest) {
		t.Errorf("nothing in common: got %v", err)
	}
}

func TestVerdictAtTheEdge(t *testing.T) {
	t.Parallel()
	if got := verdict(1.2, stats.Interval{Low: 1, High: 1.3, Confidence: 0.95}); got != Noise {
		t.Errorf("an interval from 1: got %s", got)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	names := func(ws []Workload) (out []string) {
		for _, w := range ws {
			out = append(out, w.Name)
		}
		return out
	}
	for _, tc := range []struct{ ask, want []string }{
		{[]string{"eddsa", "bits-2^5", "eddsa"}, []string{"eddsa", "bits-2^5"}},
		{[]string{"circom"}, []string{"circom-eddsa-poseidon-1", "circom-eddsa-poseidon-16", "circom-sha256-512", "circom-sha256-4096"}},
		{[]string{"zokrates"}, []string{"eddsa", "eddsa-2", "sha256", "poseidon-merkle"}},
		{[]string{"all"}, names(Workloads())},
	} {
		if got := names(find(t, tc.ask...)); !slices.Equal(got, tc.want) {
			t.Errorf("%q: got %q", tc.ask, got)
		}
	}
	if got := find(t, "synthetic"); len(got) != 14 {
		t.Errorf("got %d synthetic workloads", len(got))
	}
	for _, name := range []string{"", "eddsa-3", "bits-2^3", "bits-2^99", "words-2^9", "bits-2^09", "bits-2^5x"} {
		if _, err := Find([]string{name}); !fault.Is(err, fault.InvalidRequest) {
			t.Errorf("%q: got %v", name, err)
		}
	}
}

// TestArguments checks that arguments depend on the index, and on it only.
func TestArguments(t *testing.T) {
	t.Parallel()
	for _, w := range find(t, "zokrates", "circom") {
		a, errA := w.Arguments(1)
		b, errB := w.Arguments(1)
		c, errC := w.Arguments(2)
		if errA != nil || errB != nil || errC != nil || !bytes.Equal(a, b) || bytes.Equal(a, c) {
			t.Errorf("%s: got %s, %s and %s", w.Name, a, b, c)
		}
	}
}

func TestThisMachine(t *testing.T) {
	t.Parallel()
	m := ThisMachine()
	if m.Cores < 1 || m.Go == "" || m.OS == "" || m.CPU == "" {
		t.Errorf("got %+v", m)
	}
	if _, err := os.Stat("/proc/meminfo"); err == nil && (m.Memory == 0 || peakBytes() == 0 || m.Kernel == "") {
		t.Errorf("got %d bytes of memory, a peak of %d, kernel %q", m.Memory, peakBytes(), m.Kernel)
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

func TestQuantile(t *testing.T) {
	t.Parallel()
	ten := []time.Duration{9, 3, 1, 7, 5, 0, 8, 2, 6, 4}
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
		{"greatest", ten, 1, 9},
	} {
		if got := quantile(slices.Clone(tc.v), tc.q); got != tc.want {
			t.Errorf("%s: got %d, want %d", tc.name, got, tc.want)
		}
	}
	if got := median([]time.Duration{30, 10, 20}); got != 20 {
		t.Errorf("median: got %d, want 20", got)
	}
}
