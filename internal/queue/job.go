// Package queue is the durable queue of proving jobs, on JetStream.
//
// A job is a record in a key-value bucket, moved by compare-and-swap only. The
// record decides: whatever messages are lost, doubled or late, a job has
// exactly one visible result, because the swap to a terminal state happens
// once and names the attempt that it ends. See next for the state machine.
//
// Every process follows the records' headers into an index in its memory and
// chooses its work there: by priority, between owners by weight, by the
// circuits that it holds, by what fits. What it has chosen it claims by
// swapping the record; of two processes that choose alike, one gets the job
// and the other chooses again.
//
// Enqueue returns after the record is on disk. A worker that stops sending
// heartbeats loses its lease, and another takes the job as the next attempt.
// docs/jobs.md tells the whole story.
package queue

import (
	"time"

	"provery/internal/fault"
	"provery/internal/store"
)

// State is where a job stands.
type State string

// The states. The last four are terminal: nothing leaves them but deletion,
// and Requeue for a dead letter.
const (
	Queued    State = "queued"
	Running   State = "running"
	Succeeded State = "succeeded"
	Failed    State = "failed"
	Cancelled State = "cancelled"
	Expired   State = "expired"
)

// States lists all states in the order of a job's life.
func States() []State { return []State{Queued, Running, Succeeded, Failed, Cancelled, Expired} }

// Terminal reports whether a job in s has ended.
func (s State) Terminal() bool {
	switch s {
	case Succeeded, Failed, Cancelled, Expired:
		return true
	}
	return false
}

// Priority is the class in which a job waits. Higher classes are served
// first; a quarter of the turns begins with a lower one, so that none starves.
type Priority string

// The priorities. The empty text means Normal where a job is enqueued.
const (
	High   Priority = "high"
	Normal Priority = "normal"
	Low    Priority = "low"
)

// KindProof is the kind of jobs that name none.
const KindProof = "proof"

// priorities lists the classes in the order of service.
var priorities = [...]Priority{High, Normal, Low}

// rank returns the place of p in the order of service, 0 for High, and -1 for
// a text that isn't a priority.
func (p Priority) rank() int {
	for i, q := range priorities {
		if p == q {
			return i
		}
	}
	return -1
}

// NewJob is what a client asks for.
type NewJob struct {
	// ID is from NewID. It is chosen by the caller because sealing the
	// arguments needs it; empty means that Enqueue makes one.
	ID string
	// Kind says which workers can run the job: up to 32 of [a-z0-9_-]. Empty:
	// KindProof. Lease gives a worker the kinds that it names.
	Kind string
	// Owner is the tenant (the API key's name), for listing, for fairness,
	// and for the scope of the idempotency key. It may be empty.
	Owner     string
	CircuitID store.Digest // may be zero where Kind isn't KindProof
	KeySetID  store.Digest // zero: the worker chooses
	Priority  Priority     // empty: Normal
	// Labels are the client's own: at most 32, keys up to 64 bytes, values
	// up to 256. They are stored unsealed.
	Labels map[string]string
	// Deadline is when the job expires unless it has finished; zero: never.
	Deadline time.Time
	// Sealed holds the arguments as opaque bytes: sealed by the caller,
	// erased when the job ends, unless it ends as a dead letter.
	Sealed []byte
	// IdempotencyKey makes repeated calls by the same Owner return the same
	// job, as long as RequestHash is the same; see Enqueue.
	IdempotencyKey string
	// RequestHash identifies the request's content. It is compared only, and
	// only where IdempotencyKey is set.
	RequestHash store.Digest

	trace string // of the span under which the job is accepted
}

