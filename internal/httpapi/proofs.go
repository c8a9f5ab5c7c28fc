package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"provery/api"
	"provery/internal/fault"
)

// ProofPath names a proof in the path.
type ProofPath struct {
	ID string `path:"id" doc:"Id of the proof." maxLength:"128" pattern:"^[A-Za-z0-9_-]+$" patternDescription:"proof id"`
}

func (s *Server) proofRoutes() {
	registerBody(s, huma.Operation{
		Method: http.MethodPost, Path: "/v1/proofs", OperationID: "submit-proof", Tags: []string{tagProofs},
		Summary: "Ask for a proof",
		Description: "The request is on disk before the answer: 202 means that it will be worked on. " +
			"With Prefer: wait=N the answer comes when the proof is finished, or after N seconds as without it. " +
			"A proof that fails within the wait answers with its problem; instance is the proof. " +
			"Beyond the service's number of waiting requests the preference isn't applied.",
		Errors:    []int{404, 409, 422, 429, 503, 504, 507},
		Responses: s.proofResponses(),
	}, s.submit)
	register(s, huma.Operation{
		Method: http.MethodGet, Path: "/v1/proofs", OperationID: "list-proofs", Tags: []string{tagProofs},
		Summary: "List proofs", Description: "Newest first, without their results. A circuit in the filter that isn't registered is an error.",
		Errors: []int{404},
	}, s.listProofs)
	register(s, huma.Operation{
		Method: http.MethodGet, Path: "/v1/proofs/{id}", OperationID: "get-proof", Tags: []string{tagProofs},
		Summary: "Show a proof", Description: "With wait, the answer comes when the state is final, or after that many seconds.",
		Errors: []int{404, 503},
	}, s.showProof)
	register(s, huma.Operation{
		Method: http.MethodPost, Path: "/v1/proofs/{id}/cancel", OperationID: "cancel-proof", Tags: []string{tagProofs},
		Summary: "Cancel a proof", Description: "Stops running work. Idempotent; a proof that has ended stays as it is.", Errors: []int{404},
	}, func(ctx context.Context, in *struct{ ProofPath }) (*bodyOf[api.Proof], error) {
		p, err := s.services.Proofs.Cancel(ctx, exchangeOf(ctx).caller, in.ID)
		return &bodyOf[api.Proof]{p}, err
	})
	register(s, huma.Operation{
		Method: http.MethodDelete, Path: "/v1/proofs/{id}", OperationID: "delete-proof", Tags: []string{tagProofs},
		Summary: "Delete a proof", Description: "Erases inputs and result of a proof that has ended.",
		DefaultStatus: http.StatusNoContent, Errors: []int{404, 409},
	}, func(ctx context.Context, in *struct{ ProofPath }) (*struct{}, error) {
		return nil, s.services.Proofs.Delete(ctx, exchangeOf(ctx).caller, in.ID)
	})
}

// calldataRoute adds the export of proofs for contracts.
func (s *Server) calldataRoute() {
	register(s, huma.Operation{
		Method: http.MethodGet, Path: "/v1/proofs/{id}/calldata", OperationID: "get-calldata", Tags: []string{tagProofs},
		Summary: "Export a proof as the call of its verifier contract", Errors: []int{404, 409, 422},
	}, func(ctx context.Context, in *struct {
		ProofPath
		Target string `query:"target" doc:"Machine of the contract." enum:"evm" default:"evm"`
	}) (*bodyOf[api.Calldata], error) {
		c, err := s.services.Proofs.Calldata(ctx, exchangeOf(ctx).caller, in.ID, in.Target)
		return &bodyOf[api.Calldata]{c}, err
	})
}

type submitInput struct {
	jsonBody
	Prefer         string `header:"Prefer" doc:"wait=N asks for the outcome within N seconds (RFC 7240)." example:"wait=30"`
	IdempotencyKey string `header:"Idempotency-Key" doc:"The same key with the same body gives the same proof; with another body it is a conflict." maxLength:"200"`
}

type submitOutput struct {
	Status            int
	Location          string `header:"Location" doc:"Path of the proof."`
	PreferenceApplied string `header:"Preference-Applied" doc:"The wait that was granted."`
	Body              api.Proof
}

