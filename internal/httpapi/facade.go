package httpapi

import (
	"context"
	"net/http"
	"time"

	"provery/api"
	"provery/internal/fault"
)

// proveNow sends a facade's request through the queue and waits for the proof,
// for interfaces that know no jobs.
func (s *Server) proveNow(r *http.Request, req api.ProofRequest) (api.Proof, error) {
	if err := s.checkProofRequest(&req); err != nil {
		return api.Proof{}, err
	}
	key, err := idempotencyKey(r)
	if err != nil {
		return api.Proof{}, err
	}
	release, ok := s.takeWaiter()
	if !ok {
		return api.Proof{}, errNoWaiter(" for proofs")
	}
	defer release()
	x := exchangeOf(r.Context())
	p, err := s.services.Proofs.Submit(r.Context(), Submission{Request: req, Caller: x.caller, IdempotencyKey: key})
	if err != nil {
		return p, err
	}
	x.writer.Header().Set("Location", proofLocation(p.ID))
	id := p.ID
	if p, err = s.await(r.Context(), p, s.limits.Wait.Truncate(time.Second)); err != nil {
		s.abandonUnlessKeyed(r.Context(), id, key)
		return p, err
	}
	return p, finished(&p)
}

// abandonUnlessKeyed cancels a job whose client went away, since nobody else
// knows of it. One with an idempotency key can be found again, and goes on.
func (s *Server) abandonUnlessKeyed(ctx context.Context, id, idempotencyKey string) {
	if ctx.Err() != nil && idempotencyKey == "" {
		s.abandon(ctx, id)
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
