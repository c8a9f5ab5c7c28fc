package daemon

import (
	"cmp"
	"context"
	"encoding/json"
	"iter"
	"slices"
	"strconv"
	"time"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/httpapi"
	"provery/internal/queue"
	"provery/internal/registry"
	"provery/internal/worker"
)

// SubmitBatch implements httpapi.Batches. The form of all arguments is checked
// before anything is accepted.
func (s *services) SubmitBatch(ctx context.Context, in httpapi.BatchSubmission) (api.Batch, error) {
	req := in.Request
	if err := s.space(); err != nil {
		return api.Batch{}, err
	}
	c, err := s.d.registry.Resolve(ctx, req.Circuit)
	if err != nil {
		return api.Batch{}, err
	}
	k, err := s.proofKeys(ctx, c.ID, &api.ProofRequest{Scheme: req.Scheme, Keys: req.Keys})
	if err != nil {
		return api.Batch{}, err
	}
	if err := s.fits(k, 0); err != nil {
		return api.Batch{}, err
	}
	n := queue.NewBatch{ID: queue.NewBatchID(now()), IdempotencyKey: in.IdempotencyKey, Items: make([]queue.NewJob, len(req.Items))}
	if n.IdempotencyKey != "" {
		if n.RequestHash, err = s.requestHash(req); err != nil {
			return api.Batch{}, err
		}
	}
	for i := range req.Items {
		if err := ctx.Err(); err != nil {
			return api.Batch{}, err
		}
		sealed, id, err := s.sealItem(ctx, c, &req, i)
		if err != nil {
			return api.Batch{}, underItem(err, i)
		}
		n.Items[i] = queue.NewJob{
			ID: id, Kind: queue.KindProof, Owner: in.Caller.Name, CircuitID: c.ID, KeySetID: k.ID,
			Priority: queue.Priority(req.Priority), Labels: req.Labels, Sealed: sealed,
		}
		if req.Deadline != nil {
			n.Items[i].Deadline = *req.Deadline
		}
	}
	var b queue.Batch
	err = s.withWebhook(ctx, n.ID, in.Caller.Name, req.Webhook, func() (string, error) {
		b, _, err = s.d.queue.EnqueueBatchWith(ctx, n)
		return b.ID, err
	})
	if err != nil {
		return api.Batch{}, s.refused(err)
	}
	return s.batchView(b), nil
}

// sealItem checks the input of an item and returns it sealed, for a new job id.
func (s *services) sealItem(ctx context.Context, c registry.Circuit, req *api.BatchRequest, i int) (sealed []byte, id string, err error) {
	it := &req.Items[i]
	task := worker.Task{Arguments: it.Arguments, Reduce: req.Reduce, Witness: it.Witness}
	if err := s.d.tools.Check(ctx, c, task); err != nil {
		return nil, "", underInput(&task, err)
	}
	plain, err := json.Marshal(task)
	if err != nil {
		return nil, "", fault.New(fault.InvalidRequest, "want JSON").At("/arguments")
	}
	defer clear(plain)
	id = queue.NewID(now())
	return s.d.ring.Seal(id, worker.SealPurpose, plain), id, nil
}

// underItem makes the path of an error about an item start at the request's
// body.
func underItem(err error, i int) error {
	f, ok := err.(*fault.Error)
	if !ok || (f.Code != fault.InvalidRequest && f.Path == "") {
		return err
	}
	return f.At("/items/" + strconv.Itoa(i) + f.Path)
}

// batch returns a batch that the caller may see.
func (s *services) batch(ctx context.Context, who httpapi.Caller, id string) (queue.Batch, error) {
	b, err := s.d.queue.Batch(ctx, id)
	if err == nil && !may(who, b.Owner) {
		return queue.Batch{}, fault.New(fault.NotFound, "no such batch")
	}
	return b, err
}

