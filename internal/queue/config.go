package queue

import (
	"log/slog"
	"regexp"
	"time"

	"go.opentelemetry.io/otel/trace"

	"provery/internal/fault"
	"provery/internal/tracing"
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

	// Weights are the owners' shares of the workers while several of them
	// wait: an owner of weight 2 gets twice as many starts as one of weight 1,
	// the default. It counts jobs, within a priority.
	Weights map[string]float64
	// OwnerShare is the part of MaxQueued and MaxQueuedBytes that one owner
	// may use, so that the rest is left for others. Default: 1, all of it.
	OwnerShare float64
	// MaxSkip is how long others may overtake a job that doesn't fit; see
	// LeaseOptions. Default: 30 s.
	MaxSkip time.Duration

	// LeaseTTL is how long a worker may be silent before its job goes to
	// another; all processes should have the same. Heartbeats are sent four
	// times as often. Default: 30 s.
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
	// PollInterval is how often an idle Lease looks for work by itself, and
	// ten times more often than Wait looks at its job's record. Default: 1 s.
	PollInterval time.Duration

	// OnEnd is told of every job that this process sees to have ended: of its
	// own and of others' doing, and, while Open runs, of those that had ended
	// before. It may be told more than once. It must return at once, and must
	// not call the queue.
	OnEnd func(Ended)

	// Now is this machine's clock. The engine's counts, where it tells the
	// time; a difference of a second or more is reported. Default: time.Now.
	Now func() time.Time
	// Tracer begins the spans of jobs. Default: none are recorded.
	Tracer trace.Tracer
	// The bounds of one read or write of a record, and of a call that makes several.
	// Tests that are about something else set higher ones, for machines that stall.
	opTimeout, callTimeout time.Duration

	// Logger takes what the queue does on its own. Default: slog.DiscardHandler.
	Logger *slog.Logger
}

// Ended names a job that has ended, and its batch, if it has one.
type Ended struct{ ID, Batch string }

var namespaceForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// withDefaults checks c and fills in what is absent.
func (c Config) withDefaults() (Config, error) {
	c.Namespace = or(c.Namespace, "provery")
	c.Replicas = or(c.Replicas, 1)
	c.MaxQueued = or(c.MaxQueued, 10_000)
	c.MaxQueuedBytes = or(c.MaxQueuedBytes, 1<<30)
	c.MaxArguments = or(c.MaxArguments, 64<<20)
	c.MaxResult = or(c.MaxResult, 64<<20)
	c.OwnerShare = or(c.OwnerShare, 1)
	c.MaxSkip = or(c.MaxSkip, 30*time.Second)
	c.LeaseTTL = or(c.LeaseTTL, 30*time.Second)
	c.MaxFailures = or(c.MaxFailures, 3)
	c.Backoff = or(c.Backoff, time.Second)
	c.MaxBackoff = or(c.MaxBackoff, time.Minute)
	c.Retention = or(c.Retention, 24*time.Hour)
	c.IdempotencyTTL = or(c.IdempotencyTTL, 24*time.Hour)
	c.SweepInterval = or(c.SweepInterval, time.Second)
	c.PollInterval = or(c.PollInterval, time.Second)
	c.opTimeout, c.callTimeout = or(c.opTimeout, opTimeout), or(c.callTimeout, callTimeout)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Tracer == nil {
		c.Tracer = tracing.None()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if !namespaceForm.MatchString(c.Namespace) {
		return c, fault.New(fault.InvalidRequest, "open queue: the namespace may hold letters, digits, - and _ only")
	}
	for _, w := range c.Weights {
		if !(w >= 0.001 && w <= 1000) {
			return c, fault.New(fault.InvalidRequest, "open queue: weights must be 0.001 to 1000")
		}
	}
	if !(c.OwnerShare > 0 && c.OwnerShare <= 1) {
		return c, fault.New(fault.InvalidRequest, "open queue: an owner's share must be above 0 and at most 1")
	}
	if c.Replicas < 1 || c.MaxQueued < 1 || c.MaxQueuedBytes < 1 || c.MaxArguments < 1 || c.MaxResult < 1 || c.MaxFailures < 1 {
		return c, fault.New(fault.InvalidRequest, "open queue: limits must be positive")
	}
	if c.LeaseTTL < 10*time.Millisecond || c.Backoff < 0 || c.MaxBackoff < c.Backoff || c.Retention < 0 || c.IdempotencyTTL < time.Second || c.PollInterval < 0 || c.MaxSkip < 0 {
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
