package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"provery/api"
	"provery/internal/fault"
)

// JobPath names a job in the path.
type JobPath struct {
	ID string `path:"id" doc:"Id of the job." maxLength:"128" pattern:"^[A-Za-z0-9_-]+$" patternDescription:"job id"`
}

func (s *Server) jobRoutes() {
	register(s, huma.Operation{
		Method: http.MethodGet, Path: "/v1/jobs", OperationID: "list-jobs", Tags: []string{tagJobs},
		Summary: "List jobs", Description: "Newest first: proofs, items of batches and other work, of the caller or, for an admin, of everybody.",
		Errors: []int{404},
	}, s.listJobs)
	register(s, huma.Operation{
		Method: http.MethodGet, Path: "/v1/jobs/{id}", OperationID: "get-job", Tags: []string{tagJobs},
		Summary: "Show a job", Description: "With wait, the answer comes when the state is final, or after that many seconds.",
		Errors: []int{404, 503},
	}, s.showJob)
	s.eventRoute("/v1/jobs/{id}/events", "job-events", tagJobs, "Follow a job", s.services.Jobs.JobEvents)
	s.eventRoute("/v1/proofs/{id}/events", "proof-events", tagProofs, "Follow a proof", s.services.Jobs.JobEvents)
	register(s, huma.Operation{
		Method: http.MethodPost, Path: "/v1/jobs/{id}/cancel", OperationID: "cancel-job", Tags: []string{tagJobs},
		Summary: "Cancel a job", Description: "Stops running work. Idempotent; a job that has ended stays as it is.", Errors: []int{404},
	}, func(ctx context.Context, in *struct{ JobPath }) (*bodyOf[api.Job], error) {
		j, err := s.services.Jobs.CancelJob(ctx, exchangeOf(ctx).caller, in.ID)
		return &bodyOf[api.Job]{j}, err
	})
	register(s, huma.Operation{
		Method: http.MethodPost, Path: "/v1/jobs/{id}/retry", OperationID: "retry-job", Tags: []string{tagJobs},
		Summary: "Run a job now",
		Description: "For admins. A job that waits after a failure waits no longer; a dead letter is queued again under its own id. " +
			"A dead letter whose client has submitted the request again under the same idempotency key is a conflict.",
		Errors: []int{404, 409, 429, 503},
	}, func(ctx context.Context, in *struct{ JobPath }) (*bodyOf[api.Job], error) {
		who := exchangeOf(ctx).caller
		if !who.Admin {
			return nil, errNotAdmin
		}
		j, err := s.services.Jobs.RetryJob(ctx, who, in.ID)
		return &bodyOf[api.Job]{j}, err
	})
	register(s, huma.Operation{
		Method: http.MethodDelete, Path: "/v1/jobs/{id}", OperationID: "delete-job", Tags: []string{tagJobs},
		Summary: "Delete a job", Description: "Erases arguments and result of a job that has ended; those of a dead letter, too.",
		DefaultStatus: http.StatusNoContent, Errors: []int{404, 409},
	}, func(ctx context.Context, in *struct{ JobPath }) (*struct{}, error) {
		return nil, s.services.Jobs.DeleteJob(ctx, exchangeOf(ctx).caller, in.ID)
	})
	register(s, huma.Operation{
		Method: http.MethodGet, Path: "/v1/workers", OperationID: "list-workers", Tags: []string{tagJobs},
		Summary: "List workers", Description: "The processes that prove, as their heartbeats tell.",
	}, func(ctx context.Context, _ *struct{}) (*bodyOf[api.Page[api.Worker]], error) {
		workers, err := s.services.Jobs.Workers(ctx, exchangeOf(ctx).caller)
		return &bodyOf[api.Page[api.Worker]]{wholePage(api.Page[api.Worker]{Items: workers})}, err
	})
}

// errNotAdmin refuses what is for operators.
var errNotAdmin = fault.New(fault.Forbidden, "this needs an API key with admin: true")

func (s *Server) listJobs(ctx context.Context, in *struct {
	PageQuery
	State   string `query:"state" doc:"Only jobs in this state." enum:"queued,running,succeeded,failed,cancelled,expired"`
	Kind    string `query:"kind" doc:"Only jobs of this kind." maxLength:"32" pattern:"^[a-z0-9_-]+$" patternDescription:"kind"`
	Circuit string `query:"circuit" doc:"Only jobs of this circuit." maxLength:"200" pattern:"^[A-Za-z0-9][A-Za-z0-9._:@-]*$" patternDescription:"circuit reference"`
	Owner   string `query:"owner" doc:"Only jobs of the API key of this name. Any but the caller's own needs an admin's key." maxLength:"64" pattern:"^[A-Za-z0-9._-]+$" patternDescription:"name"`
	Batch   string `query:"batch" doc:"Only items of this batch." maxLength:"128" pattern:"^[A-Za-z0-9_-]+$" patternDescription:"batch id"`
	Dead    bool   `query:"dead" doc:"Only dead letters."`
}) (*bodyOf[api.Page[api.Job]], error) {
	who := exchangeOf(ctx).caller
	if !who.Admin && in.Owner != "" && in.Owner != who.Name {
		return nil, errNotAdmin
	}
	filter := api.JobFilter{State: api.State(in.State), Kind: in.Kind, Circuit: in.Circuit, Owner: in.Owner, Batch: in.Batch, Dead: in.Dead}
	page, err := s.services.Jobs.Jobs(ctx, who, filter, in.Cursor, in.Limit)
	return &bodyOf[api.Page[api.Job]]{wholePage(page)}, err
}

func (s *Server) showJob(ctx context.Context, in *struct {
	JobPath
	Wait int `query:"wait" doc:"Seconds to wait for the end of the job." minimum:"0"`
}) (*bodyOf[api.Job], error) {
	who := exchangeOf(ctx).caller
	j, err := s.services.Jobs.Job(ctx, who, in.ID)
	wait := s.wait(in.Wait)
	if err != nil || wait == 0 || j.State.Terminal() {
		return &bodyOf[api.Job]{j}, err
	}
	release, ok := s.takeWaiter()
	if !ok {
		return nil, errNoWaiter(" for jobs; ask without wait")
	}
	defer release()
	j, err = untilDrain(ctx, s,
		func(ctx context.Context) (api.Job, error) { return s.services.Jobs.WaitJob(ctx, who, in.ID, wait) },
		func(ctx context.Context) (api.Job, error) { return s.services.Jobs.Job(ctx, who, in.ID) })
	return &bodyOf[api.Job]{j}, err
}
