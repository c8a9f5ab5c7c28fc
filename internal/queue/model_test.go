package queue_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"provery/internal/engine"
	"provery/internal/fault"
	"provery/internal/queue"
	"provery/internal/store"
	"provery/internal/store/file"
)

// world is a service of two processes over one engine, driven by a test, with
// a book of what was promised to whom.
type world struct {
	t     *rapid.T
	dir   string
	eng   *engine.Engine
	blobs *file.Store
	procs [2]*queue.Queue
	skew  [2]clock

	submitted map[string]time.Time // accepted jobs and their deadlines
	ids       []string
	leases    []*queue.Lease // open, abandoned or ended: all may speak up
	batches   []string
	ghosts    []string       // batches that were never accepted
	results   map[string]int // results that were taken, by job
}

func newWorld(t *rapid.T, dir string) *world {
	w := &world{t: t, dir: dir, submitted: map[string]time.Time{}, results: map[string]int{}}
	w.open()
	return w
}

// config is the same for both processes but for the clock. What is tested isn't how
// long the engine may take.
func (w *world) config(i int) queue.Config {
	return queue.Patient(queue.Config{
		LeaseTTL: 60 * time.Millisecond, PollInterval: 10 * time.Millisecond, SweepInterval: 20 * time.Millisecond,
		Backoff: time.Millisecond, MaxBackoff: 5 * time.Millisecond, MaxFailures: 3, Now: w.skew[i].now,
		Weights: map[string]float64{"a": 2}, MaxSkip: 20 * time.Millisecond,
	})
}

func (w *world) open() {
	var err error
	// What is tested is a crash of the process: the disk may take its time.
	var cfg queue.Config // what the engine wants
	w.eng, cfg, err = openEngine(context.Background(), w.dir, engine.Config{SyncInterval: time.Minute}, cfg)
	w.must(err)
	w.blobs, err = file.Open(filepath.Join(w.dir, "blobs"))
	w.must(err)
	for i := range w.procs {
		own := w.config(i)
		own.Namespace, own.Replicas = cfg.Namespace, cfg.Replicas
		w.procs[i], err = openQueue(context.Background(), w.eng, w.blobs, own)
		w.must(err)
	}
}

func (w *world) stop() {
	if w.eng == nil {
		return // it didn't open, and that is what the test should say
	}
	for _, q := range w.procs {
		q.Close()
	}
	_ = w.eng.Close(context.Background())
	_ = w.blobs.Close()
}

func (w *world) must(err error) {
	if err != nil {
		w.t.Fatalf("%v (%v)", err, fault.CodeOf(err))
	}
}

func (w *world) proc() *queue.Queue {
	return w.procs[rapid.IntRange(0, 1).Draw(w.t, "process")]
}

func (w *world) job() queue.NewJob {
	n := newJob()
	n.Owner = rapid.SampledFrom([]string{"a", "b"}).Draw(w.t, "owner")
	n.Priority = rapid.SampledFrom([]queue.Priority{queue.High, queue.Normal, queue.Low}).Draw(w.t, "priority")
	n.CircuitID = store.Sum([]byte{byte(rapid.IntRange(0, 2).Draw(w.t, "circuit"))})
	switch rapid.IntRange(0, 3).Draw(w.t, "deadline") {
	case 0:
		n.Deadline = time.Now().Add(30 * time.Minute) // half of a clock's jump
	case 1:
		n.Deadline = time.Now().Add(50 * time.Millisecond)
	}
	return n
}

func (w *world) submit() {
	n := w.job()
	n.ID = queue.NewID(time.Now())
	j, _, err := w.proc().Enqueue(context.Background(), n)
	if err != nil && !n.Deadline.IsZero() && !n.Deadline.After(time.Now()) {
		return // too late by now
	}
	w.must(err)
	w.submitted[j.ID], w.ids = n.Deadline, append(w.ids, j.ID)
}

func (w *world) submitBatch() {
	n := make([]queue.NewJob, rapid.IntRange(1, 4).Draw(w.t, "size"))
	for i := range n {
		n[i] = newJob()
		n[i].ID = queue.NewID(time.Now())
	}
	if rapid.Bool().Draw(w.t, "crash") {
		id, err := queue.HalfBatch(context.Background(), w.proc(), n)
		w.must(err)
		w.ghosts = append(w.ghosts, id)
		return
	}
	b, err := w.proc().EnqueueBatch(context.Background(), n)
	w.must(err)
	w.batches = append(w.batches, b.ID)
	for i := range n {
		w.submitted[n[i].ID], w.ids = time.Time{}, append(w.ids, n[i].ID)
	}
}

func (w *world) lease() {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Millisecond)
	defer cancel()
	o := queue.LeaseOptions{Worker: "w", Hot: func(d store.Digest) bool { return d[0]&1 == 0 }}
	if rapid.Bool().Draw(w.t, "small") {
		o.Fits = func(j queue.Job) bool { return j.CircuitID[0]&2 == 0 }
	}
	l, err := w.proc().LeaseWith(ctx, o)
	if err == nil {
		w.leases = append(w.leases, l)
	} else if !fault.Is(err, fault.DeadlineExceeded) {
		w.must(err)
	}
}

