package queue

import (
	"context"
	"iter"
	"time"

	"provery/internal/fault"
	"provery/internal/unknown"
)

// Batch returns the state of a batch. NotFound covers deleted ones, and those
// that are still being accepted.
func (q *Queue) Batch(ctx context.Context, id string) (Batch, error) {
	if err := CheckBatchID(id); err != nil {
		return Batch{}, err
	}
	w := q.index.subscribe(id)
	defer q.index.unsubscribe(w)
	if b, ok := q.index.lookupBatch(id); ok {
		return b, nil
	}
	r, _, err := q.batchRecord(ctx, id)
	if err != nil {
		return Batch{}, err
	}
	if r.Deleted {
		return Batch{}, errNoBatch
	}
	// It is there, and this process is about to hear of it.
	t := time.NewTimer(q.cfg.callTimeout)
	defer t.Stop()
	for {
		if b, ok := q.index.lookupBatch(id); ok {
			return b, nil
		}
		select {
		case <-w.c:
		case <-t.C:
			return r.Batch, &fault.Error{Code: fault.Overloaded, Detail: "look for batch: this process lags behind", RetryAfter: engineRetry}
		case <-ctx.Done():
			return r.Batch, fault.Wrap(ctx.Err(), fault.CodeOf(ctx.Err()), "look for batch")
		case <-q.ctx.Done():
			return r.Batch, errClosed
		}
	}
}

var errNoBatch = fault.New(fault.NotFound, "no such batch")

// batchRecord reads a batch's record.
func (q *Queue) batchRecord(ctx context.Context, id string) (batchRecord, uint64, error) {
	if err := CheckBatchID(id); err != nil {
		return batchRecord{}, 0, err
	}
	data, rev, err := q.records.get(ctx, batchKeys+id)
	if fault.Is(err, fault.NotFound) {
		return batchRecord{}, rev, errNoBatch
	}
	if err != nil {
		return batchRecord{}, 0, err
	}
	var r batchRecord
	if r.unknown, err = unknown.Decode(data, &r); err != nil {
		return batchRecord{}, 0, fault.Wrap(err, fault.Internal, "decode batch record")
	}
	if r.Version > recordVersion {
		return batchRecord{}, 0, fault.New(fault.Unsupported, "decode batch record: it was written by another version of the service")
	}
	return r, rev, nil
}

// WatchBatch yields the batch as it is, and then whenever its counts have
// changed, until all items have ended, or the caller stops, or an error comes:
// the last pair has it. Changes in quick succession may be seen as one.
func (q *Queue) WatchBatch(ctx context.Context, id string) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		w := q.index.subscribe(id)
		defer q.index.unsubscribe(w)
		for {
			b, err := q.Batch(ctx, id)
			if !yield(b, err) || err != nil || b.Ended() {
				return
			}
			select {
			case <-w.c:
			case <-ctx.Done():
				yield(b, fault.Wrap(ctx.Err(), fault.CodeOf(ctx.Err()), "watch batch"))
				return
			case <-q.ctx.Done():
				yield(b, errClosed)
				return
			}
		}
	}
}

// BatchItems yields the items of a batch in order, beginning with number from,
// each as it is at that moment. With wait it waits until the item has ended:
// the outcomes in order, as they come. Items that were deleted are left out.
// The last pair has the error, if any.
func (q *Queue) BatchItems(ctx context.Context, id string, from int, wait bool) iter.Seq2[Job, error] {
	return func(yield func(Job, error) bool) {
		b, err := q.Batch(ctx, id)
		if err != nil {
			yield(Job{}, err)
			return
		}
		for i := max(from, 0); i < b.Size; i++ {
			j, err := q.item(ctx, q.index.itemID(id, i), wait)
			if fault.Is(err, fault.NotFound) {
				continue
			}
			if !yield(j, err) || err != nil {
				return
			}
		}
	}
}

// ItemEnd is how and when an item of a batch ended.
type ItemEnd struct {
	Item     int
	ID       string
	State    State
	Finished time.Time // in whole milliseconds
}

// ItemsEnded returns the items of a batch that have ended, in no order, as this
// process knows them. It reads no records: the cost is one look at every item.
func (q *Queue) ItemsEnded(id string) []ItemEnd {
	ended := q.index.items(id, func(e *entry) bool { return !e.held && e.State.Terminal() })
	out := make([]ItemEnd, len(ended))
	for i, e := range ended {
		out[i] = ItemEnd{Item: e.Item, ID: e.id, State: e.State, Finished: time.UnixMilli(e.Finished)}
	}
	return out
}

// item returns a job, after its end if wait is set.
func (q *Queue) item(ctx context.Context, id string, wait bool) (Job, error) {
	for {
		timeout := time.Duration(0)
		if wait {
			timeout = time.Hour
		}
		j, err := q.Wait(ctx, id, timeout)
		if err != nil || !wait || j.State.Terminal() {
			return j, err
		}
	}
}

