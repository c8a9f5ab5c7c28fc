package queue

import (
	"context"
	"log/slog"
	"regexp"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"provery/internal/fault"
	"provery/internal/store"
)

// Config bounds the queue. The zero value of a field means its default.
type Config struct {
	// Namespace separates queues that share an engine: letters, digits, "-"
	// and "_". Default: provery.
	Namespace string
	// Replicas is how many servers of a cluster hold each record. Default: 1.
	Replicas int

	MaxQueued      int   // jobs waiting. Default: 10,000
	MaxQueuedBytes int64 // of their arguments together. Default: 1 GiB
	MaxArguments   int64 // bytes of one job's sealed arguments. Default: 64 MiB
	MaxResult      int64 // bytes of one job's result. Default: 64 MiB

	// LeaseTTL is how long a worker may be silent before its job goes to
	// another. Heartbeats are sent three times as often. Default: 30 s.
	LeaseTTL time.Duration
	// MaxFailures is how many lost or failed attempts end a job. Default: 3.
	MaxFailures int
	// Backoff is the delay after the first failure; it doubles with each, up
	// to MaxBackoff. Defaults: 1 s and 1 minute.
	Backoff, MaxBackoff time.Duration
	// Retention is how long ended jobs can be read. Default: 24 h.
	Retention time.Duration
	// IdempotencyTTL is how long an idempotency key is remembered, from its
	// first use. At least a second. Default: 24 h.
	IdempotencyTTL time.Duration

	// SweepInterval is the pace of expiry and repair. Default: 1 s; below 0
	// there is no sweeper, and somebody calls Sweep.
	SweepInterval time.Duration
	// PollInterval is how often an idle Lease looks for work by itself, in
	// case a wake-up was lost, and ten times more often than Wait looks at its
	// job's record. Default: 1 s.
	PollInterval time.Duration

	// Now is the clock of records, deadlines and retention. Default: time.Now.
	Now func() time.Time
	// Logger takes what the queue does on its own. Default: slog.DiscardHandler.
	Logger *slog.Logger
}

var namespaceForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// withDefaults checks c and fills in what is absent.
func (c Config) withDefaults() (Config, error) {
	c.Namespace = or(c.Namespace, "provery")
	c.Replicas = or(c.Replicas, 1)
	c.MaxQueued = or(c.MaxQueued, 10_000)
	c.MaxQueuedBytes = or(c.MaxQueuedBytes, 1<<30)
	c.MaxArguments = or(c.MaxArguments, 64<<20)
	c.MaxResult = or(c.MaxResult, 64<<20)
	c.LeaseTTL = or(c.LeaseTTL, 30*time.Second)
	c.MaxFailures = or(c.MaxFailures, 3)
	c.Backoff = or(c.Backoff, time.Second)
	c.MaxBackoff = or(c.MaxBackoff, time.Minute)
	c.Retention = or(c.Retention, 24*time.Hour)
	c.IdempotencyTTL = or(c.IdempotencyTTL, 24*time.Hour)
	c.SweepInterval = or(c.SweepInterval, time.Second)
	c.PollInterval = or(c.PollInterval, time.Second)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if !namespaceForm.MatchString(c.Namespace) {
		return c, fault.New(fault.InvalidRequest, "open queue: the namespace may hold letters, digits, - and _ only")
	}
	if c.Replicas < 1 || c.MaxQueued < 1 || c.MaxQueuedBytes < 1 || c.MaxArguments < 1 || c.MaxResult < 1 || c.MaxFailures < 1 {
		return c, fault.New(fault.InvalidRequest, "open queue: limits must be positive")
	}
	if c.LeaseTTL < 10*time.Millisecond || c.Backoff < 0 || c.MaxBackoff < c.Backoff || c.Retention < 0 || c.IdempotencyTTL < time.Second || c.PollInterval < 0 {
		return c, fault.New(fault.InvalidRequest, "open queue: a duration is out of range")
	}
	return c, nil
}

func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// names are the subjects and streams of one namespace. Subjects end in a dot.
type names struct {
	bucket, stream       string
	jobs, wake, progress string
}

