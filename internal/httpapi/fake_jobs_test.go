package httpapi_test

import (
	"context"
	"iter"
	"time"

	"provery/api"
	"provery/internal/httpapi"
)

func fakeJob(id string) api.Job {
	return api.Job{ID: id, Kind: "proof", State: api.StateQueued, Priority: api.PriorityNormal, Created: created}
}

func (f *fake) Job(_ context.Context, _ httpapi.Caller, id string) (api.Job, error) {
	return fakeJob(id), f.got(id)
}

func (f *fake) WaitJob(_ context.Context, _ httpapi.Caller, id string, timeout time.Duration) (api.Job, error) {
	return fakeJob(id), f.got(id, timeout.String())
}

func (f *fake) Jobs(_ context.Context, who httpapi.Caller, filter api.JobFilter, cursor string, limit int) (api.Page[api.Job], error) {
	f.limit = limit
	return api.Page[api.Job]{Items: []api.Job{fakeJob("j_1")}}, f.got(who.Name, string(filter.State), filter.Kind, filter.Circuit, filter.Owner, filter.Batch, cursor)
}

func (f *fake) CancelJob(_ context.Context, _ httpapi.Caller, id string) (api.Job, error) {
	return fakeJob(id), f.got(id)
}

func (f *fake) RetryJob(_ context.Context, _ httpapi.Caller, id string) (api.Job, error) {
	return fakeJob(id), f.got(id)
}
func (f *fake) DeleteJob(_ context.Context, _ httpapi.Caller, id string) error { return f.got(id) }

func (f *fake) Workers(context.Context, httpapi.Caller) ([]api.Worker, error) {
	return []api.Worker{{Name: "host", Slots: 2, Jobs: []string{}}}, f.got()
}

// JobEvents yields what f.events says, or two events and the end.
func (f *fake) JobEvents(ctx context.Context, _ httpapi.Caller, id, after string) iter.Seq2[api.Event, error] {
	if err := f.got(id, after); err != nil || f.events == nil {
		return func(yield func(api.Event, error) bool) {
			if err != nil {
				yield(api.Event{}, err)
				return
			}
			for _, e := range twoEvents(id) {
				if e.ID > after && !yield(e, nil) {
					return
				}
			}
		}
	}
	return f.events(ctx)
}

func twoEvents(id string) []api.Event {
	return []api.Event{
		{ID: "1", Type: api.EventState, Job: id, Kind: "proof", State: api.StateQueued, Time: created},
		{ID: "4", Type: api.EventState, Job: id, Kind: "proof", State: api.StateSucceeded, Final: true, Time: created},
	}
}
