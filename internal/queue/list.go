package queue

import (
	"cmp"
	"context"
	"slices"

	"provery/internal/fault"
	"provery/internal/store"
)

// Filter selects jobs. A zero field selects all.
type Filter struct {
	State   State
	Kind    string
	Circuit store.Digest
	Owner   string
	Batch   string
	Dead    bool // dead letters only
}

func (f *Filter) matches(e *entry) bool {
	return (f.State == "" || e.State == f.State) &&
		(f.Kind == "" || e.kind() == f.Kind) &&
		(f.Circuit.IsZero() || e.Circuit == f.Circuit) &&
		(f.Owner == "" || e.Owner == f.Owner) &&
		(f.Batch == "" || e.Batch == f.Batch) &&
		(!f.Dead || e.Dead)
}

// maxPage bounds List's limit.
const maxPage = 1000

// List returns up to limit jobs (1 to 1000; 0 means 100) that match f, newest
// first, and the cursor for the next page, empty at the end. The cursor is the
// last page's cursor or empty; a malformed one is InvalidRequest. Jobs that
// change during the call may be seen in their new state.
func (q *Queue) List(ctx context.Context, f Filter, cursor string, limit int) ([]Job, string, error) {
	limit = or(limit, 100)
	if limit < 0 || limit > maxPage {
		return nil, "", fault.New(fault.InvalidRequest, "list jobs: the limit must be 1 to %d", maxPage)
	}
	if cursor != "" && CheckID(cursor) != nil {
		return nil, "", fault.New(fault.InvalidRequest, "list jobs: malformed cursor")
	}
	page := q.index.selectEntries(false, func(e *entry) bool {
		return (cursor == "" || e.id < cursor) && f.matches(e)
	})
	slices.SortFunc(page, func(a, b entry) int { return cmp.Compare(b.id, a.id) })
	next := ""
	if len(page) > limit {
		page = page[:limit]
		next = page[limit-1].id
	}
	jobs := make([]Job, 0, len(page))
	for _, e := range page {
		s, err := q.records.getJob(ctx, e.id)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, "", err
		}
		jobs = append(jobs, q.view(s))
	}
	return jobs, next, nil
}

// Position returns how many queued jobs are ahead of j, as this process knows
// them: those of a higher priority, and the older ones of its own. Fairness
// between owners, hot circuits and memory may serve it earlier or later. It is
// 0 for a job that isn't queued. Cost: one look at every active job.
func (q *Queue) Position(j Job) int {
	if j.State != Queued {
		return 0
	}
	mine := j.Priority.rank()
	self := &entry{id: j.ID, meta: meta{Created: millis(j.Created), Batch: j.Batch, Item: j.Item}}
	return len(q.index.selectEntries(true, func(e *entry) bool {
		r := e.Priority.rank()
		return e.State == Queued && (r < mine || r == mine && e.id != j.ID && older(e, self))
	}))
}
