package bench

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"provery/internal/fault"
)

// TestRun measures two tiny workloads, and takes the key of the synthetic one
// from the cache the second time.
func TestRun(t *testing.T) {
	t.Parallel()
	lab, said := newLab(t, "measures")
	missing := mul(t)
	missing.Name, missing.Key, missing.Make = "missing", filepath.Join(t.TempDir(), "key"), "make it"
	o := RunOptions{Workloads: append(find(t, "bits-2^4"), mul(t), missing), Repeat: 2, Threads: []int{1, 2}}
	results, skipped, err := lab.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 2 || results[0].Name != "bits-2^4" || results[1].Name != "mul" {
		t.Fatalf("got %+v", results)
	}
	if len(skipped) != 1 || skipped[0].Name != "missing" || !strings.Contains(skipped[0].Why, "make it makes it") {
		t.Errorf("got %+v", skipped)
	}
	for _, r := range results {
		p := r.Prepared
		if r.Curve != "bn128" || r.Domain < 2 || r.Statistics.Constraints < 1 || p.Mapped == 0 || len(r.Lanes) != 2 {
			t.Errorf("%s: got %+v", r.Name, r)
		}
		for i, l := range r.Lanes {
			if l.Threads != o.Threads[i] || len(l.Runs) != 2 || l.Peak == 0 || l.Mapped < p.Mapped || l.Open.Wall <= 0 {
				t.Errorf("%s: got %+v", r.Name, l)
			}
			for _, run := range append(l.Runs, l.Warm) {
				if run.Prove.Wall <= 0 || run.Witness.Wall <= 0 || run.Check.Wall <= 0 || len(run.Stages) < 5 {
					t.Errorf("%s: got %+v", r.Name, run)
				}
				sum := 0.0
				for _, s := range run.Stages {
					sum += s.Wall
				}
				if sum > run.Prove.Wall*1.0001 {
					t.Errorf("%s: the stages take %v of %v", r.Name, sum, run.Prove.Wall)
				}
			}
		}
	}
	if m := results[1].Prepared; m.Compact == 0 || m.Source == 0 || m.Foreign == 0 || m.ImportPeak == 0 {
		t.Errorf("got %+v", m)
	}
	if results[0].Prepared.Setup.Wall <= 0 || len(said.said) < 6 {
		t.Errorf("got %+v, said %q", results[0].Prepared, said.said)
	}
	again, _, err := lab.Run(t.Context(), RunOptions{Workloads: find(t, "bits-2^4"), Repeat: 1, Threads: []int{1}})
	if err != nil || again[0].Prepared.Setup.Wall != 0 || again[0].Prepared.Key != results[0].Prepared.Key {
		t.Errorf("again: got %+v, %v", again, err)
	}
}

