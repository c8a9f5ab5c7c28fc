package webhook

import (
	"context"
	"slices"
	"time"

	"provery/internal/fault"
	"provery/internal/tracing"
)

const (
	// callTimeout bounds the reads and writes around a delivery.
	callTimeout = 10 * time.Second
	// orphanAge is how long a webhook may be there without its job: the call
	// that recorded it is about to accept that.
	orphanAge = 10 * time.Minute
	// waitPoll is how often a job is looked at whose end wasn't told.
	waitPoll = 10 * time.Minute
	// lookAgain is when to look again after something that should pass.
	lookAgain = 15 * time.Second
)

// run works on hooks that are due until ctx ends, and waits for what it began.
func (d *Dispatcher) run(ctx context.Context) {
	slots := make(chan struct{}, d.cfg.Concurrency)
	defer func() {
		for range d.cfg.Concurrency { // all slots: nobody works any more
			slots <- struct{}{}
		}
	}()
	for {
		due, wait := d.due(time.Now())
		for _, next := range due {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			go func() {
				defer func() { <-slots }()
				defer d.leave(next.owner)
				d.work(ctx, next.subject)
			}()
		}
		t := time.NewTimer(wait)
		select {
		case <-d.signal:
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return
		}
		t.Stop()
	}
}

// work does what a hook needs next.
func (d *Dispatcher) work(ctx context.Context, subject string) {
	d.mu.Lock()
	h := d.hooks[subject]
	if h == nil || !h.due.IsZero() { // gone, or changed by somebody since it was due
		if h != nil {
			d.done(h, 0)
		}
		d.mu.Unlock()
		return
	}
	r, rev := h.record, h.rev
	d.mu.Unlock()
	again, err := d.step(ctx, &r, rev)
	if err != nil && ctx.Err() == nil {
		d.cfg.Logger.Warn("webhooks", "subject", subject, "error", err)
		again = lookAgain
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if h := d.hooks[subject]; h != nil {
		d.done(h, again)
	}
}

// step moves a record on. again says when to look again where nothing else
// does; 0 is never.
func (d *Dispatcher) step(ctx context.Context, r *record, rev uint64) (again time.Duration, err error) {
	if r.State != Pending {
		if again, err = d.prepare(ctx, r); err != nil || r.State != Pending {
			return again, err
		}
	}
	// The claim: until the delay is over nobody else delivers it.
	r.Tries++
	r.Delay = 2*d.cfg.Timeout + callTimeout
	rev, ok, err := d.swap(ctx, r, rev)
	if err != nil || !ok {
		return lookAgain, err
	}
	a := d.send(ctx, r)
	if ctx.Err() != nil {
		// Stopping: hand it back, so that the next process needn't wait.
		r.Tries, r.Delay = r.Tries-1, 0
		_, _, err := d.swap(ctx, r, rev)
		return 0, err
	}
	d.settle(r, &a)
	_, _, err = d.swap(ctx, r, rev)
	return 0, err
}

// prepare makes a record pending whose job or batch has ended, once or once
// more.
func (d *Dispatcher) prepare(ctx context.Context, r *record) (again time.Duration, err error) {
	event, ended, err := d.askSource(ctx, r.Subject)
	switch {
	case fault.Is(err, fault.NotFound):
		return d.lonely(ctx, r)
	case err != nil:
		return 0, err
	case !ended && r.State == Waiting:
		return waitPoll, nil // Ended will tell; this is for when that got lost
	case r.State != Waiting && (!ended || event.Attempt <= r.Attempt):
		return d.expire(ctx, r)
	case r.State != Waiting:
		r.EventID, r.Tries, r.Done = newEventID(), 0, time.Time{}
	}
	r.State, r.Event, r.Attempt, r.Type, r.Body = Pending, event.Time, event.Attempt, event.Type, event.Body
	return 0, nil
}

// askSource asks the source, for a while.
func (d *Dispatcher) askSource(ctx context.Context, subject string) (Event, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return d.source.Ended(ctx, subject)
}

// swap writes a record, also while the dispatcher stops.
func (d *Dispatcher) swap(ctx context.Context, r *record, rev uint64) (uint64, bool, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
	defer cancel()
	return d.write(ctx, r, rev)
}

// settle takes down what came of a delivery.
func (d *Dispatcher) settle(r *record, a *answer) {
	r.Attempts = append(slices.Clone(r.Attempts), a.Attempt)
	if n := len(r.Attempts) - maxAttempts; n > 0 {
		r.Attempts = r.Attempts[n:]
	}
	r.Delay = 0
	now := d.cfg.Now()
	switch {
	case a.ok():
		r.State, r.Done = Delivered, now
	case a.LastWord || now.Sub(r.Event) > d.cfg.MaxAge:
		r.State, r.Done = Failed, now
	default:
		r.Delay = max(d.backoff(r.Tries), a.retryAfter)
	}
	d.cfg.Logger.Info("webhook", "subject", r.Subject, "event", r.EventID, "try", r.Tries, "state", r.State, "status", a.Status, "problem", a.Problem,
		tracing.ID(tracing.WithParent(context.Background(), r.Trace)))
}

// backoff is the delay after so many tries.
func (d *Dispatcher) backoff(tries int) time.Duration {
	delay := d.cfg.Backoff
	for range tries - 1 {
		if delay *= 2; delay >= d.cfg.MaxBackoff {
			return d.cfg.MaxBackoff
		}
	}
	return delay
}

// lonely forgets a webhook whose job is gone: deleted, or never accepted.
func (d *Dispatcher) lonely(ctx context.Context, r *record) (time.Duration, error) {
	if r.State == Waiting {
		if age := d.cfg.Now().Sub(r.Created); age < orphanAge {
			return max(orphanAge-age, lookAgain), nil
		}
		return 0, d.forget(ctx, r.Subject)
	}
	return d.expire(ctx, r)
}

// expire forgets a webhook that is done, once its log has been there for long
// enough.
func (d *Dispatcher) expire(ctx context.Context, r *record) (time.Duration, error) {
	if left := r.Done.Add(d.cfg.Retention).Sub(d.cfg.Now()); left > 0 {
		return left, nil
	}
	return 0, d.forget(ctx, r.Subject)
}

func (d *Dispatcher) forget(ctx context.Context, subject string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return d.Drop(ctx, subject)
}

// Redeliver lets a webhook that is done be delivered again, with the same event
// id. Conflict for one that isn't done.
func (d *Dispatcher) Redeliver(ctx context.Context, subject string) (Delivery, error) {
	d.mu.Lock()
	h := d.hooks[subject]
	if h == nil {
		d.mu.Unlock()
		return Delivery{}, fault.New(fault.NotFound, "no such webhook")
	}
	r, rev := h.record, h.rev
	d.mu.Unlock()
	if r.State != Delivered && r.State != Failed {
		return Delivery{}, fault.New(fault.Conflict, "the webhook is %s", r.State)
	}
	r.State, r.Tries, r.Delay, r.Done, r.Event = Pending, 0, 0, time.Time{}, d.cfg.Now()
	_, ok, err := d.write(ctx, &r, rev)
	if err != nil {
		return Delivery{}, err
	}
	if !ok {
		return Delivery{}, fault.New(fault.Conflict, "the webhook changed meanwhile")
	}
	return d.Delivery(subject)
}
