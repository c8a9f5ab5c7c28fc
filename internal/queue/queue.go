package queue

import (
	"context"
	"crypto/rand"
	"hash/fnv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"provery/internal/fault"
	"provery/internal/store"
)

// names are the bucket and the subjects of one namespace. Subjects end in a dot.
type names struct{ bucket, beat, progress string }

func namesOf(ns string) names {
	return names{bucket: ns + "-jobs", beat: ns + ".beat.", progress: ns + ".progress."}
}

// Engine is what the queue needs of the job engine. Where it has a method
// Embedded() bool that reports true, no process but this one can use it, and
// attempts from before its start are known to be dead.
type Engine interface {
	JetStream() jetstream.JetStream
	Conn() *nats.Conn
}

// Queue is a durable job queue. Its methods may be called concurrently, and
// any number of processes may open the same namespace of an engine.
type Queue struct {
	cfg    Config
	names  names
	policy policy
	js     jetstream.JetStream
	conn   *nats.Conn
	blobs  store.Blobs

	records    *bucket
	index      *index
	feed       feed
	subs       []*nats.Subscription
	clock      clock
	preference preference
	orphanAge  time.Duration // of a batch that was never accepted

	id      string // of this process, random
	number  uint64 // made of id
	session string // of the embedded engine; empty with an external one
	echo    atomic.Int64
	reaping atomic.Bool // lost jobs are being taken back
	beatNow chan struct{}

	heldMu sync.Mutex
	worker bool           // somebody has called Lease
	info   *WorkerInfo    // nil until Announce; never changed in place
	held   map[string]int // leases by job: the attempts; to be kept alive

	ctx       context.Context // of what the queue does on its own; ends with Close
	cancel    context.CancelCauseFunc
	closeOnce sync.Once

	taskMu sync.Mutex
	closed bool           // no more tasks; guarded by taskMu
	tasks  sync.WaitGroup // the sweeper, heartbeats, erasures
}

// Open opens the queue cfg.Namespace on the engine and creates what isn't
// there. Large payloads go to blobs. ctx bounds the call only. Close the queue
// before the engine.
//
// Errors: InvalidRequest for a config out of range, Overloaded where the
// engine doesn't answer, Internal otherwise.
func Open(ctx context.Context, eng Engine, blobs store.Blobs, cfg Config) (*Queue, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	q := &Queue{
		cfg: cfg, names: namesOf(cfg.Namespace), js: eng.JetStream(), conn: eng.Conn(), blobs: blobs,
		policy: policy{maxFailures: cfg.MaxFailures, backoff: cfg.Backoff, maxBackoff: cfg.MaxBackoff},
		index:  newIndex(cfg.Weights, cfg.OnEnd), preference: preference{misfits: map[string]time.Time{}}, orphanAge: batchGrace,
		id: rand.Text(), beatNow: make(chan struct{}, 1), held: map[string]int{},
	}
	q.number = processNumber(q.id)
	if e, ok := eng.(interface{ Embedded() bool }); ok && e.Embedded() {
		q.session = q.conn.ConnectedServerId()
	}
	q.ctx, q.cancel = context.WithCancelCause(context.Background())
	if err := q.start(ctx); err != nil {
		q.Close()
		return nil, err
	}
	return q, nil
}

// start opens the records and starts what runs for as long as the queue does.
func (q *Queue) start(ctx context.Context) (err error) {
	if q.records, err = openBucket(ctx, q.js, q.names.bucket, &q.cfg); err != nil {
		return err
	}
	q.records.inBatch = q.index.isItem
	if err := q.checkClock(ctx); err != nil {
		return err
	}
	if q.feed, err = startFeed(ctx, q.records, q.index); err != nil {
		return err
	}
	q.seedRate()
	if err := q.listen(); err != nil {
		return err
	}
	q.spawn(q.beatLoop)
	q.spawn(q.linkLoop)
	if q.cfg.SweepInterval > 0 {
		q.spawn(q.sweepLoop)
	}
	return nil
}

// linkLoop follows the connection until the queue is closed.
func (q *Queue) linkLoop() {
	changed := q.conn.StatusChanged(nats.CONNECTED, nats.RECONNECTING)
	defer q.conn.RemoveStatusListener(changed)
	for {
		select {
		case s, open := <-changed:
			switch {
			case !open:
				return // the connection has ended
			case s == nats.CONNECTED:
				q.records.connected()
			default:
				q.records.disconnected()
			}
		case <-q.ctx.Done():
			return
		}
	}
}

// processNumber makes a number of a process's id.
func processNumber(id string) uint64 {
	f := fnv.New64a()
	_, _ = f.Write([]byte(id))
	return f.Sum64()
}

// errClosed ends what is under way when the queue is closed.
var errClosed = &fault.Error{Code: fault.Overloaded, Detail: "the queue is shutting down", RetryAfter: engineRetry}

// Close stops leasing, waiting and sweeping, cancels the contexts of open
// leases, and waits for the queue's own goroutines. It doesn't touch the jobs:
// leases that weren't released run out.
func (q *Queue) Close() {
	q.closeOnce.Do(func() {
		q.cancel(errClosed)
		for _, s := range q.subs {
			_ = s.Unsubscribe() // fails only where the connection is gone
		}
		q.taskMu.Lock()
		q.closed = true
		q.taskMu.Unlock()
		q.tasks.Wait()
		if q.feed != nil {
			q.feed.stop()
		}
	})
}

// spawn runs f on a goroutine that Close waits for. Once the queue is closed
// f isn't run, and spawn returns false.
func (q *Queue) spawn(f func()) bool {
	q.taskMu.Lock()
	defer q.taskMu.Unlock()
	if q.closed {
		return false
	}
	q.tasks.Go(f)
	return true
}

// background does something that the caller needn't wait for. It isn't done
// at all when the queue is closed meanwhile: the sweeper of the next process
// finds what was left.
func (q *Queue) background(doing string, f func(context.Context) error) {
	q.spawn(func() {
		ctx, cancel := context.WithTimeout(context.Background(), q.cfg.callTimeout)
		defer cancel()
		if err := f(ctx); err != nil {
			q.cfg.Logger.Warn("queue", "doing", doing, "error", err)
		}
	})
}

// Job returns the job id, its stage included. NotFound covers deleted jobs.
func (q *Queue) Job(ctx context.Context, id string) (Job, error) {
	s, err := q.read(ctx, id)
	if err != nil {
		return Job{}, err
	}
	return q.view(s), nil
}

// read returns a job's record. An item of a batch that isn't accepted doesn't
// exist.
func (q *Queue) read(ctx context.Context, id string) (snapshot, error) {
	s, err := q.records.getJob(ctx, id)
	if err != nil || s.Batch == "" || q.index.accepted(s.Batch) {
		return s, err
	}
	if _, _, err := q.records.get(ctx, batchKeys+s.Batch); fault.Is(err, fault.NotFound) {
		return snapshot{}, fault.New(fault.NotFound, "no such job")
	} else if err != nil {
		return snapshot{}, err
	}
	return s, nil
}

// view adds what isn't in the record.
func (q *Queue) view(s snapshot) Job {
	j := s.Job
	if e, ok := q.index.lookup(j.ID); ok && j.State == Running && e.Attempt == j.Attempt {
		j.Stage = e.stage
	}
	return j
}
