package queue_test

import (
	"fmt"
	"testing"

	"provery/internal/queue"
	"provery/internal/store"
)

// TestFairnessAcrossProcesses lets two processes serve an owner with many jobs
// and one with few, who comes later.
func TestFairnessAcrossProcesses(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	procs := []*queue.Queue{f.Queue, f.another(t, queue.Config{})}
	many, few := items(60), items(10)
	for i := range many {
		many[i].Owner = "many"
	}
	for i := range few {
		few[i].Owner = "few"
	}
	accept(t, f.Queue, many)
	b := accept(t, f.Queue, few)
	eventually(t, "both know both", func() bool { return procs[1].Stats().ByState[queue.Queued] == 70 })
	starts := 0
	for left := 10; left > 0; starts++ {
		l := lease(t, procs[starts%2])
		if l.Job().Batch == b.ID {
			left--
		}
		if err := l.Complete(t.Context(), queue.Result{}); err != nil {
			t.Fatal(err)
		}
	}
	if starts > 28 {
		t.Errorf("10 jobs needed %d starts, want about 20", starts)
	}
}

// TestAffinityAcrossProcesses lets two workers, each of which holds a circuit,
// share the jobs of both.
func TestAffinityAcrossProcesses(t *testing.T) {
	t.Parallel()
	f := open(t, "", queue.Config{})
	procs := []*queue.Queue{f.Queue, f.another(t, queue.Config{})}
	circuits := []store.Digest{store.Sum([]byte("0")), store.Sum([]byte("1"))}
	for i := range 40 {
		n := newJob()
		n.CircuitID = circuits[i%2]
		enqueue(t, f.Queue, n)
	}
	eventually(t, "both know all", func() bool { return procs[1].Stats().ByState[queue.Queued] == 40 })
	cold := 0
	for i := range 40 {
		o := queue.LeaseOptions{Worker: fmt.Sprint(i % 2), Hot: func(c store.Digest) bool { return c == circuits[i%2] }}
		l := leaseWith(t, procs[i%2], o)
		if l.Job().CircuitID != circuits[i%2] {
			cold++
		}
		if err := l.Complete(t.Context(), queue.Result{}); err != nil {
			t.Fatal(err)
		}
	}
	if cold > 8 {
		t.Errorf("%d of 40 jobs were taken by the worker that doesn't hold their circuit", cold)
	}
}
