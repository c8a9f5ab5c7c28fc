package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/parallel"
	"provery/internal/queue"
)

func TestPoolProves(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, k := r.ready("mul")
	seen := observer{make(chan string, 4)}
	r.pool(r.queue, seen, time.Minute)
	j := r.ended(r.enqueue(c, k, `["6","7"]`).ID)
	if j.State != queue.Succeeded || j.Attempt != 1 || j.Arguments != nil {
		t.Fatalf("got %+v, want it succeeded and its arguments erased", j)
	}
	body, err := r.queue.Result(t.Context(), j)
	r.check(err)
	var result api.Result
	r.check(json.Unmarshal(body, &result))
	if string(result.Outputs) != `"42"` || result.CircuitDigest != c.ID.String() || result.ProvingKeyDigest != k.Source.Digest.String() {
		t.Errorf("got %+v", result)
	}
	var phases []string
	for _, p := range j.Ledger.Phases {
		phases = append(phases, p.Name)
	}
	if want := []string{"queue", "load", "witness", "prove", "prove.evaluate"}; len(phases) < 6 || !slices.Equal(phases[:5], want) || phases[len(phases)-1] != "check" {
		t.Errorf("got phases %v", phases)
	}
	if j.Ledger.PeakBytes <= 0 {
		t.Errorf("got a peak of %d bytes", j.Ledger.PeakBytes)
	}
	if got := get(t, "the observer", seen.seen); got != "groth16 succeeded" {
		t.Errorf("observed %q", got)
	}
}

// TestPoolFails makes attempts fail in every way. What is the client's fault
// ends the job at once; what is the service's is tried again.
func TestPoolFails(t *testing.T) {
	t.Parallel()
	panicking := func(context.Context) error { panic(secret) }
	indexing := func(context.Context) error { return fmt.Errorf("%d", []int{}[len(secret)]) }
	looping := func(ctx context.Context) error {
		return parallel.Each(ctx, 2, 4, func(int) error { panic(errors.New(secret)) })
	}
	failing := func(code fault.Code, detail string) func(context.Context) error {
		return func(context.Context) error {
			return &fault.Error{Code: code, Detail: detail, Err: errors.New("the cause")}
		}
	}
	for _, tc := range []struct {
		name      string
		arguments string
		solve     func(context.Context) error
		prove     func(context.Context) error
		code      fault.Code
		detail    string
		attempts  int
		log       string
	}{
		{"bad arguments", `["6"]`, fine, fine, fault.InvalidRequest, "", 1, "invalid_request"},
		{"damaged record", `{"arguments":`, fine, fine, fault.Internal, "the job's arguments are damaged", 2, "damaged"},
		{"altered record", `altered{`, fine, fine, fault.Internal, "open the circuit", 2, "altered"},
		{"assertion", `["6","7"]`, failing(fault.UnsatisfiedWitness, "values differ"), fine, fault.UnsatisfiedWitness, "values differ", 1, "values differ"},
		{"panic in the front-end", `["6","7"]`, panicking, fine, fault.Internal, "a fault of its own", 2, "panic of type string in provery/internal/worker.TestPoolFails.func1 pool_test.go:"},
		{"panic in the scheme", `["6","7"]`, fine, panicking, fault.Internal, "a fault of its own", 2, "panic of type string"},
		{"panic of the runtime", `["6","7"]`, indexing, fine, fault.Internal, "a fault of its own", 2, "index out of range [#] with length #"},
		{"panic in a loop of the scheme", `["6","7"]`, fine, looping, fault.Internal, "a fault of its own", 2, "panic of type *errors.errorString in provery/internal/worker.TestPoolFails"},
		{"internal error", `["6","7"]`, fine, failing(fault.Internal, "doing that"), fault.Internal, "doing that", 2, "doing that: the cause"},
		{"an error without a class", `["6","7"]`, func(context.Context) error { return errors.New("the cause") }, fine, fault.Internal, "a reason inside of the service", 2, "the cause"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			c, k := r.ready("mul")
			r.front.onSolve.set(tc.solve)
			r.back.onProve.set(tc.prove)
			seen := observer{make(chan string, 4)}
			stop := r.pool(r.queue, seen, time.Minute)
			j := r.ended(r.enqueue(c, k, tc.arguments).ID)
			stop()
			if j.State != queue.Failed || j.Problem == nil || j.Problem.Code != tc.code || !strings.Contains(j.Problem.Detail, tc.detail) || j.Attempt != tc.attempts {
				t.Errorf("got %s %+v at attempt %d, want %s with %q at attempt %d", j.State, j.Problem, j.Attempt, tc.code, tc.detail, tc.attempts)
			}
			for where, text := range map[string]string{"the log": r.log.String(), "the record": fmt.Sprintf("%+v", j.Problem)} {
				if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprint(len(secret))+"]") {
					t.Errorf("%s shows a panic's value: %s", where, text)
				}
			}
			if !strings.Contains(r.log.String(), tc.log) {
				t.Errorf("got log %s, want %q in it", r.log, tc.log)
			}
			if got, want := get(t, "the observer", seen.seen), string(tc.code); !strings.HasSuffix(got, want) {
				t.Errorf("observed %q, want %s", got, want)
			}
		})
	}
}

