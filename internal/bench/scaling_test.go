package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"provery/internal/cgroup"
	"provery/internal/fault"
)

// TestScaling makes points of the first two experiments with a tiny system. The
// third, which needs the whole binary, is in cli's scripts.
func TestScaling(t *testing.T) {
	t.Parallel()
	lab, _ := newLab(t, "measures")
	s, skipped, err := lab.Scaling(t.Context(), ScalingOptions{
		Workload: find(t, "bits-2^4")[0], Limit: time.Minute, Enough: 3,
		Sizes: []cgroup.Limits{{CPUs: 0.5, Memory: 512 << 20}, {CPUs: 1, Memory: 1 << 30}}, Parallel: []int{2}, Workers: []int{1}, Cores: 2,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Experiments) != 3 || s.Constraints != 12 || len(skipped) != 1 || !strings.Contains(skipped[0].Why, "can't be registered") {
		t.Fatalf("got %+v, left out %+v", s, skipped)
	}
	for _, e := range s.Experiments[:2] {
		for _, p := range e.Points {
			if p.Proofs < 3 || p.Failure != "" || p.Memory == 0 || p.Wall <= 0 || len(p.Latencies) != p.Proofs || p.PerProof() <= 0 || p.PerHour() <= 0 {
				t.Errorf("%s: got %+v", e.Name, p)
			}
		}
	}
	if p := s.Experiments[1].Points[0]; p.Parallel != 2 || p.Threads != 1 {
		t.Errorf("got %+v", p)
	}
	if p := s.Experiments[2].Points[0]; p.Failure == "" || p.PerHour() != 0 || p.PerProof() != 0 {
		t.Errorf("got %+v", p)
	}
}

func TestScalingRefuses(t *testing.T) {
	t.Parallel()
	lab, _ := newLab(t, "measures")
	o := ScalingOptions{Workload: find(t, "bits-2^4")[0], Limit: time.Minute, Cores: 1}
	noTime, noCores, unknown := o, o, o
	noTime.Limit, noCores.Cores, unknown.Experiments = 0, 0, []string{"weather"}
	for name, o := range map[string]ScalingOptions{"no time": noTime, "no cores": noCores, "unknown": unknown} {
		if _, _, err := lab.Scaling(t.Context(), o); !fault.Is(err, fault.InvalidRequest) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := lab.Scaling(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
}

func TestDefaultSizes(t *testing.T) {
	t.Parallel()
	cpus := func(m Machine) (out []float64) {
		for _, l := range DefaultSizes(m) {
			if l.Memory != int64(l.CPUs*(1<<30)) {
				t.Errorf("got %+v", l)
			}
			out = append(out, l.CPUs)
		}
		return out
	}
	for _, tc := range []struct {
		m    Machine
		want []float64
	}{
		{Machine{Cores: 1}, []float64{0.5, 1}},
		{Machine{Cores: 2}, []float64{0.5, 1, 2}},
		{Machine{Cores: 6}, []float64{0.5, 1, 2, 4, 6}},
		{Machine{Cores: 8, Limits: cgroup.Limits{CPUs: 1.5}}, []float64{0.5, 1, 1.5}},
	} {
		got := cpus(tc.m)
		if len(got) != len(tc.want) {
			t.Errorf("%+v: got %v", tc.m, got)
			continue
		}
		for i := range got {
			if got[i] != tc.want[i] {
				t.Errorf("%+v: got %v", tc.m, got)
			}
		}
	}
}

// experiments is a report with known figures: 36,000 constraints in 2 s.
func experiments() *Report {
	r := sample(1)
	r.Workloads, r.Service, r.Skipped = nil, nil, nil
	good := Point{X: 0.5, Limits: cgroup.Limits{CPUs: 0.5, Memory: 512 << 20}, Processes: 1, Parallel: 1, Threads: 1, Load: Load{Cost: Cost{CPU: 6, Wall: 20}, Proofs: 10}, Memory: 250e6}
	r.Scaling = &Scaling{
		Workload: "eddsa-2", Title: "two", Signatures: 2, Constraints: 36000,
		Experiments: []Experiment{{Name: ByMachine, Title: "by size", X: "processors", How: "control groups", Points: []Point{good, {X: 1, Threads: 1, Failure: "the time was over"}}}},
	}
	lane := lane1
	r.Peers = &Peers{Cases: []PeerCase{{Workload: "eddsa", Title: "EdDSA", Constraints: 94180, Entries: []PeerEntry{
		{Name: "Provery", Lane: lane(1, 0.5)}, {Name: "other", Version: "1.2", Lane: lane(0, 5)},
	}}}}
	return r
}

func lane1(threads int, proof float64) Lane {
	return Lane{Threads: threads, Peak: 1 << 30, Runs: []Run{{Witness: Cost{0.5, 0.5}, Prove: Cost{proof, proof}}}}
}

func TestScalingFigures(t *testing.T) {
	t.Parallel()
	s := experiments().Scaling
	p := &s.Experiments[0].Points[0]
	if p.PerProof() != 2 || p.PerHour() != 1800 || math.Abs(s.Time29(p)-2*float64(1<<29)/36000) > 1e-6 {
		t.Errorf("got %v, %v, %v", p.PerProof(), p.PerHour(), s.Time29(p))
	}
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	experiments().Markdown(&b, "charts")
	sample(1.1, 1.2, 1.3).Markdown(&b, "")
	for _, want := range []string{
		"Machine: Abacus, 2 cores", "Commit 0123abc, 2 January 2026, command `provery bench run`.\n",
		"\n| 0.5 | 0.54 GB | 1 | 10 | 1.000 | 0.300 | 0.25 | 3600 | 6.48e+07 | 8.3 |\n",
		"\n| 1 | none | 1 | 0 | the time was over |",
		"\n| Provery, 1 thread | 1 | 500 ms [500 ms, 500 ms] | 500 ms [500 ms, 500 ms] | 500 ms [500 ms, 500 ms] | 1024 MiB | 1 | 1 | 1 | 1 |\n",
		"\n| other 1.2 | 1 | 500 ms [500 ms, 500 ms] | 5 s [5 s, 5 s] | 5 s [5 s, 5 s] | 1024 MiB | 10 [10, 10] | 5.5 [5.5, 5.5] | 10 [10, 10] | 5.5 [5.5, 5.5] |\n",
		"\n![by size](charts/scaling-machine.svg)\n", "\n![EdDSA](charts/peers-eddsa.svg)\n",
		"\n| eddsa | 94180 | 2^17 | 1 | 3 | 50 ms [50 ms, 50 ms] | 1.2 s [1.1 s, 1.3 s] | 1.2 s [1.1 s, 1.3 s] | 100 MiB | 30 MiB |\n",
		"\n| eddsa | 100.0 | 4.00 | 400 ms | 1.2 s | 3.0 |\n",
		"\n| workload | a | h |\n", "\n| eddsa | 600.0 | 600.0 |\n",
		"\n| eddsa | 284.0 MiB | 0.94 CPU s | 104 MiB | 37.0 MiB | 1.90 CPU s | 45.0 MiB | 2 ms |\n",
		"\n| 1 | 200 | 4.30 | 6.80 |", "\n- eddsa-2: isn't there\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
	columns := -1
	for line := range strings.Lines(b.String()) {
		n := strings.Count(line, "|")
		if n > 0 && columns >= 0 && n != columns {
			t.Errorf("%d columns after %d: %s", n, columns, line)
		}
		columns = n
		if n == 0 {
			columns = -1
		}
	}
}

func TestCharts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := experiments()
	r.Workloads = sample(1, 2).Workloads
	names, err := r.Charts(dir)
	if err != nil || len(names) != 3 {
		t.Fatalf("got %q, %v", names, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil || !bytes.Contains(b, []byte("</svg>")) || bytes.Contains(b, []byte("NaN")) {
			t.Errorf("%s: got %.200s, %v", name, b, err)
		}
	}
}

// TestEngine starts the server that workers share.
func TestEngine(t *testing.T) {
	t.Parallel()
	in, stop := io.Pipe()
	told, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- Engine(t.TempDir(), in, out) }()
	var at engineAddress
	if err := json.NewDecoder(told).Decode(&at); err != nil {
		t.Fatal(err)
	}
	c, err := nats.Connect(at.URL)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	_ = stop.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