// speak lets any worker say anything about its attempt, however late.
func (w *world) speak() {
	if len(w.leases) == 0 {
		return
	}
	l := w.leases[rapid.IntRange(0, len(w.leases)-1).Draw(w.t, "lease")]
	ctx, id := context.Background(), l.Job().ID
	var err error
	switch rapid.IntRange(0, 5).Draw(w.t, "word") {
	case 0, 1:
		if err = l.Complete(ctx, queue.Result{Body: fmt.Appendf(nil, "%s by attempt %d", id, l.Job().Attempt)}); err == nil {
			w.results[id] = l.Job().Attempt
		}
	case 2:
		err = l.Fail(ctx, fault.New(fault.Internal, "broken"))
	case 3:
		err = l.Fail(ctx, fault.New(fault.UnsatisfiedWitness, "unsatisfied"))
	case 4:
		err = l.Release(ctx)
	default:
		l.Abandon()
	}
	if err != nil && !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Overloaded) { // of a process that is gone
		w.t.Logf("a late word: %v", err)
	}
}

func (w *world) operate() {
	if len(w.ids) == 0 {
		return
	}
	id := rapid.SampledFrom(w.ids).Draw(w.t, "job")
	var err error
	switch rapid.IntRange(0, 2).Draw(w.t, "operation") {
	case 0:
		_, err = w.proc().Cancel(context.Background(), id)
	case 1:
		_, err = w.proc().Requeue(context.Background(), id)
	case 2:
		if len(w.batches) > 0 {
			_, err = w.proc().CancelBatch(context.Background(), rapid.SampledFrom(w.batches).Draw(w.t, "batch"))
		}
	}
	if err != nil && !fault.Is(err, fault.Conflict) {
		w.must(err)
	}
}

func (w *world) step() {
	switch rapid.SampledFrom([]string{"submit", "submit", "batch", "lease", "lease", "lease", "speak", "speak", "operate", "jump", "restart"}).Draw(w.t, "step") {
	case "submit":
		w.submit()
	case "batch":
		w.submitBatch()
	case "lease":
		w.lease()
	case "speak":
		w.speak()
	case "operate":
		w.operate()
	case "jump":
		i := rapid.IntRange(0, 1).Draw(w.t, "process")
		w.skew[i].offset.Store(int64(rapid.IntRange(-1, 1).Draw(w.t, "hours")) * int64(time.Hour))
	case "restart":
		if rapid.IntRange(0, 3).Draw(w.t, "really") == 0 {
			w.stop()
			w.open()
		}
	}
}

// drain lets healthy workers finish what is left, after all others have died.
func (w *world) drain() {
	for _, l := range w.leases {
		l.Abandon()
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var doubled atomic.Int64
	var mu sync.Mutex
	for _, q := range w.procs {
		for range 2 {
			wg.Go(func() {
				for {
					l, err := q.Lease(ctx, "drain")
					if err != nil {
						return
					}
					body := fmt.Appendf(nil, "%s by attempt %d", l.Job().ID, l.Job().Attempt)
					if l.Complete(context.Background(), queue.Result{Body: body}) == nil {
						mu.Lock()
						if w.results[l.Job().ID] != 0 {
							doubled.Add(1)
						}
						w.results[l.Job().ID] = l.Job().Attempt
						mu.Unlock()
					}
				}
			})
		}
	}
	for id := range w.submitted {
		if _, err := w.procs[0].Wait(ctx, id, time.Minute); err != nil {
			w.t.Errorf("job %s: %v", id, err)
		}
	}
	cancel()
	wg.Wait()
	if doubled.Load() != 0 {
		w.t.Fatalf("%d jobs have two results", doubled.Load())
	}
}

// check compares the book with the records.
func (w *world) check() {
	got := map[queue.State]int{}
	for id, deadline := range w.submitted {
		j, err := w.procs[1].Job(context.Background(), id)
		w.must(err)
		got[j.State]++
		switch j.State {
		case queue.Succeeded:
			body, err := w.procs[1].Result(context.Background(), j)
			if want := fmt.Sprintf("%s by attempt %d", id, w.results[id]); err != nil || string(body) != want || j.Attempt != w.results[id] {
				w.t.Fatalf("got result %q, %v, want %q", body, err, want)
			}
		case queue.Expired:
			if deadline.IsZero() || deadline.After(time.Now()) {
				w.t.Fatalf("job %s expired %v too early", id, time.Until(deadline))
			}
			fallthrough
		case queue.Failed, queue.Cancelled:
			if j.Problem == nil || w.results[id] != 0 {
				w.t.Fatalf("job %s is %s with problem %v, and attempt %d had a result", id, j.State, j.Problem, w.results[id])
			}
		default:
			w.t.Fatalf("job %s is lost: it is %s at attempt %d", id, j.State, j.Attempt)
		}
	}
	if sum := got[queue.Succeeded] + got[queue.Failed] + got[queue.Cancelled] + got[queue.Expired]; sum != len(w.submitted) {
		w.t.Fatalf("%d submitted, %d accounted for: %v", len(w.submitted), sum, got)
	}
	for _, id := range w.ghosts {
		if _, err := w.procs[0].Batch(context.Background(), id); !fault.Is(err, fault.NotFound) {
			w.t.Fatalf("a batch that was never accepted: %v", err)
		}
	}
	// A process hears of the others' jobs a moment later.
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		jobs, _, err := w.procs[0].List(context.Background(), queue.Filter{}, "", 1000)
		if err == nil && len(jobs) == len(w.submitted) {
			return
		}
		if err != nil || len(jobs) > len(w.submitted) || time.Now().After(deadline) {
			w.t.Fatalf("%d jobs are listed, want %d, %v", len(jobs), len(w.submitted), err)
		}
	}
}

// TestQueueModel drives two processes on a real engine through random
// interleavings of clients, workers, crashes, restarts and clock jumps, lets
// healthy workers finish, and then counts: submitted = succeeded + failed with
// a reason + cancelled + expired, none lost, none with two results.
func TestQueueModel(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(base, "world")
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, dir)
		defer func() {
			w.stop()
			_ = os.RemoveAll(dir)
		}()
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			w.step()
		}
		w.drain()
		w.check()
	})
}
