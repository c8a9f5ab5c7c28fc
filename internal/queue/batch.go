package queue

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"provery/internal/fault"
	"provery/internal/store"
	"provery/internal/unknown"
)

// MaxBatch is how many items a batch may have.
const MaxBatch = 10_000

const (
	// batchTimeout bounds the acceptance of a batch.
	batchTimeout = time.Minute
	// batchGrace is how long items wait for their batch before the sweeper
	// takes them for the remains of a crash.
	batchGrace = 2 * batchTimeout
	// batchWidth is how many records of a batch are worked on at a time.
	batchWidth = 16
)

// NewBatch is what a client asks for.
type NewBatch struct {
	// ID is from NewBatchID; empty means that EnqueueBatchWith makes one.
	ID string
	// Items are 1 to MaxBatch jobs of one circuit, owner and kind, without
	// idempotency keys. Each counts as a job in the queue's limits.
	Items []NewJob
	// IdempotencyKey and RequestHash are for the whole as they are for a job.
	// A batch that was cancelled gives its key free.
	IdempotencyKey string
	RequestHash    store.Digest
}

// Batch is the state of a batch at one moment.
type Batch struct {
	ID        string        `json:"id"`
	Kind      string        `json:"kind"`
	Owner     string        `json:"owner,omitempty"`
	CircuitID store.Digest  `json:"circuit,omitzero"`
	Size      int           `json:"size"` // items accepted
	Created   time.Time     `json:"created"`
	Cancelled time.Time     `json:"cancelled,omitzero"` // when CancelBatch was called
	ByState   map[State]int `json:"-"`                  // items; every state has an entry; deleted ones are missing
}

// Ended reports whether no item is waiting or in work.
func (b Batch) Ended() bool { return b.ByState[Queued]+b.ByState[Running] == 0 }

// batchRecord is the stored form of a batch. Its items exist for clients and
// workers if and only if it does.
type batchRecord struct {
	Version int `json:"v"`
	Batch
	IdemKey string `json:"idem,omitempty"`
	// Deleted marks a batch whose items are being deleted.
	Deleted bool `json:"deleted,omitempty"`

	unknown unknown.Fields // of a newer release
}

// batchMeta is the header of a batch's record: what every process should know.
type batchMeta struct {
	Kind      string       `json:"k"`
	Owner     string       `json:"o,omitempty"`
	Circuit   store.Digest `json:"c,omitzero"`
	Size      int          `json:"s"`
	Created   int64        `json:"t"`
	Cancelled int64        `json:"x,omitempty"`
	Deleted   bool         `json:"d,omitempty"`
}

func (r *batchRecord) meta() batchMeta {
	return batchMeta{
		Kind: r.Kind, Owner: r.Owner, Circuit: r.CircuitID, Size: r.Size,
		Created: millis(r.Created), Cancelled: millis(r.Cancelled), Deleted: r.Deleted,
	}
}

// EnqueueBatch accepts up to MaxBatch jobs of one circuit as a batch; see
// EnqueueBatchWith.
func (q *Queue) EnqueueBatch(ctx context.Context, items []NewJob) (Batch, error) {
	b, _, err := q.EnqueueBatchWith(ctx, NewBatch{Items: items})
	return b, err
}

