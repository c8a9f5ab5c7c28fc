package queue

import (
	"context"
	"encoding/json"
	"errors"

	"go.opentelemetry.io/otel/trace"

	"provery/internal/fault"
	"provery/internal/parallel"
	"provery/internal/store"
	"provery/internal/tracing"
)

// acceptBatch writes the items and then, in the last atomic write, the record
// of the batch, which makes them visible.
func (q *Queue) acceptBatch(ctx context.Context, r *batchRecord, items []NewJob) (err error) {
	ctx, span := tracing.Start(ctx, "enqueue batch", trace.WithAttributes(tracing.KeyBatch.String(r.ID), tracing.KeyItems.Int(r.Size)))
	defer func() { tracing.End(span, err) }()
	q.traceItems(ctx, r.ID, items)
	for i := range items {
		if _, taken := q.index.lookup(items[i].ID); taken { // by a single job, in another shard
			return errTaken
		}
	}
	records, err := q.batchItems(ctx, r, items)
	if err == nil {
		err = q.writeBatch(ctx, r, records)
	}
	if err == nil {
		return nil
	}
	switch accepted, serr := q.settleBatch(ctx, r.ID); {
	case serr != nil:
		return &fault.Error{Code: fault.CodeOf(err), Detail: "enqueue batch: " + err.Error() + "; whether it was accepted is unknown", RetryAfter: engineRetry, Err: errors.Join(errUnknown, err)}
	case accepted:
		return nil
	}
	q.background("take back refused batch", func(ctx context.Context) error { return q.dropItems(ctx, records) })
	return fault.Wrap(err, fault.Internal, "enqueue batch")
}

// settleBatch finds out whether a batch was accepted, or makes sure that it
// never will be: a marker in its record's place refuses the last write.
func (q *Queue) settleBatch(ctx context.Context, id string) (accepted bool, _ error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	for swaps := 0; swapPause(ctx, swaps); swaps++ {
		_, rev, err := q.records.get(ctx, batchKeys+id)
		switch {
		case err == nil:
			return true, nil
		case !fault.Is(err, fault.NotFound):
			return false, err
		case rev != 0:
			return false, nil
		}
		if _, err = q.records.remove(ctx, batchKeys+id, 0); err == nil {
			return false, nil
		} else if err != errSwapped {
			return false, err
		}
	}
	return false, fault.Wrap(ctx.Err(), fault.CodeOf(ctx.Err()), "settle batch")
}

// batchItems stores large arguments and returns the items' records.
func (q *Queue) batchItems(ctx context.Context, r *batchRecord, items []NewJob) ([]record, error) {
	records := make([]record, len(items))
	err := parallel.Each(ctx, batchWidth, len(items), func(i int) error {
		it := &items[i]
		args, err := q.keepPayload(ctx, payloadArguments, it.ID, it.Sealed)
		records[i] = q.newRecord(it, args)
		return err
	})
	err = fault.Wrap(err, fault.Internal, "keep arguments")
	for i := range records {
		records[i].Batch, records[i].Item, records[i].Created, records[i].Updated = r.ID, i, r.Created, r.Created
	}
	return records, err
}

// writeBatch writes the records in as few atomic writes as possible.
func (q *Queue) writeBatch(ctx context.Context, r *batchRecord, records []record) error {
	writes := make([]write, 0, len(records)+1)
	for i := range records {
		w, err := jobWrite(&records[i])
		if err != nil {
			return itemFault(err, i)
		}
		writes = append(writes, w)
	}
	data, err := json.Marshal(r)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "encode batch record")
	}
	w, err := newWrite(batchKeys+r.ID, r.meta(), data)
	if err != nil {
		return err
	}
	for _, part := range chunks(append(writes, w)) {
		if err := q.records.putAll(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// dropItems removes what was written of a refused batch. It goes on after an
// error: what is left is for the sweeper.
func (q *Queue) dropItems(ctx context.Context, records []record) error {
	return q.eachItem(ctx, len(records), func(i int) error {
		r := &records[i]
		s, err := q.records.getJob(ctx, r.ID)
		switch {
		case err == nil && s.Batch == r.Batch:
			return q.discard(ctx, s)
		case fault.Is(err, fault.NotFound) && r.Arguments != nil && !r.Arguments.Blob.IsZero():
			return q.deleteBlobs(ctx, []store.Digest{r.Arguments.Blob})
		}
		return err
	})
}

// eachItem calls f for 0 to n-1, some at a time, and returns one of the errors
// in the end. NotFound and Conflict are none: others work on the batch, too.
func (q *Queue) eachItem(ctx context.Context, n int, f func(i int) error) error {
	errs := make([]error, n)
	err := parallel.Each(ctx, batchWidth, n, func(i int) error {
		if e := f(i); e != nil && !fault.Is(e, fault.NotFound) && !fault.Is(e, fault.Conflict) {
			errs[i] = e
		}
		return nil
	})
	for _, e := range errs {
		if err == nil {
			err = e
		}
	}
	return fault.Wrap(err, fault.Internal, "work on batch")
}