// TestPoolGoesOn proves after a panic: a worker isn't lost with its job.
func TestPoolGoesOn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, k := r.ready("mul")
	var once sync.Once
	r.front.onSolve.set(func(context.Context) error { once.Do(func() { panic(secret) }); return nil })
	r.pool(r.queue, nil, time.Minute)
	if j := r.ended(r.enqueue(c, k, `["6","7"]`).ID); j.State != queue.Succeeded || j.Attempt != 2 {
		t.Errorf("got %+v, want success at attempt 2", j)
	}
}

// TestResultThatCantBeKept makes the store full for the result only.
func TestResultThatCantBeKept(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		err      *fault.Error
		attempts int
	}{
		{"full disk", fault.New(fault.InsufficientStorage, "put blob: the disk is full"), 2},
		{"too large", fault.New(fault.TooLarge, "put blob: too large"), 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			c, k := r.ready("mul")
			r.blobs.onPut.set(func(context.Context) error { return tc.err })
			r.back.padding.Store(100 << 10) // too large for the job's record
			r.pool(r.queue, nil, time.Minute)
			j := r.ended(r.enqueue(c, k, `["6","7"]`).ID)
			if j.State != queue.Failed || j.Problem.Code != tc.err.Code || j.Attempt != tc.attempts {
				t.Errorf("got %s %+v at attempt %d, want %s at %d", j.State, j.Problem, j.Attempt, tc.err.Code, tc.attempts)
			}
		})
	}
}

// TestDrainHandsBack stops a pool whose proof doesn't end.
func TestDrainHandsBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, k := r.ready("mul")
	entered := make(chan struct{}, 2)
	r.front.onSolve.set(func(ctx context.Context) error {
		entered <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	})
	stop := r.pool(r.queue, nil, 0)
	j := r.enqueue(c, k, `["6","7"]`)
	get(t, "the proof", entered)
	stop()
	now, err := r.queue.Job(t.Context(), j.ID)
	r.check(err)
	if now.State != queue.Queued || len(now.Attempts) != 1 || now.Attempts[0].Outcome != queue.OutcomeReleased {
		t.Errorf("got %+v, want it handed back", now)
	}
	r.front.onSolve.set(fine)
	r.pool(r.queue, nil, time.Minute)
	if j := r.ended(j.ID); j.State != queue.Succeeded || j.Attempt != 2 {
		t.Errorf("got %+v, want success at attempt 2", j)
	}
}

// TestDrainWaits stops a pool whose proof ends within the drain time.
func TestDrainWaits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, k := r.ready("mul")
	entered, gate := make(chan struct{}, 1), make(chan struct{})
	r.front.onSolve.set(func(context.Context) error { entered <- struct{}{}; <-gate; return nil })
	stop := r.pool(r.queue, nil, patience)
	j := r.enqueue(c, k, `["6","7"]`)
	get(t, "the proof", entered)
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	close(gate)
	get(t, "the pool's end", stopped)
	if j := r.ended(j.ID); j.State != queue.Succeeded || j.Attempt != 1 {
		t.Errorf("got %+v, want success at attempt 1", j)
	}
}

// losing loses the first lease as soon as its job is in work.
type losing struct {
	*queue.Queue
	entered chan struct{}
	once    sync.Once
}

// LeaseWith leases a job.
func (l *losing) LeaseWith(ctx context.Context, o queue.LeaseOptions) (*queue.Lease, error) {
	lease, err := l.Queue.LeaseWith(ctx, o)
	if err == nil {
		l.once.Do(func() {
			go func() { <-l.entered; lease.Abandon() }()
		})
	}
	return lease, err
}

// TestLostLease gives up an attempt whose lease is lost, and leaves the job to
// the next one.
func TestLostLease(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, k := r.ready("mul")
	l := &losing{Queue: r.queue, entered: make(chan struct{})}
	var once sync.Once
	r.front.onSolve.set(func(ctx context.Context) (err error) {
		once.Do(func() {
			close(l.entered)
			<-ctx.Done()
			err = ctx.Err()
		})
		return err
	})
	r.pool(l, nil, time.Minute)
	j := r.ended(r.enqueue(c, k, `["6","7"]`).ID)
	if j.State != queue.Succeeded || j.Attempt != 2 || j.Attempts[0].Outcome != queue.OutcomeLost {
		t.Errorf("got %+v, want a lost attempt and success", j)
	}
	if !strings.Contains(r.log.String(), "attempt given up") {
		t.Errorf("got log %s", r.log)
	}
}

