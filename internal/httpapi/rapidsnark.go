package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"provery/api"
	"provery/internal/fault"
)

// What rapidsnark's server says it is doing.
const (
	rapidsnarkReady   = "ready" // nothing was asked of it yet
	rapidsnarkBusy    = "busy"
	rapidsnarkSuccess = "success"
	rapidsnarkFailed  = "failed"
	rapidsnarkAborted = "aborted"
)

// rapidsnarkStatus is the body of rapidsnark's status. Proof and public inputs
// are texts that hold JSON, as there.
type rapidsnarkStatus struct {
	Status string `json:"status" enum:"ready,busy,success,failed,aborted"`
	Proof  string `json:"proof,omitempty" doc:"snarkjs's proof.json, as text."`
	Public string `json:"pubData,omitempty" doc:"snarkjs's public.json, as text."`
	Error  string `json:"error,omitempty" doc:"Why it failed. It never repeats a value."`
}

// rapidsnark answers the requests of clients of rapidsnark's proverServer
// (github.com/iden3/rapidsnark-old), which has one job at a time, no ids, and one
// status for everybody. Here each caller has one of its own: a job of its slot.
//
// What the slot shows is never the proof of another request than the last one,
// also where that was refused and the client didn't look at the answer: an old
// proof in its place would be taken for the new one.
type rapidsnark struct{ *facade }

func (s *Server) rapidsnarkRoutes() {
	f := &rapidsnark{&facade{
		Server: s, name: "rapidsnark's proverServer", id: "rapidsnark", arguments: "/input",
		errorBody: func(message string) any { return facadeError{message} }, errorDoc: jsonContent[facadeError](s),
	}}
	circuit := &huma.Param{
		Name: "circuit", In: "path", Required: true, Description: "Circuit: name, name:tag or id.",
		Schema: &huma.Schema{Type: huma.TypeString},
	}
	input := map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Description: "Arguments by the names of the circuit's inputs: an input.json."}}}
	f.add(
		facadeRoute{id: "input", pattern: "POST /input/{circuit}", summary: "Prove, instead of what the caller asked for before", parameters: []*huma.Param{circuit}, body: input, handle: f.input},
		facadeRoute{id: "status", pattern: "GET /status", summary: "What became of the caller's last input", answer: jsonContent[rapidsnarkStatus](s), handle: f.status},
		facadeRoute{id: "cancel", pattern: "POST /cancel", summary: "Cancel it", handle: f.cancel},
	)
}

// input asks for a proof and forgets the request before it. As there, the body
// is JSON whatever its type is said to be.
func (f *rapidsnark) input(r *http.Request) (any, error) {
	x := exchangeOf(r.Context())
	var next Slot
	p, err := f.submit(r)
	if err == nil {
		next.Job = p.ID
	} else {
		problem := x.problem(err)
		next.Refused, err = f.message(&problem.Problem), problem
	}
	ctx := context.WithoutCancel(r.Context()) // a client that leaves now may ask for the status later
	before, failed := f.services.Slots.SetSlot(ctx, x.caller, next)
	switch {
	case failed != nil && err == nil:
		f.abandon(ctx, p.ID) // nobody would find it
		return nil, failed
	case failed == nil && before.Job != "" && before.Job != next.Job:
		f.abandon(ctx, before.Job)
	}
	return nil, err
}

func (f *rapidsnark) submit(r *http.Request) (api.Proof, error) {
	body, err := f.body(r, f.limits.BodyBytes)
	if err != nil {
		return api.Proof{}, err
	}
	if !json.Valid(body) {
		return api.Proof{}, fault.New(fault.InvalidRequest, "want the circuit's inputs as JSON")
	}
	return f.submitFor(r, api.ProofRequest{Circuit: r.PathValue("circuit"), Arguments: body})
}

func (f *rapidsnark) status(r *http.Request) (any, error) {
	caller := exchangeOf(r.Context()).caller
	slot, err := f.services.Slots.Slot(r.Context(), caller)
	switch {
	case err != nil:
		return nil, err
	case slot.Refused != "":
		return rapidsnarkStatus{Status: rapidsnarkFailed, Error: slot.Refused}, nil
	case slot.Job == "":
		return rapidsnarkStatus{Status: rapidsnarkReady}, nil
	}
	p, err := f.services.Proofs.Proof(r.Context(), caller, slot.Job)
	switch {
	case fault.Is(err, fault.NotFound): // deleted, or its time is over
		return rapidsnarkStatus{Status: rapidsnarkReady}, nil
	case err != nil:
		return nil, err
	case !p.State.Terminal():
		return rapidsnarkStatus{Status: rapidsnarkBusy}, nil
	case p.State == api.StateCancelled:
		return rapidsnarkStatus{Status: rapidsnarkAborted}, nil
	}
	return f.outcome(r, &p), nil
}

// outcome is the status of a job that has ended.
func (f *rapidsnark) outcome(r *http.Request, p *api.Proof) rapidsnarkStatus {
	err := finished(p)
	var files snarkJSFiles
	if err == nil {
		files, err = snarkJSOf(p)
	}
	public, _ := json.Marshal(files.Public) // strings
	if err != nil {
		return rapidsnarkStatus{Status: rapidsnarkFailed, Error: f.message(&exchangeOf(r.Context()).problem(err).Problem)}
	}
	return rapidsnarkStatus{Status: rapidsnarkSuccess, Proof: string(files.Proof), Public: string(public)}
}

// cancel ends the caller's job, if there is one.
func (f *rapidsnark) cancel(r *http.Request) (any, error) {
	caller := exchangeOf(r.Context()).caller
	slot, err := f.services.Slots.Slot(r.Context(), caller)
	if err != nil || slot.Job == "" {
		return nil, err
	}
	if _, err = f.services.Proofs.Cancel(r.Context(), caller, slot.Job); fault.Is(err, fault.NotFound) {
		return nil, nil // deleted, or its time is over
	}
	return nil, err
}