// Batch implements httpapi.Batches.
func (s *services) Batch(ctx context.Context, who httpapi.Caller, id string) (api.Batch, error) {
	b, err := s.batch(ctx, who, id)
	if err != nil {
		return api.Batch{}, err
	}
	return s.batchView(b), nil
}

// BatchItems implements httpapi.Batches.
func (s *services) BatchItems(ctx context.Context, who httpapi.Caller, id string, q httpapi.ItemsQuery) iter.Seq2[api.Proof, error] {
	return func(yield func(api.Proof, error) bool) {
		if _, err := s.batch(ctx, who, id); err != nil {
			yield(api.Proof{}, err)
			return
		}
		for j, err := range s.d.queue.BatchItems(ctx, id, q.From, q.Wait) {
			if err != nil {
				yield(api.Proof{}, err)
				return
			}
			p, err := s.proof(ctx, j, q.Results)
			if fault.Is(err, fault.NotFound) {
				continue // it was deleted meanwhile
			}
			if !yield(p, err) || err != nil {
				return
			}
		}
	}
}

// CancelBatch implements httpapi.Batches.
func (s *services) CancelBatch(ctx context.Context, who httpapi.Caller, id string) (api.Batch, error) {
	b, err := s.batch(ctx, who, id)
	if err == nil && !b.Ended() {
		b, err = s.d.queue.CancelBatch(ctx, id)
	}
	if err != nil {
		return api.Batch{}, err
	}
	return s.batchView(b), nil
}

// DeleteBatch implements httpapi.Batches.
func (s *services) DeleteBatch(ctx context.Context, who httpapi.Caller, id string) error {
	b, err := s.batch(ctx, who, id)
	if err != nil {
		return err
	}
	if !b.Ended() {
		return fault.New(fault.Conflict, "the batch hasn't ended: cancel it first")
	}
	return s.d.queue.DeleteBatch(ctx, id)
}

func batchPath(id string) string { return api.BasePath + "/batches/" + id }

// batchView returns a batch in the API's form.
func (s *services) batchView(b queue.Batch) api.Batch {
	self := batchPath(b.ID)
	out := api.Batch{
		ID: b.ID, State: batchState(&b), Owner: b.Owner, Circuit: b.CircuitID.String(), Size: b.Size, Counts: countsOf(&b),
		Created: b.Created, Cancelled: optional(b.Cancelled), Progress: batchProgress(&b),
		Links: api.BatchLinks{
			Self: self, Events: self + "/events", Items: self + "/items", Results: self + "/results",
			Circuit: api.BasePath + "/circuits/" + b.CircuitID.String(),
		},
	}
	if !b.Ended() {
		out.Links.Cancel = self + "/cancel"
		out.Remaining = batchRemaining(&b, s.d.queue.ItemsEnded(b.ID))
	}
	return out
}

// batchState sums the items' states up.
func batchState(b *queue.Batch) api.State {
	present := 0
	for _, n := range b.ByState {
		present += n
	}
	switch {
	case b.ByState[queue.Queued] == present && present > 0 && b.Cancelled.IsZero():
		return api.StateQueued
	case !b.Ended():
		return api.StateRunning
	case b.ByState[queue.Succeeded] == present:
		return api.StateSucceeded
	case !b.Cancelled.IsZero():
		return api.StateCancelled
	}
	return api.StateFailed
}

func countsOf(b *queue.Batch) map[api.State]int {
	out := make(map[api.State]int, len(b.ByState))
	for s, n := range b.ByState {
		out[api.State(s)] = n
	}
	return out
}

// batchProgress is the part of the items that isn't to be done any more.
func batchProgress(b *queue.Batch) float64 {
	return 1 - float64(b.ByState[queue.Queued]+b.ByState[queue.Running])/float64(max(b.Size, 1))
}

// paceSample is how many of the last items a batch's pace is measured on.
const paceSample = 32

