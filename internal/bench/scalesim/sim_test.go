package scalesim

import (
	"context"
	"math"
	"reflect"
	"testing"

	"provery/internal/fault"
)

// ideal is a service whose queue costs nothing: what is left are the workers.
func ideal(workers int, spread float64) Model {
	m := Default()
	m.Workers, m.Proof, m.Spread = workers, 1, spread
	m.Trip, m.Hold, m.Rank, m.Follow, m.API.Request = 0, 0, 0, 0, 0
	e := &m.Engine
	e.Sync, e.Write, e.Refuse, e.Deliver, e.Beat, e.Bytes = 0, 0, 0, 0, 0, 0
	return m
}

func simulate(t *testing.T, m Model, r Run) *Result {
	t.Helper()
	r.Seed = 1
	out, err := Simulate(t.Context(), m, r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// near fails unless got is within a part of want.
func near(t *testing.T, what string, got, want, part float64) {
	t.Helper()
	if math.Abs(got-want) > part*want {
		t.Errorf("%s: got %.4g, want %.4g, within %g %%", what, got, want, 100*part)
	}
}

// erlangC is the mean wait of M/M/c, in service times (Erlang's second formula).
func erlangC(servers int, load float64) float64 {
	a := load * float64(servers)
	blocking := 1.0 // Erlang's first formula, by its recurrence
	for k := 1; k <= servers; k++ {
		blocking = a * blocking / (float64(k) + a*blocking)
	}
	wait := blocking / (1 - load*(1-blocking))
	return wait / (float64(servers) * (1 - load))
}

// cosmetatos is his approximation of the mean wait of M/D/c, which is within two
// per cent.
func cosmetatos(servers int, load float64) float64 {
	c := float64(servers)
	return erlangC(servers, load) / 2 * (1 + (1-load)*(c-1)*(math.Sqrt(4+5*c)-2)/(16*load*c))
}

// TestAgainstTheory compares waits with those that queueing theory gives for
// random arrivals.
func TestAgainstTheory(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		workers int
		spread  float64
		load    float64
		want    float64
	}{
		{"M/M/1", 1, 1, 0.7, 0.7 / 0.3},
		{"M/M/4", 4, 1, 0.8, erlangC(4, 0.8)},
		{"M/M/16", 16, 1, 0.8, erlangC(16, 0.8)},
		// Pollaczek and Khinchine: half of the wait of M/M/1 for equal services,
		// and in between by the square of the coefficient of variation.
		{"M/D/1", 1, 0, 0.7, 0.5 * 0.7 / 0.3},
		{"M/G/1", 1, 0.5, 0.7, 0.5 * 1.25 * 0.7 / 0.3},
		{"M/D/4", 4, 0, 0.8, cosmetatos(4, 0.8)},
		{"M/D/16", 16, 0, 0.8, cosmetatos(16, 0.8)},
	} {
		const seeds = 4
		var wait, rate, use float64
		for seed := range uint64(seeds) {
			got, err := Simulate(t.Context(), ideal(tc.workers, tc.spread), Run{Load: tc.load, Jobs: 20_000, Seed: seed})
			if err != nil {
				t.Fatal(err)
			}
			wait, rate, use = wait+got.Wait.Mean/seeds, rate+got.Rate/seeds, use+got.Used[Workers]/seeds
		}
		near(t, tc.name+", wait", wait, tc.want, 0.08)
		near(t, tc.name+", rate", rate, tc.load*float64(tc.workers), 0.015)
		near(t, tc.name+", use", use, tc.load, 0.015)
	}
}

// TestUsedUp lets one thing after another be what there is least of: its bound is
// met, and the others' arithmetic isn't exceeded.
func TestUsedUp(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*Model)
		of     string
	}{
		"nothing":       {func(*Model) {}, Workers},
		"syncs":         {func(m *Model) { m.Engine.Sync = 0.01; m.Engine.Streams = 2 }, Syncs},
		"processors":    {func(m *Model) { m.Engine.Write = 0.01; m.Engine.Cores = 1 }, Processors},
		"deliveries":    {func(m *Model) { m.Engine.Deliver = 1e-4; m.Engine.Cores = 1 }, Processors},
		"network":       {func(m *Model) { m.Engine.Bytes, m.Engine.Network = 1000, 5e6 }, Network},
		"requests":      {func(m *Model) { m.API.Request, m.API.Cores = 0.02, 1 }, Requests},
		"heartbeats":    {func(m *Model) { m.Engine.Beats, m.Engine.Beat, m.Engine.Cores = 1, 1e-4, 1; m.Engine.Write = 2e-3 }, Processors},
		"several a job": {func(m *Model) { m.Engine.Sync, m.Engine.Streams, m.Pieces = 0.02, 1, 2 }, Syncs},
		"a batch":       {func(m *Model) { m.Engine.Sync, m.Engine.Streams, m.Engine.Batch = 0.02, 1, 100 }, Syncs},
		"cells":         {func(m *Model) { m.Engine.Sync, m.Engine.Streams, m.Engine.Cells = 0.02, 1, 4 }, Syncs},
	} {
		m := ideal(80, 0.1)
		tc.change(&m)
		first := m.Bounds()[0]
		if first.Of != tc.of {
			t.Errorf("%s: got bounds %+v, want %s first", name, m.Bounds(), tc.of)
		}
		got := simulate(t, m, Run{Waiting: 3, Jobs: 4000})
		near(t, name, got.Rate, first.Rate, 0.03)
		if got.First != tc.of {
			t.Errorf("%s: got %+v, want that %s are used up", name, got, tc.of)
		}
	}
}