func namesOf(ns string) names {
	return names{
		bucket: ns + "-jobs", stream: ns + "-work",
		jobs: ns + ".jobs.", wake: ns + ".wake.", progress: ns + ".progress.",
	}
}

// Engine is what the queue needs of the job engine.
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

	records *bucket
	stream  jetstream.Stream // work
	index   *index
	feed    *feed
	subs    []*nats.Subscription

	inbox inbox
	turn  chan struct{} // held by the one Lease that looks for work
	work  chan struct{} // a token: there may be work
	turns int           // leases so far; guarded by turn

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
		index:  newIndex(), turn: make(chan struct{}, 1), work: make(chan struct{}, 1),
	}
	q.ctx, q.cancel = context.WithCancelCause(context.Background())
	if q.records, err = openBucket(ctx, q.js, q.names.bucket, cfg.Replicas); err != nil {
		return nil, err
	}
	if err := q.openWork(ctx); err != nil {
		return nil, err
	}
	if q.feed, err = startFeed(ctx, q.records, q.index); err != nil {
		return nil, err
	}
	if err := q.listen(); err != nil {
		q.Close()
		return nil, err
	}
	if cfg.SweepInterval > 0 {
		q.spawn(q.sweepLoop)
	}
	return q, nil
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
		ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
		defer cancel()
		if err := f(ctx); err != nil {
			q.cfg.Logger.Warn("queue", "doing", doing, "error", err)
		}
	})
}

// Job returns the job id, its stage included. NotFound covers deleted jobs.
func (q *Queue) Job(ctx context.Context, id string) (Job, error) {
	s, err := q.records.getJob(ctx, id)
	if err != nil {
		return Job{}, err
	}
	return q.view(s), nil
}

// view adds what isn't in the record.
func (q *Queue) view(s snapshot) Job {
	j := s.Job
	if e, ok := q.index.lookup(j.ID); ok && j.State == Running && e.Attempt == j.Attempt {
		j.Stage = e.stage
	}
	return j
}

// Stats counts the jobs.
type Stats struct {
	ByState     map[State]int // every state has an entry
	QueuedBytes int64         // arguments of queued jobs
	OldestWait  time.Duration // since the creation of the oldest queued job
	// MeanInterval is the mean time between the ends of recent jobs; 0 while
	// there were too few to tell.
	MeanInterval time.Duration
}

// Stats returns the figures of this moment, as this process knows them.
func (q *Queue) Stats() Stats {
	now := q.cfg.Now()
	q.index.mu.Lock()
	defer q.index.mu.Unlock()
	s := Stats{ByState: make(map[State]int, len(States())), QueuedBytes: q.index.bytes}
	for _, st := range States() {
		s.ByState[st] = q.index.counts[st]
	}
	for _, e := range q.index.active {
		if e.State == Queued {
			s.OldestWait = max(s.OldestWait, now.Sub(time.UnixMilli(e.Created)))
		}
	}
	s.MeanInterval, _ = q.index.rate.interval()
	return s
}

// update moves the job id by ev. known, where it isn't nil, saves a read. A
// try whose outcome is unknown is repeated; next recognises its own events.
func (q *Queue) update(ctx context.Context, id string, known *snapshot, ev event) (snapshot, error) {
	const tries = 8
	var err error
	for try := range tries {
		if known == nil {
			s, rerr := q.records.getJob(ctx, id)
			if rerr != nil {
				return snapshot{}, rerr
			}
			known = &s
		}
		r, changed, nerr := next(known.record, ev, q.policy)
		if nerr != nil || !changed {
			return *known, nerr
		}
		var rev uint64
		if rev, err = q.records.putJob(ctx, &r, known.rev); err == nil {
			q.index.apply(id, rev, r.meta())
			return snapshot{record: r, rev: rev}, nil
		}
		away := fault.Is(err, fault.Overloaded)
		if err != errSwapped && !away {
			return snapshot{}, err
		}
		if away && !pause(ctx, time.Duration(try+1)*50*time.Millisecond) {
			return snapshot{}, err
		}
		known = nil
	}
	return snapshot{}, err
}

// pause waits for d and reports whether ctx allowed it.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