// batchRemaining estimates the seconds until a batch's end by the pace of its
// last items; nil while too few have ended to tell.
func batchRemaining(b *queue.Batch, ended []queue.ItemEnd) *float64 {
	if len(ended) < 2 {
		return nil
	}
	slices.SortFunc(ended, func(x, y queue.ItemEnd) int { return x.Finished.Compare(y.Finished) })
	last := ended[max(0, len(ended)-paceSample):]
	pace := last[len(last)-1].Finished.Sub(last[0].Finished) / time.Duration(len(last)-1)
	left := (time.Duration(b.ByState[queue.Queued]+b.ByState[queue.Running]) * pace).Seconds()
	return &left
}

// A batch's item events have the moment of the item's end as their id, in Unix
// milliseconds. Items that end at almost the same time may be seen in another
// order than their ids; so who comes back is told the last ones again.
const (
	batchOverlap = 2 * time.Second
	batchFinal   = "end" // id of the final event
	// batchPace is the least time between two looks at a batch.
	batchPace = 250 * time.Millisecond
)

// BatchEvents implements httpapi.Batches.
func (s *services) BatchEvents(ctx context.Context, who httpapi.Caller, id, after string) iter.Seq2[api.Event, error] {
	return func(yield func(api.Event, error) bool) {
		if _, err := s.batch(ctx, who, id); err != nil || after == batchFinal {
			if err != nil {
				yield(api.Event{}, err)
			}
			return
		}
		t := newBatchTeller(after)
		for b, err := range s.d.queue.WatchBatch(ctx, id) {
			if err != nil {
				yield(api.Event{}, err)
				return
			}
			for _, e := range t.change(&b, s.d.queue.ItemsEnded(id)) {
				if !yield(e, nil) {
					return
				}
			}
			if b.Ended() {
				return
			}
			select {
			case <-time.After(batchPace):
			case <-ctx.Done(): // which WatchBatch reports
			}
		}
	}
}

// batchTeller turns what is seen of a batch into events.
type batchTeller struct {
	since int64 // Unix milliseconds: what ended before is known
	told  map[int]bool
	state api.State
	last  map[api.State]int
}

func newBatchTeller(after string) *batchTeller {
	t := &batchTeller{told: map[int]bool{}}
	if ms, err := strconv.ParseInt(after, 10, 64); err == nil {
		t.since = ms - batchOverlap.Milliseconds()
	}
	return t
}

// change takes the batch's new state: the items that have ended since, then
// the counts, or the end.
func (t *batchTeller) change(b *queue.Batch, ended []queue.ItemEnd) []api.Event {
	slices.SortFunc(ended, func(x, y queue.ItemEnd) int {
		return cmp.Or(x.Finished.Compare(y.Finished), cmp.Compare(x.Item, y.Item))
	})
	var events []api.Event
	for _, it := range ended {
		ms := it.Finished.UnixMilli()
		if t.told[it.Item] || ms < t.since {
			continue
		}
		t.told[it.Item] = true
		item := it.Item
		events = append(events, api.Event{
			ID: strconv.FormatInt(ms, 10), Type: api.EventItem, Job: it.ID, Batch: b.ID, Kind: b.Kind,
			State: api.State(it.State), Item: &item, Time: it.Finished,
		})
	}
	counts, state := countsOf(b), batchState(b)
	if !b.Ended() && state == t.state && sameCounts(counts, t.last) {
		return events
	}
	e := api.Event{Type: api.EventProgress, Batch: b.ID, Kind: b.Kind, State: state, Counts: counts, Size: b.Size, Time: time.Now().UTC()}
	if state != t.state {
		e.Type = api.EventState
	}
	done := batchProgress(b)
	e.Progress = &done
	if b.Ended() {
		e.ID, e.Final = batchFinal, true
		if n := len(ended); n > 0 {
			e.Time = ended[n-1].Finished
		}
	} else {
		e.Remaining = batchRemaining(b, ended)
	}
	t.state, t.last = state, counts
	return append(events, e)
}

func sameCounts(a, b map[api.State]int) bool {
	for s, n := range a {
		if b[s] != n {
			return false
		}
	}
	return b != nil
}