// Job is the state of a job at one moment. It shares no memory with the queue.
type Job struct {
	ID        string            `json:"id"`
	Kind      string            `json:"kind"`
	Owner     string            `json:"owner,omitempty"`
	CircuitID store.Digest      `json:"circuit"`
	KeySetID  store.Digest      `json:"key_set,omitzero"`
	State     State             `json:"state"`
	Stage     string            `json:"-"` // of a running job; not durable
	Priority  Priority          `json:"priority"`
	Labels    map[string]string `json:"labels,omitempty"`

	// Trace is a W3C traceparent: the span under which the job's own stand.
	Trace string `json:"trace,omitempty"`

	Batch string `json:"batch,omitempty"` // the batch that the job belongs to, if any
	Item  int    `json:"item,omitempty"`  // its place in the batch, from 0

	// Dead marks a failed job as a dead letter: the fault lay with the service,
	// and the arguments were kept, so that Requeue can run the job again.
	Dead     bool `json:"dead,omitempty"`
	Requeues int  `json:"requeues,omitempty"` // how often that was done

	// Attempt is the number of the attempt under way or the last one, from 1;
	// 0 before the first. Attempts holds the history, the last 32 at most.
	Attempt  int       `json:"attempt"`
	Attempts []Attempt `json:"attempts,omitempty"`

	Created  time.Time `json:"created"`
	Updated  time.Time `json:"updated"`           // last change of the record
	Started  time.Time `json:"started,omitzero"`  // of the last attempt
	Finished time.Time `json:"finished,omitzero"` // entry into the terminal state
	RetryAt  time.Time `json:"retry_at,omitzero"` // of a queued job after a failure
	Deadline time.Time `json:"deadline,omitzero"` // zero: none

	Arguments *Payload `json:"arguments,omitempty"` // sealed; nil once erased
	Result    *Payload `json:"result,omitempty"`    // of a succeeded job; see Queue.Result
	Problem   *Problem `json:"problem,omitempty"`   // of a job that ended otherwise
	Ledger    Ledger   `json:"ledger,omitzero"`     // of a succeeded job
}

// Outcome says how an attempt ended.
type Outcome string

// The outcomes. The empty text means that the attempt is under way.
const (
	OutcomeSucceeded Outcome = "succeeded"
	OutcomeFailed    Outcome = "failed"
	OutcomeLost      Outcome = "lost"     // no heartbeat: worker or connection died
	OutcomeReleased  Outcome = "released" // handed back at drain; not held against the job
	OutcomeCancelled Outcome = "cancelled"
	OutcomeExpired   Outcome = "expired"
)

// Attempt is one lease of a job.
type Attempt struct {
	Number int    `json:"number"`
	Worker string `json:"worker"`
	Lease  string `json:"lease"` // random; tells two leases of one worker apart
	// Session names the run of the embedded engine that the attempt is bound
	// to: it can't outlive it. Empty with an external engine.
	Session string     `json:"session,omitempty"`
	Started time.Time  `json:"started"`
	Ended   time.Time  `json:"ended,omitzero"`
	Outcome Outcome    `json:"outcome,omitempty"`
	Code    fault.Code `json:"code,omitempty"` // with OutcomeFailed
}

// Payload is opaque content of a job: in the record where it is small, and a
// blob otherwise.
type Payload struct {
	Inline []byte       `json:"inline,omitempty"`
	Blob   store.Digest `json:"blob,omitzero"` // zero: Inline holds the content
	Size   int64        `json:"size"`          // of the content, in bytes
}

// Problem says why a job ended without a result.
type Problem struct {
	Code      fault.Code      `json:"code"`
	Detail    string          `json:"detail"`
	Path      string          `json:"path,omitempty"`
	Position  *fault.Position `json:"position,omitempty"`
	Retryable bool            `json:"retryable"` // the same request may succeed later
	// Diagnostics are the errors in the source of a circuit that was to be
	// compiled, as many as the record has room for.
	Diagnostics []fault.Diagnostic `json:"diagnostics,omitempty"`
}

// Fault returns p as an error.
func (p *Problem) Fault() *fault.Error {
	return &fault.Error{Code: p.Code, Detail: p.Detail, Path: p.Path, Position: p.Position, Diagnostics: p.Diagnostics}
}

// Result is what a worker hands in.
type Result struct {
	Body   []byte // opaque; kept in the record up to 64 KiB, as a blob above
	Ledger Ledger
}

// Ledger tells where the time went, in the order of the phases. The queue
// puts the phase "queue" (creation to last lease) in front.
type Ledger struct {
	Phases    []Phase `json:"phases,omitempty"`
	PeakBytes int64   `json:"peak_bytes,omitempty"` // peak memory of the proof, 0 if unknown
}

// Phase is one entry of a ledger.
type Phase struct {
	Name     string        `json:"name"`
	Duration time.Duration `json:"ns"` // nanoseconds in JSON
}
