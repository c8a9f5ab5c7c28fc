package telemetry

import (
	"strings"
	"sync"
	"time"

	"provery/api"
)

// The phases of a job that have a field of their own in the ledger. Any name
// "prove.…" is a stage of the prove phase.
const (
	PhaseQueue   = "queue"
	PhaseLoad    = "load"
	PhaseWitness = "witness"
	PhaseProve   = "prove"
	PhaseCheck   = "check"
)

// Timer measures the phases of one attempt, one after another. It is safe for
// concurrent use.
type Timer struct {
	now func() time.Time

	mu      sync.Mutex
	created time.Time
	since   time.Time
	current string
	spans   []span
	peak    int64
	stopped bool
}

type span struct {
	name string
	took time.Duration
}

// NewTimer returns a timer whose clock is now, time.Now outside of tests. It
// starts in the queue phase, at created: when the job was accepted.
func NewTimer(now func() time.Time, created time.Time) *Timer {
	return &Timer{now: now, created: created, since: created, current: PhaseQueue}
}

// Enter ends the running phase and starts the named one. It fits
// prove.Request.Stage. After Stop it does nothing.
func (t *Timer) Enter(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.stopped {
		t.enter(name)
	}
}

func (t *Timer) enter(name string) {
	now := t.now()
	// A clock that was set back, or that of the machine which accepted the
	// job, must not give negative times.
	t.spans = append(t.spans, span{t.current, max(0, now.Sub(t.since))})
	t.current, t.since = name, now
}

// Observe raises the peak of memory use to bytes if it is lower.
func (t *Timer) Observe(bytes int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.peak = max(t.peak, bytes)
}

// Stop ends the running phase. Later calls do nothing.
func (t *Timer) Stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.stopped {
		t.enter("")
		t.stopped = true
	}
}

// Ledger returns the phases that have ended. The prove phase is the sum of
// its stages. Phases of other names count in the total only.
func (t *Timer) Ledger() api.Ledger {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := api.Ledger{PeakMemoryBytes: t.peak}
	phases := map[string]*float64{
		PhaseQueue: &l.Queue, PhaseLoad: &l.Load, PhaseWitness: &l.Witness, PhaseProve: &l.Prove, PhaseCheck: &l.Check,
	}
	for _, s := range t.spans {
		ms := milliseconds(s.took)
		l.Total += ms
		phase, stage, _ := strings.Cut(s.name, ".")
		if total := phases[phase]; total != nil {
			*total += ms
		}
		if phase == PhaseProve && stage != "" {
			l.Stages = append(l.Stages, api.Stage{Name: s.name, Milliseconds: ms})
		}
	}
	return l
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