// TestLateClaims has idle workers that want each new job at once.
func TestLateClaims(t *testing.T) {
	t.Parallel()
	m := Default()
	m.Workers, m.Proof = 100, 1
	m.Engine.Sync, m.Engine.Write, m.Engine.Deliver = 1e-4, 1e-4, 1e-6
	quick := simulate(t, m, Run{Load: 0.5, Jobs: 2000})
	m.Trip = 10e-3 // the news of who has it comes after the hold
	slow := simulate(t, m, Run{Load: 0.5, Jobs: 2000})
	if quick.Late > 2 || slow.Late < 20 {
		t.Errorf("got %.3g claims too late with quick news, %.3g with slow ones", quick.Late, slow.Late)
	}
	m.Engine.Followers = false // jobs are handed out
	if handed := simulate(t, m, Run{Load: 0.5, Jobs: 2000}); handed.Late != 0 {
		t.Errorf("got %.3g claims too late, want none: jobs are handed out", handed.Late)
	}
}

// TestOverload has more requests than can be proven: those beyond the queue's bound
// are refused, and the rest wait behind as many.
func TestOverload(t *testing.T) {
	t.Parallel()
	got := simulate(t, ideal(4, 0), Run{Load: 2, Queue: 100, Jobs: 2000})
	near(t, "rate", got.Rate, 4, 0.01)
	near(t, "refused", got.Refused, 0.5, 0.05)
	near(t, "wait", got.Wait.Mean, 25, 0.05)
}

// TestScatter has more workers than the engine bears when all of them want the
// oldest job.
func TestScatter(t *testing.T) {
	t.Parallel()
	m := Default()
	m.Workers = 200
	oldest := simulate(t, m, Run{Waiting: 3, Jobs: 1000})
	m.Scatter = 100
	if any := simulate(t, m, Run{Waiting: 3, Jobs: 1000}); oldest.Late < 50 || any.Late > 10 || any.Rate < 2*oldest.Rate {
		t.Errorf("got %+v with the oldest job first, %+v with any", oldest, any)
	}
}

func TestColdStart(t *testing.T) {
	t.Parallel()
	m := Default()
	m.Store = Store{Key: 100e6, Send: 1e9, Worker: 100e6, Disk: 50e6}
	for workers, want := range map[int]float64{1: 3, 10: 3, 1000: 100} {
		m.Workers = workers
		if got, by := m.ColdStart(); got != want || (by == "the store") != (workers == 1000) {
			t.Errorf("%d workers: got %g s by %s, want %g s", workers, got, by, want)
		}
	}
}

func TestSaturated(t *testing.T) {
	t.Parallel()
	got := simulate(t, ideal(10, 0.3), Run{Waiting: 3, Jobs: 20_000})
	near(t, "rate", got.Rate, 10, 0.01)
	if got.First != Workers || got.Efficiency < 0.99 {
		t.Errorf("got %+v", got)
	}
}

func TestSameSeed(t *testing.T) {
	t.Parallel()
	m := Default()
	m.Workers = 50
	a, b := simulate(t, m, Run{Load: 0.8, Jobs: 1000}), simulate(t, m, Run{Load: 0.8, Jobs: 1000})
	if !reflect.DeepEqual(a, b) {
		t.Errorf("got %+v and %+v with one seed", a, b)
	}
	other, err := Simulate(t.Context(), m, Run{Load: 0.8, Jobs: 1000, Seed: 2})
	if err != nil || reflect.DeepEqual(a, other) {
		t.Errorf("got %+v, %v with another seed, want something else", other, err)
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	good := Run{Load: 0.5, Jobs: 1}
	for name, change := range map[string]func(*Model, *Run){
		"no workers":      func(m *Model, _ *Run) { m.Workers = 0 },
		"no time":         func(m *Model, _ *Run) { m.Proof = 0 },
		"spread":          func(m *Model, _ *Run) { m.Spread = 2 },
		"no streams":      func(m *Model, _ *Run) { m.Engine.Streams = 0 },
		"no writes":       func(m *Model, _ *Run) { m.Engine.Writes = 0 },
		"too many cells":  func(m *Model, _ *Run) { m.Engine.Cells = 2 },
		"no network":      func(m *Model, _ *Run) { m.Engine.Network = 0 },
		"negative":        func(m *Model, _ *Run) { m.Engine.Sync = -1 },
		"not a number":    func(m *Model, _ *Run) { m.Trip = math.NaN() },
		"no jobs":         func(_ *Model, r *Run) { r.Jobs = 0 },
		"nothing to do":   func(_ *Model, r *Run) { r.Load = 0 },
		"a negative load": func(_ *Model, r *Run) { r.Load = -1 },
	} {
		m, r := Default(), good
		change(&m, &r)
		if _, err := Simulate(t.Context(), m, r); !fault.Is(err, fault.InvalidRequest) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Simulate(ctx, Default(), Run{Load: 0.5, Jobs: 1_000_000}); !fault.Is(err, fault.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
}