// TestRunMakesADamagedKeyAnew damages the key that is kept.
func TestRunMakesADamagedKeyAnew(t *testing.T) {
	t.Parallel()
	lab, _ := newLab(t, "measures")
	o := RunOptions{Workloads: find(t, "field-2^4"), Repeat: 1, Threads: []int{1}}
	first, _, err := lab.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	notes, err := filepath.Glob(filepath.Join(lab.prepared(), "*.json"))
	if err != nil || len(notes) != 1 {
		t.Fatalf("got %q, %v", notes, err)
	}
	if err := os.WriteFile(notes[0], []byte(`{"key":"`+first[0].Prepared.Program.String()+`"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	second, _, err := lab.Run(t.Context(), o)
	if err != nil || second[0].Prepared.Setup.Wall <= 0 {
		t.Errorf("got %+v, %v", second, err)
	}
}

func TestRunStopsInTime(t *testing.T) {
	t.Parallel()
	lab, _ := newLab(t, "measures")
	// Far more rounds than there is time for.
	results, skipped, err := lab.Run(t.Context(), RunOptions{Workloads: find(t, "bits-2^4"), Repeat: 1 << 30, Threads: []int{1}, Limit: 3 * time.Second})
	if err != nil {
		t.Skipf("this machine proved nothing in three seconds: %v", err)
	}
	if len(results[0].Lanes[0].Runs) == 0 || len(skipped) != 1 || skipped[0].Name != "repetitions" {
		t.Errorf("got %d runs, left out %+v", len(results[0].Lanes[0].Runs), skipped)
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	lab, _ := newLab(t, "measures")
	for name, o := range map[string]RunOptions{
		"no repetitions": {Workloads: find(t, "bits-2^4"), Threads: []int{1}},
		"no threads":     {Workloads: find(t, "bits-2^4"), Repeat: 1},
		"zero threads":   {Workloads: find(t, "bits-2^4"), Repeat: 1, Threads: []int{0}},
	} {
		if _, _, err := lab.Run(t.Context(), o); !fault.Is(err, fault.InvalidRequest) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	broken := mul(t)
	broken.Key = broken.Files["abi"]
	if _, _, err := lab.Run(t.Context(), RunOptions{Workloads: []Workload{broken}, Repeat: 1, Threads: []int{1}}); err == nil || !strings.Contains(err.Error(), "mul: ") {
		t.Errorf("a broken key: got %v", err)
	}
	circom := mul(t)
	circom.Frontend = "klingon"
	if _, skipped, err := lab.Run(t.Context(), RunOptions{Workloads: []Workload{circom}, Repeat: 1, Threads: []int{1}}); err == nil || len(skipped) != 1 ||
		!strings.Contains(skipped[0].Why, `no front-end "klingon"`) {
		t.Errorf("an unknown language: got %+v, %v", skipped, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := lab.Run(ctx, RunOptions{Workloads: find(t, "bits-2^4"), Repeat: 1, Threads: []int{1}}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
}

// TestChildrenThatEnd asks children that don't answer.
func TestChildrenThatEnd(t *testing.T) {
	t.Parallel()
	for part, want := range map[string]string{"killed": "there wasn't enough memory", "fails": "exit status 3: no good"} {
		lab, _ := newLab(t, part)
		_, err := lab.once(t.Context(), sizing{threads: 1, memory: 1 << 30}, &request{Run: &runRequest{}})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", part, err, want)
		}
	}
	lab, _ := newLab(t, "measures")
	if _, err := lab.once(t.Context(), sizing{}, &request{Run: &runRequest{}}); !fault.Is(err, fault.InvalidRequest) {
		t.Errorf("nothing is open: got %v", err)
	}
	lab.Command = []string{filepath.Join(t.TempDir(), "nothing")}
	if _, err := lab.once(t.Context(), sizing{}, &request{}); err == nil {
		t.Error("no program: got no error")
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	r := &runner{o: RunOptions{Threads: []int{1}, Memory: 1 << 30}}
	for _, mapped := range []int64{100 << 20, 700 << 20, 1, 1, 5 << 30, 1} {
		r.results = append(r.results, &running{r: Result{Prepared: Prepared{Mapped: mapped}}})
	}
	var sizes []int
	for _, g := range r.groups() {
		sizes = append(sizes, len(g))
	}
	// 64 MiB more for each process.
	if !slices.Equal(sizes, []int{3, 1, 1, 1}) {
		t.Errorf("got groups of %v", sizes)
	}
}

func TestService(t *testing.T) {
	t.Parallel()
	lab, _ := newLab(t, "measures")
	s, err := lab.Service(t.Context(), mul(t), 3)
	if err != nil {
		t.Fatal(err)
	}
	if s.Requests != 3 || s.Constraints != 1 || s.TotalP50 <= 0 || s.OverheadP50 <= 0 || s.TotalP99 < s.TotalP50 || s.OverheadP50 > s.TotalP99 {
		t.Errorf("got %+v", s)
	}
	if _, err := lab.Service(t.Context(), mul(t), 0); !fault.Is(err, fault.InvalidRequest) {
		t.Errorf("no requests: got %v", err)
	}
}