// CancelBatch cancels the items of a batch that haven't ended, and returns
// when all have. No item is started after the call has begun, and a crash in
// the middle doesn't stop it: the sweeper goes on. Repeating it is harmless.
func (q *Queue) CancelBatch(ctx context.Context, id string) (Batch, error) {
	err := q.markBatch(ctx, id, func(r *batchRecord) bool {
		news := r.Cancelled.IsZero()
		if news {
			r.Cancelled = q.now()
		}
		return news
	})
	if err != nil {
		return Batch{}, err
	}
	if err := q.cancelItems(ctx, id); err != nil {
		return Batch{}, err
	}
	return q.Batch(ctx, id)
}

// markBatch changes a batch's record; change reports whether it did.
func (q *Queue) markBatch(ctx context.Context, id string, change func(*batchRecord) bool) error {
	for swaps := 0; swapPause(ctx, swaps); swaps++ {
		r, rev, err := q.batchRecord(ctx, id)
		if err != nil || !change(&r) {
			return err
		}
		data, err := unknown.Encode(&r, r.unknown)
		if err != nil {
			return fault.Wrap(err, fault.Internal, "encode batch record")
		}
		w, err := newWrite(batchKeys+id, r.meta(), data)
		if err != nil {
			return err
		}
		if rev, err = q.records.put(ctx, w.key, rev, w.header, w.data, 0); err == nil {
			q.index.applyBatch(id, rev, r.meta())
		}
		if err != errSwapped {
			return err
		}
	}
	return fault.Wrap(ctx.Err(), fault.CodeOf(ctx.Err()), "change batch")
}

func (q *Queue) cancelItems(ctx context.Context, id string) error {
	items := q.index.items(id, func(e *entry) bool { return !e.State.Terminal() })
	return q.eachItem(ctx, len(items), func(i int) error {
		s, err := q.update(ctx, items[i].id, nil, cancelled{now: q.now()})
		if err == nil {
			q.afterEnd(s)
		}
		return err
	})
}

// DeleteBatch erases a batch: its items with their arguments and results, and
// its record. Items that haven't ended are cancelled first. A crash in the
// middle doesn't stop it.
func (q *Queue) DeleteBatch(ctx context.Context, id string) error {
	err := q.markBatch(ctx, id, func(r *batchRecord) bool {
		news := !r.Deleted
		r.Deleted = true
		return news
	})
	if err != nil {
		return err
	}
	return q.deleteItems(ctx, id)
}

func (q *Queue) deleteItems(ctx context.Context, id string) error {
	items := q.index.items(id, func(*entry) bool { return true })
	if err := q.eachItem(ctx, len(items), func(i int) error { return q.Delete(ctx, items[i].id) }); err != nil {
		return err
	}
	return q.forgetBatch(ctx, id)
}

// forgetBatch removes a batch's record and its idempotency key. Somebody else,
// such as a sweeper, may do so at the same time.
func (q *Queue) forgetBatch(ctx context.Context, id string) error {
	for swaps := 0; swapPause(ctx, swaps); swaps++ {
		r, rev, err := q.batchRecord(ctx, id)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		_, err = q.records.remove(ctx, batchKeys+id, rev)
		if err == errSwapped {
			continue
		}
		if err != nil {
			return err
		}
		q.index.removeBatch(id)
		return q.forgetKey(ctx, snapshot{record: record{Job: Job{ID: id}, IdemKey: r.IdemKey}})
	}
	return fault.Wrap(ctx.Err(), fault.CodeOf(ctx.Err()), "delete batch")
}

// sweepBatches finishes what was cut short.
func (q *Queue) sweepBatches(ctx context.Context) error {
	w := q.index.batchWork(time.Now().Add(-q.orphanAge))
	for _, id := range w.orphaned {
		if err := q.dropOrphan(ctx, id); err != nil {
			return err
		}
	}
	for _, id := range w.called {
		r, _, err := q.batchRecord(ctx, id)
		switch {
		case fault.Is(err, fault.NotFound):
		case err == nil && r.Deleted:
			err = q.deleteItems(ctx, id)
		case err == nil:
			err = q.cancelItems(ctx, id)
		}
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
	}
	for _, id := range w.empty {
		if err := q.forgetBatch(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// dropOrphan removes the items of a batch that wasn't accepted, once it is
// certain that it never will be.
func (q *Queue) dropOrphan(ctx context.Context, id string) error {
	accepted, err := q.settleBatch(ctx, id)
	if err != nil || accepted {
		return err
	}
	items := q.index.items(id, func(e *entry) bool { return e.held })
	return q.eachItem(ctx, len(items), func(i int) error {
		s, err := q.records.getJob(ctx, items[i].id)
		if err != nil {
			return err
		}
		return q.discard(ctx, s)
	})
}
