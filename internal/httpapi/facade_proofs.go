package httpapi

import (
	"encoding/json"
	"net/http"
	"time"

	"provery/api"
	"provery/internal/fault"
)

// submitFor sends a facade's request through the queue. Location names the job.
func (s *Server) submitFor(r *http.Request, req api.ProofRequest) (api.Proof, error) {
	if err := s.checkProofRequest(&req); err != nil {
		return api.Proof{}, err
	}
	key, err := idempotencyKey(r)
	if err != nil {
		return api.Proof{}, err
	}
	if s.stopping() {
		return api.Proof{}, errDraining
	}
	x := exchangeOf(r.Context())
	p, err := s.services.Proofs.Submit(r.Context(), Submission{Request: req, Caller: x.caller, IdempotencyKey: key})
	if err == nil {
		x.writer.Header().Set("Location", proofLocation(p.ID))
	}
	return p, err
}

// proveNow sends a facade's request through the queue and waits for the proof,
// for interfaces that know no jobs.
func (s *Server) proveNow(r *http.Request, req api.ProofRequest) (api.Proof, error) {
	release, ok := s.takeWaiter()
	if !ok {
		return api.Proof{}, errNoWaiter(" for proofs")
	}
	defer release()
	p, err := s.submitFor(r, req)
	if err != nil {
		return p, err
	}
	id := p.ID
	if p, err = s.await(r.Context(), p, s.limits.Wait.Truncate(time.Second)); err != nil {
		s.abandonUnlessKeyed(r, id)
		return p, err
	}
	return p, finished(&p)
}

// abandonUnlessKeyed cancels a job whose client went away, since nobody else
// knows of it. One with an idempotency key can be found again, and goes on.
func (s *Server) abandonUnlessKeyed(r *http.Request, id string) {
	if r.Context().Err() != nil && r.Header.Get(api.HeaderIdempotencyKey) == "" {
		s.abandon(r.Context(), id)
	}
}

// finished returns an error unless the proof is there.
func finished(p *api.Proof) error {
	switch {
	case !p.State.Terminal():
		return fault.New(fault.DeadlineExceeded, "the proof takes longer than a request may wait; its job goes on, see Location (limits.max_wait)")
	case p.State != api.StateSucceeded:
		return outcome(p)
	case p.Result == nil:
		return fault.New(fault.Internal, "the proof's result is missing")
	}
	return nil
}

// snarkJSFiles are the contents of proof.json and public.json.
type snarkJSFiles struct {
	Proof  json.RawMessage `json:"proof"`
	Public []string        `json:"public"`
}

// snarkJSOf returns a finished proof in snarkjs's form.
func snarkJSOf(p *api.Proof) (files snarkJSFiles, err error) {
	if json.Unmarshal(p.Result.Proof, &files) != nil || files.Public == nil {
		return files, fault.New(fault.Unsupported, "the circuit's proofs have no form in snarkjs's files")
	}
	return files, nil
}