func (s *Server) submit(ctx context.Context, in *submitInput, req *api.ProofRequest) (*submitOutput, error) {
	if err := s.checkProofRequest(req); err != nil {
		return nil, err
	}
	if !printable(in.IdempotencyKey) {
		return nil, fault.New(fault.InvalidRequest, "want printable ASCII").At("header." + api.HeaderIdempotencyKey)
	}
	if s.stopping() {
		return nil, errDraining
	}
	x := exchangeOf(ctx)
	wait := s.wait(preferredWait(x.request.Header.Values(api.HeaderPrefer)))
	if wait > 0 {
		release, ok := s.takeWaiter()
		if ok {
			defer release()
		} else {
			wait = 0 // a preference may be ignored: accepting the work is worth more than waiting for it
		}
	}
	p, err := s.services.Proofs.Submit(ctx, Submission{Request: *req, Caller: x.caller, IdempotencyKey: in.IdempotencyKey})
	if err != nil {
		return nil, err
	}
	out := &submitOutput{Location: proofLocation(p.ID)}
	if wait > 0 {
		id := p.ID
		if p, err = s.await(ctx, p, wait); err != nil {
			if req.CancelOnDisconnect && ctx.Err() != nil {
				s.abandon(ctx, id)
			}
			return nil, err
		}
		out.PreferenceApplied = "wait=" + strconv.Itoa(int(wait/time.Second))
		if failure := outcome(&p); failure != nil {
			return nil, failure
		}
	}
	out.Body, out.Status = p, http.StatusAccepted
	if p.State.Terminal() {
		out.Status = http.StatusOK
	}
	return out, nil
}

func proofLocation(id string) string { return api.BasePath + "/proofs/" + id }

// outcome returns the problem of a proof that ended without a result, nil for
// any other.
func outcome(p *api.Proof) error {
	if !p.State.Terminal() || p.State == api.StateSucceeded {
		return nil
	}
	return ended("proof", p.State, p.Problem, proofLocation(p.ID))
}

// ended returns the problem of a job that ended without a result.
func ended(what string, state api.State, problem *api.Problem, location string) error {
	e := &problemError{header: http.Header{"Location": {location}}}
	switch {
	case problem != nil:
		e.Problem = *problem
	case state == api.StateCancelled:
		e.Problem = *api.NewProblem(api.CodeCanceled, "the "+what+" was cancelled")
	case state == api.StateExpired:
		e.Problem = *api.NewProblem(api.CodeDeadlineExceeded, "the "+what+" didn't end before its deadline")
	default:
		e.Problem = *api.NewProblem(api.CodeInternal, "the "+what+" failed")
	}
	if e.Status < 400 || e.Status > 599 { // an old or damaged record
		t, _ := api.Lookup(api.CodeInternal)
		e.Status = t.Status
	}
	e.Instance = location
	return e
}

func (s *Server) showProof(ctx context.Context, in *struct {
	ProofPath
	Wait int `query:"wait" doc:"Seconds to wait for the end of the proof." minimum:"0"`
}) (*bodyOf[api.Proof], error) {
	p, err := s.services.Proofs.Proof(ctx, exchangeOf(ctx).caller, in.ID)
	wait := s.wait(in.Wait)
	if err != nil || wait == 0 || p.State.Terminal() {
		return &bodyOf[api.Proof]{p}, err
	}
	release, ok := s.takeWaiter()
	if !ok {
		return nil, errNoWaiter(" for proofs; ask without wait")
	}
	defer release()
	p, err = s.await(ctx, p, wait)
	return &bodyOf[api.Proof]{p}, err
}

func (s *Server) listProofs(ctx context.Context, in *struct {
	PageQuery
	State   string `query:"state" doc:"Only proofs in this state." enum:"queued,running,succeeded,failed,cancelled,expired"`
	Circuit string `query:"circuit" doc:"Only proofs of this circuit." maxLength:"200" pattern:"^[A-Za-z0-9][A-Za-z0-9._:@-]*$" patternDescription:"circuit reference"`
}) (*bodyOf[api.Page[api.Proof]], error) {
	filter := api.ProofFilter{State: api.State(in.State), Circuit: in.Circuit}
	page, err := s.services.Proofs.Proofs(ctx, exchangeOf(ctx).caller, filter, in.Cursor, in.Limit)
	return &bodyOf[api.Page[api.Proof]]{wholePage(page)}, err
}

// preferredWait returns the seconds of the preference "wait", 0 if there is
// none. A preference that can't be read is ignored, as RFC 7240 says.
func preferredWait(headers []string) int {
	for _, header := range headers {
		for preference := range strings.SplitSeq(header, ",") {
			preference, _, _ = strings.Cut(preference, ";")
			name, value, _ := strings.Cut(preference, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "wait") {
				continue
			}
			n, err := strconv.Atoi(strings.Trim(strings.TrimSpace(value), `"`))
			if err != nil {
				return 0
			}
			return n
		}
	}
	return 0
}
