package queue

import (
	"context"
	"time"

	"provery/internal/fault"
)

// step is one move of a job.
type step struct {
	event
	known    *snapshot     // saves a read, where it isn't nil
	patience time.Duration // how long to try again while the engine is away
}

// update moves the job id by ev. known, where it isn't nil, saves a read.
func (q *Queue) update(ctx context.Context, id string, known *snapshot, ev event) (snapshot, error) {
	return q.move(ctx, id, step{event: ev, known: known, patience: 2 * time.Second})
}

// move takes a step. A try whose outcome is unknown is repeated; next
// recognises its own events.
func (q *Queue) move(ctx context.Context, id string, st step) (snapshot, error) {
	giveUp := time.Now().Add(st.patience)
	for swaps, wait := 0, 50*time.Millisecond; ; {
		s, err := q.try(ctx, id, &st)
		if err == nil {
			return s, nil
		}
		st.known = nil
		switch {
		case err == errSwapped && swaps < maxSwaps && swapPause(ctx, swaps):
			swaps++
		case fault.Is(err, fault.Overloaded) && time.Now().Before(giveUp) && pause(ctx, wait):
			wait = min(2*wait, time.Second)
		default:
			return snapshot{}, err
		}
	}
}

// maxSwaps is how often a change of a record may lose against others: some
// seconds.
const maxSwaps = 40

// try takes the step once.
func (q *Queue) try(ctx context.Context, id string, st *step) (snapshot, error) {
	if st.known == nil {
		s, err := q.records.getJob(ctx, id)
		if err != nil {
			return snapshot{}, err
		}
		st.known = &s
	}
	r, changed, err := next(st.known.record, st.event, q.policy)
	if err != nil || !changed {
		return *st.known, err
	}
	rev, err := st.known.home.putJob(ctx, &r, st.known.rev)
	if err != nil {
		return snapshot{}, err
	}
	q.index.apply(id, rev, r.meta())
	q.traceStep(&st.known.record, &r, st.event)
	return snapshot{record: r, rev: rev, home: st.known.home}, nil
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
