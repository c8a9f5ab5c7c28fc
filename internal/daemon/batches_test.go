package daemon

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"provery/api"
	"provery/client"
	"provery/internal/config"
	"provery/internal/queue"
)

// products is a batch of n products of mul: item i is (i+2)·3.
func products(n int) api.BatchRequest {
	req := api.BatchRequest{Circuit: "mul", Labels: map[string]string{"mark": "b"}}
	for i := range n {
		req.Items = append(req.Items, api.BatchItem{Arguments: json.RawMessage(fmt.Sprintf(`["%d","3"]`, i+2))})
	}
	return req
}

// submitBatch queues a batch or fails the test.
func (r *rig) submitBatch(req api.BatchRequest) *api.Batch {
	r.t.Helper()
	b, err := r.cl.SubmitBatch(r.ctx(), req, "")
	if err != nil {
		r.t.Fatalf("submit batch: %v", err)
	}
	return b
}

// TestBatch proves a batch with two items that fail, follows it, and reads its
// results as they come.
func TestBatch(t *testing.T) {
	t.Parallel()
	h := newHold()
	r := start(t, setup{before: h.before})
	r.ready(mul)
	r.ready(fixture{"assertmsg", "bn128"})
	const n = 12
	b := r.submitBatch(products(n))
	if b.State != api.StateQueued || b.Size != n || b.Counts[api.StateQueued] != n || b.Progress != 0 || b.Links.Cancel == "" {
		t.Errorf("got %+v", b)
	}
	h.release()
	i := 0
	for p, err := range r.cl.BatchResults(r.ctx(), b.ID, client.ItemsOptions{Wait: true}) {
		if err != nil {
			t.Fatal(err)
		}
		if p.Batch != b.ID || *p.Item != i || p.Labels["mark"] != "b" {
			t.Errorf("got item %v of %s, want %d", p.Item, p.Batch, i)
		}
		wantProduct(t, p, uint64(i+2), 3)
		i++
	}
	items, final := map[int]bool{}, api.Event{}
	for e, err := range r.cl.BatchEvents(r.ctx(), b.ID) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Type == api.EventItem {
			items[*e.Item] = e.State == api.StateSucceeded
		}
		final = e
	}
	if i != n || len(items) != n || !final.Final || final.State != api.StateSucceeded || final.Counts[api.StateSucceeded] != n || *final.Progress != 1 {
		t.Errorf("got %d results, items %v, final event %+v", i, items, final)
	}
	if a := r.do("GET", b.Links.Events, "", api.HeaderLastEventID, "end"); a.status != 204 {
		t.Errorf("after the end: got %d, want 204", a.status)
	}
	got, err := r.cl.Batch(r.ctx(), b.ID)
	if err != nil || got.State != api.StateSucceeded || got.Progress != 1 || got.Links.Cancel != "" || got.Remaining != nil {
		t.Errorf("got %+v, %v", got, err)
	}
	if page, err := r.cl.Jobs(r.ctx(), api.JobFilter{Batch: b.ID}, "", 5); err != nil || len(page.Items) != 5 || page.Next == "" || page.Items[0].Item == nil || page.Items[0].Batch != b.ID {
		t.Errorf("jobs of the batch: got %+v, %v", page, err)
	}
	if err := r.cl.DeleteBatch(r.ctx(), b.ID); err != nil {
		t.Fatal(err)
	}
	_, err = r.cl.Batch(r.ctx(), b.ID)
	wantProblem(t, "deleted batch", err, api.CodeNotFound, "-")
	_, err = collect(r.cl.BatchItems(r.ctx(), b.ID, client.ItemsOptions{}))
	wantProblem(t, "items of a deleted batch", err, api.CodeNotFound, "-")
}

// TestBatchWithFailures has an item whose arguments the circuit refuses: the
// others are proven.
func TestBatchWithFailures(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	r.ready(fixture{"assertmsg", "bn128"})
	good := string(compact(t, fixture{"assertmsg", "bn128"}.args(t)))
	b := r.submitBatch(api.BatchRequest{Circuit: "assertmsg", Items: []api.BatchItem{
		{Arguments: json.RawMessage(good)}, {Arguments: json.RawMessage(`["7130905142836475201937","8861275340918273645546372819"]`)}, {Arguments: json.RawMessage(good)},
	}})
	var got []string
	for p, err := range r.cl.BatchResults(r.ctx(), b.ID, client.ItemsOptions{Wait: true}) {
		if err != nil {
			t.Fatal(err)
		}
		text := string(p.State)
		if p.Problem != nil {
			text += " " + string(p.Problem.Code)
		}
		got = append(got, text)
	}
	if want := "succeeded, failed unsatisfied_witness, succeeded"; strings.Join(got, ", ") != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if end, err := r.cl.Batch(r.ctx(), b.ID); err != nil || end.State != api.StateFailed || end.Counts[api.StateSucceeded] != 2 {
		t.Errorf("got %+v, %v, want it failed with two proofs", end, err)
	}
}

func TestBatchIsRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	h := newHold()
	r := start(t, setup{before: h.before, config: func(c *config.Config) { c.Limits.MaxQueueJobs = 10 }})
	r.ready(mul)
	req := products(3)
	req.Items[1].Arguments = json.RawMessage(`["1","2","3"]`)
	_, err := r.cl.SubmitBatch(r.ctx(), req, "")
	wantProblem(t, "an item with too many arguments", err, api.CodeInvalidRequest, "/items/1/arguments")
	_, err = r.cl.SubmitBatch(r.ctx(), products(11), "")
	wantProblem(t, "more than the queue holds", err, api.CodeTooLarge, "-")
	first, err := r.cl.SubmitBatch(r.ctx(), products(6), "key")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := r.cl.SubmitBatch(r.ctx(), products(6), "key"); err != nil || again.ID != first.ID {
		t.Errorf("the same again: got %+v, %v, want %s", again, err, first.ID)
	}
	_, err = r.cl.SubmitBatch(r.ctx(), products(5), "key")
	wantProblem(t, "another with the same key", err, api.CodeConflict, "-")
	_, err = r.cl.SubmitBatch(r.ctx(), products(6), "other")
	if e := wantProblem(t, "more than fits now", err, api.CodeOverloaded, "-"); e.RetryAfter < 1 || e.Status != 503 {
		t.Errorf("got %+v, want 503 and Retry-After", e)
	}
	if err := r.cl.DeleteBatch(r.ctx(), first.ID); client.CodeOf(err) != api.CodeConflict {
		t.Errorf("delete what hasn't ended: got %v, want conflict", err)
	}
	for range 2 { // the second time changes nothing
		if b, err := r.cl.CancelBatch(r.ctx(), first.ID); err != nil || b.State != api.StateCancelled || b.Counts[api.StateCancelled] != 6 {
			t.Errorf("cancel: got %+v, %v", b, err)
		}
	}
	h.release()
	if b := r.submitBatch(products(6)); b.ID == first.ID {
		t.Error("the cancelled batch came back")
	}
}

// TestBatchTeller repeats no item on one stream, and after a break those of the
// last seconds only.
func TestBatchTeller(t *testing.T) {
	t.Parallel()
	end := func(item int, ms int64) queue.ItemEnd {
		return queue.ItemEnd{Item: item, State: queue.Succeeded, Finished: time.UnixMilli(ms)}
	}
	ended := []queue.ItemEnd{end(2, 9000), end(0, 1000), end(1, 8500)}
	b := &queue.Batch{Size: 4, ByState: map[queue.State]int{queue.Succeeded: 3, queue.Running: 1}}
	ids := func(events []api.Event) (out string) {
		for _, e := range events {
			out += e.Type + ":" + e.ID + " "
		}
		return out
	}
	fresh := newBatchTeller("")
	if got, want := ids(fresh.change(b, ended)), "item:1000 item:8500 item:9000 state: "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := ids(fresh.change(b, ended)); got != "" {
		t.Errorf("no change: got %q", got)
	}
	if got, want := ids(newBatchTeller("9000").change(b, ended)), "item:8500 item:9000 state: "; got != want {
		t.Errorf("after a break: got %q, want %q", got, want)
	}
	b.ByState = map[queue.State]int{queue.Succeeded: 4}
	events := fresh.change(b, append(ended, end(3, 8000)))
	if got, want := ids(events), "item:8000 state:end "; got != want || !events[1].Final || events[1].Time.UnixMilli() != 9000 {
		t.Errorf("got %q, want %q", got, want)
	}
	if left := batchRemaining(&queue.Batch{ByState: map[queue.State]int{queue.Queued: 3}}, []queue.ItemEnd{end(0, 1000), end(1, 3000)}); *left != 6 {
		t.Errorf("got %v s left, want 6", *left)
	}
	if batchRemaining(b, ended[:1]) != nil {
		t.Error("got an estimate from one item")
	}
}
