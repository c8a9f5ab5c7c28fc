package daemon

import (
	"context"
	"iter"
	"strconv"
	"time"

	"provery/api"
	"provery/internal/httpapi"
	"provery/internal/parallel"
	"provery/internal/queue"
)

// A job's events aren't stored: its record tells them. Each has a mark that
// follows from what it is, so that any process, also after a restart, gives the
// same event the same id, and a client goes on where it stopped. The marks of
// attempt n are 4n and those that follow; created stands for attempt 0.
const (
	markCreated  = 1 // the job was accepted
	markRunning  = 0 // 4n: attempt n has begun
	markEnded    = 1 // 4n+1: it has ended, and the job with it or not
	markRequeued = 2 // 4n+2: the job, a dead letter after attempt n, waits again
	markCalled   = 3 // 4n+3: the job ended after attempt n, while it waited
	marks        = 4
)

// history returns a job's changes of state so far, oldest first, with their
// marks as ids.
func history(j *queue.Job) []api.Event {
	var events []api.Event
	add := func(mark int, e api.Event) {
		e.ID, e.Type, e.Job, e.Kind = strconv.Itoa(mark), api.EventState, j.ID, j.Kind
		events = append(events, e)
	}
	ended := false // with its last attempt
	add(markCreated, api.Event{State: api.StateQueued, Time: j.Created})
	for i := range j.Attempts {
		a := &j.Attempts[i]
		first := marks * a.Number
		add(first+markRunning, api.Event{State: api.StateRunning, Attempt: a.Number, Time: a.Started})
		last := i == len(j.Attempts)-1
		switch {
		case a.Outcome == "":
		case last && j.State.Terminal() && endedBy(j.State, a.Outcome):
			ended = true
		case last && j.State == queue.Queued && wasRequeued(j, a):
			add(first+markRequeued, api.Event{State: api.StateQueued, Attempt: a.Number, Reason: "requeued", Time: j.Updated})
		case last && j.Requeues > 0: // a mark that isn't before one that was told
			add(first+markRequeued, api.Event{State: api.StateQueued, Attempt: a.Number, Reason: string(a.Outcome), Time: a.Ended})
		default:
			add(first+markEnded, api.Event{State: api.StateQueued, Attempt: a.Number, Reason: string(a.Outcome), Time: a.Ended})
		}
	}
	if j.State.Terminal() {
		mark := marks*j.Attempt + markCalled
		if ended {
			mark = marks*j.Attempt + markEnded
		}
		add(mark, api.Event{State: api.State(j.State), Attempt: j.Attempt, Problem: problem(j.Problem, j.Kind), Final: true, Time: j.Finished})
	}
	return events
}

// endedBy reports whether a job in a terminal state ended together with an
// attempt of this outcome, and not while it waited afterwards.
func endedBy(s queue.State, o queue.Outcome) bool {
	switch o {
	case queue.OutcomeReleased:
		return false
	case queue.OutcomeFailed, queue.OutcomeLost:
		return s == queue.Failed
	}
	return true // succeeded, cancelled, expired: the attempt's outcome is the job's
}

// wasRequeued reports whether a queued job waits because an operator started
// it anew, and not because the attempt, its last, failed.
func wasRequeued(j *queue.Job, a *queue.Attempt) bool {
	return j.Requeues > 0 && j.RetryAt.IsZero() && (a.Outcome == queue.OutcomeFailed || a.Outcome == queue.OutcomeLost)
}

// markOf returns the mark of an event's id. One that isn't ours stands before
// all events.
func markOf(id string) int {
	n, err := strconv.Atoi(id)
	if err != nil {
		return 0
	}
	return n
}

// estimatePace is how often a running job's estimate is told again.
const estimatePace = time.Second

// JobEvents implements httpapi.Jobs.
func (s *services) JobEvents(ctx context.Context, who httpapi.Caller, id, after string) iter.Seq2[api.Event, error] {
	return func(yield func(api.Event, error) bool) {
		if _, err := s.job(ctx, who, id); err != nil {
			yield(api.Event{}, err)
			return
		}
		changes, stop := parallel.Pull(ctx, 0, func(ctx context.Context) iter.Seq2[queue.Job, error] { return s.d.queue.Watch(ctx, id) })
		defer stop()
		tick := time.NewTicker(estimatePace)
		defer tick.Stop()
		t := &teller{s: s, seen: markOf(after)}
		for {
			var events []api.Event
			select {
			case c, open := <-changes:
				if !open {
					return
				}
				if c.Err != nil {
					yield(api.Event{}, c.Err)
					return
				}
				events = t.change(ctx, c.Value)
			case <-tick.C:
				events = t.estimate(false)
			}
			for _, e := range events {
				if !yield(e, nil) || e.Final {
					return
				}
			}
		}
	}
}

// teller turns what is seen of one job into events.
type teller struct {
	s       *services
	seen    int // mark of the last event told
	job     queue.Job
	times   *stageTimes // of the circuit; nil while nothing is known, or not running
	entered time.Time   // when the stage was seen to begin
	told    float64     // progress told last
}

// change takes the job's new state.
func (t *teller) change(ctx context.Context, j queue.Job) []api.Event {
	if j.Attempt != t.job.Attempt || j.Stage != t.job.Stage {
		t.entered = time.Now()
	}
	news := j.Attempt != t.job.Attempt || j.State != t.job.State
	t.job = j
	var events []api.Event
	for _, e := range history(&j) {
		if mark := markOf(e.ID); mark > t.seen {
			t.seen = mark
			events = append(events, e)
		}
	}
	switch {
	case j.State == queue.Running:
		if news {
			t.times, t.told = t.s.stageTimes(ctx, j.CircuitID, j.KeySetID), 0
		}
		events = append(events, t.estimate(true)...)
	case j.State == queue.Queued && len(events) > 0:
		position := t.s.d.queue.Position(j)
		events[len(events)-1].Position = &position
	}
	return events
}

// progressStep is the least progress that is worth an event of its own.
const progressStep = 0.01

// estimate returns the progress of a running job, if there is something to
// tell.
func (t *teller) estimate(always bool) []api.Event {
	j := &t.job
	if j.State != queue.Running {
		return nil
	}
	e := api.Event{
		Type: api.EventProgress, Job: j.ID, Kind: j.Kind, State: api.StateRunning, Attempt: j.Attempt, Stage: j.Stage, Time: time.Now().UTC(),
	}
	done, left, ok := t.times.at(j.Stage, time.Since(t.entered))
	if ok {
		done = max(done, t.told) // stages may come in another order than before
		if !always && done < t.told+progressStep {
			return nil
		}
		t.told = done
		e.Progress, e.Remaining = &done, &left
	}
	if !ok && (!always || j.Stage == "") {
		return nil
	}
	return []api.Event{e}
}