// EnqueueBatchWith accepts a batch. When it returns without an error all items
// are on disk, and run whatever crashes after; before it returns none of them
// can be seen or leased, and a crash in between leaves nothing. existed says
// that the idempotency key stood for a batch already.
//
// It costs a sync of the disk for every 1,000 items or 8 MiB, and two more for
// each item whose arguments exceed 64 KiB.
//
// Errors: as Enqueue, with the path of an item that was refused; TooLarge also
// for a batch that couldn't fit into an empty queue.
func (q *Queue) EnqueueBatchWith(ctx context.Context, n NewBatch) (_ Batch, existed bool, err error) {
	if q.ctx.Err() != nil {
		return Batch{}, false, errClosed
	}
	room, err := q.checkBatch(ctx, &n)
	if err != nil {
		return Batch{}, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	r := q.newBatchRecord(&n)
	if n.IdempotencyKey != "" {
		r.IdemKey = idemKey(r.Owner, "batch\x00"+n.IdempotencyKey)
		prior, err := q.claimBatchKey(ctx, &r, n.RequestHash)
		if err != nil || prior != "" {
			b, berr := q.Batch(ctx, prior)
			return b, err == nil && berr == nil, errors.Join(err, berr)
		}
	}
	if err := q.index.admit(n.ID, room, &q.cfg); err != nil {
		return Batch{}, false, err
	}
	defer q.index.admitted(n.ID)
	if err := q.acceptBatch(ctx, &r, n.Items); err != nil {
		return Batch{}, false, err
	}
	b, err := q.Batch(ctx, n.ID)
	return b, false, err
}

// checkBatch validates n, fills in what is absent, and returns the room that
// it needs in the queue.
func (q *Queue) checkBatch(ctx context.Context, n *NewBatch) (reservation, error) {
	bad := func(format string, args ...any) error {
		return fault.New(fault.InvalidRequest, "enqueue batch: "+format, args...)
	}
	n.ID = or(n.ID, NewBatchID(q.now()))
	switch {
	case CheckBatchID(n.ID) != nil:
		return reservation{}, bad("malformed batch id")
	case len(n.Items) == 0 || len(n.Items) > MaxBatch:
		return reservation{}, bad("want 1 to %d items", MaxBatch)
	case len(n.IdempotencyKey) > maxIdemKey:
		return reservation{}, bad("idempotency key too long")
	}
	first := &n.Items[0]
	room := reservation{owner: first.Owner}
	seen := make(map[string]bool, len(n.Items))
	for i := range n.Items {
		it := &n.Items[i]
		if err := q.check(ctx, it); err != nil {
			return room, itemFault(err, i)
		}
		if it.CircuitID != first.CircuitID || it.Owner != first.Owner || it.Kind != first.Kind || it.IdempotencyKey != "" || seen[it.ID] {
			return room, itemFault(bad("items need one circuit, owner and kind, ids of their own, and no idempotency keys"), i)
		}
		seen[it.ID] = true
		room.add(1, int64(len(it.Sealed)))
	}
	if share := q.cfg.OwnerShare; float64(room.jobs) > float64(q.cfg.MaxQueued)*share || float64(room.bytes) > float64(q.cfg.MaxQueuedBytes)*share {
		return room, fault.New(fault.TooLarge, "enqueue batch: %d items of %d bytes are more than the queue may hold of one owner", room.jobs, room.bytes)
	}
	return room, nil
}

// itemFault says which item an error is about.
func itemFault(err error, i int) error {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	return f.At("/items/" + strconv.Itoa(i))
}

func (q *Queue) newBatchRecord(n *NewBatch) batchRecord {
	it := &n.Items[0]
	return batchRecord{Version: recordVersion, Batch: Batch{
		ID: n.ID, Kind: it.Kind, Owner: it.Owner, CircuitID: it.CircuitID, Size: len(n.Items), Created: q.now(),
	}}
}

// claimBatchKey makes an idempotency key stand for a batch, or returns the id
// of the one that it stands for.
func (q *Queue) claimBatchKey(ctx context.Context, r *batchRecord, request store.Digest) (string, error) {
	old, rev, err := q.readKey(ctx, r.IdemKey)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return "", err
	}
	busy := &fault.Error{Code: fault.Overloaded, Detail: "a request with this idempotency key is being accepted", RetryAfter: time.Second}
	if err == nil {
		prior, _, err := q.batchRecord(ctx, old.Job)
		switch {
		case fault.Is(err, fault.NotFound) && q.now().Sub(old.Time) < batchGrace:
			return "", busy
		case err != nil && !fault.Is(err, fault.NotFound):
			return "", err
		case err == nil && old.Request != request:
			return "", fault.New(fault.Conflict, "the idempotency key was used for another request")
		case err == nil && prior.Cancelled.IsZero():
			return old.Job, nil
		}
	}
	data, err := json.Marshal(idemEntry{Job: r.ID, Request: request, Time: q.now()})
	if err != nil {
		return "", fault.Wrap(err, fault.Internal, "encode idempotency key")
	}
	if _, err = q.records.put(ctx, r.IdemKey, rev, nil, data, q.cfg.IdempotencyTTL); err == errSwapped {
		return "", busy
	}
	return "", err
}