// TestCancelStopsWork cancels a job in work: its context ends, and the record
// stays as it is.
func TestCancelStopsWork(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, k := r.ready("mul")
	entered, ended := make(chan struct{}, 1), make(chan struct{}, 1)
	r.front.onSolve.set(func(ctx context.Context) error {
		entered <- struct{}{}
		<-ctx.Done()
		ended <- struct{}{}
		return ctx.Err()
	})
	r.pool(r.queue, nil, time.Minute)
	j := r.enqueue(c, k, `["6","7"]`)
	get(t, "the proof", entered)
	_, err := r.queue.Cancel(t.Context(), j.ID)
	r.check(err)
	get(t, "the end of the work", ended)
	if j := r.ended(j.ID); j.State != queue.Cancelled {
		t.Errorf("got %+v, want it cancelled", j)
	}
}

func TestRemovedCircuit(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, k := r.ready("mul")
	j := r.enqueue(c, k, `["6","7"]`)
	r.check(r.registry.Remove(t.Context(), c.ID))
	r.pool(r.queue, nil, time.Minute)
	if j := r.ended(j.ID); j.State != queue.Failed || j.Problem.Code != fault.NotFound || j.Attempt != 1 {
		t.Errorf("got %+v %+v, want not_found at once", j, j.Problem)
	}
}

// awayQueue fails the first leases.
type awayQueue struct {
	Leaser
	fail  chan struct{}
	tried chan struct{}
}

// LeaseWith fails as long as there are failures left.
func (q awayQueue) LeaseWith(ctx context.Context, o queue.LeaseOptions) (*queue.Lease, error) {
	select {
	case <-q.fail:
		q.tried <- struct{}{}
		return nil, fault.New(fault.Internal, "look for work")
	default:
		return q.Leaser.LeaseWith(ctx, o)
	}
}

func TestLeaseErrorsArePassed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, k := r.ready("mul")
	q := awayQueue{r.queue, make(chan struct{}, 1), make(chan struct{}, 1)}
	q.fail <- struct{}{}
	r.pool(q, nil, time.Minute)
	get(t, "a failed lease", q.tried)
	if j := r.ended(r.enqueue(c, k, `["6","7"]`).ID); j.State != queue.Succeeded {
		t.Errorf("got %+v, want success", j)
	}
	closed := newRig(t)
	stop := closed.pool(closed.queue, nil, time.Minute)
	closed.queue.Close() // the slots end by themselves, Run with its context
	stop()
}

// echo is a handler of another kind. Its result is the job's arguments.
type echo struct{}

// Kind implements Handler.
func (echo) Kind() string { return "echo" }

// Need returns nothing.
func (echo) Need(queue.Job) Need { return Need{} }

// Run implements Handler.
func (echo) Run(ctx context.Context, lease *queue.Lease, _ Grant) (result queue.Result, err error) {
	if result.Body, err = lease.Arguments(ctx); string(result.Body) == "panic" {
		panic(secret)
	}
	return result, err
}

// TestPoolDispatches runs jobs of two kinds in one pool, and leaves those of a
// third alone.
func TestPoolDispatches(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, k := r.ready("mul")
	enqueue := func(kind, arguments string) queue.Job {
		j, _, err := r.queue.Enqueue(t.Context(), queue.NewJob{Kind: kind, Sealed: []byte(arguments)})
		r.check(err)
		return j
	}
	other, echoed, broken := enqueue("other", "x"), enqueue("echo", "abc"), enqueue("echo", "panic")
	proof := r.enqueue(c, k, `["6","7"]`)
	r.pool(r.queue, nil, time.Minute, echo{})
	j := r.ended(echoed.ID)
	body, err := r.queue.Result(t.Context(), j)
	r.check(err)
	if j.State != queue.Succeeded || string(body) != "abc" {
		t.Errorf("got %s with %q, want the echo", j.State, body)
	}
	j = r.ended(broken.ID)
	if j.State != queue.Failed || j.Problem.Code != fault.Internal || strings.Contains(r.log.String(), secret) {
		t.Errorf("got %s %+v, want an internal error, and the panic's value unseen", j.State, j.Problem)
	}
	if j := r.ended(proof.ID); j.State != queue.Succeeded {
		t.Errorf("got %s, want the proof made", j.State)
	}
	left, err := r.queue.Job(t.Context(), other.ID)
	r.check(err)
	if left.State != queue.Queued || left.Attempt != 0 {
		t.Errorf("got %+v, want the job of an unknown kind left alone", left)
	}
}
