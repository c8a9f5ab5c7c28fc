package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"provery/api"
	"provery/internal/fault"
)

// computeWitness computes a witness. The caller gets all of it: that is what
// the path is for.
func (f *zokratesFacade) computeWitness(r *http.Request) (any, error) {
	c, payload, err := f.arguments(r)
	if err != nil {
		return nil, err
	}
	circuit, err := f.registered(r, &c)
	if err != nil {
		return nil, err
	}
	result, err := f.services.Tools.DryRun(r.Context(), circuit.ID, api.WitnessRequest{
		Arguments: payload, Reduce: c.reduce, Witness: api.WitnessZoKratesText,
	})
	if err != nil {
		return nil, err
	}
	if !result.Satisfied {
		return nil, unsatisfied(result.Assertion)
	}
	return zokratesWitness{Output: result.Outputs, Witness: string(result.Witness)}, nil
}

// unsatisfied is the error of a dry run that found a failed assertion.
func unsatisfied(a *api.Assertion) error {
	if a == nil {
		return fault.New(fault.UnsatisfiedWitness, "the arguments don't satisfy the program")
	}
	err := fault.New(fault.UnsatisfiedWitness, "%s", a.Message)
	if a.Position != nil {
		err.Position = &fault.Position{File: a.Position.File, Line: a.Position.Line, Column: a.Position.Column}
	}
	return err
}

// generateProof proves the witness in the body.
func (f *zokratesFacade) generateProof(r *http.Request) (any, error) {
	c, err := f.choose(r)
	if err != nil {
		return nil, err
	}
	witness, err := f.body(r, f.limits.BodyBytes)
	if err != nil {
		return nil, err
	}
	return f.prove(r, &c, api.ProofRequest{Witness: witness})
}

// computeGenerateProof proves arguments.
func (f *zokratesFacade) computeGenerateProof(r *http.Request) (any, error) {
	c, payload, err := f.arguments(r)
	if err != nil {
		return nil, err
	}
	return f.prove(r, &c, api.ProofRequest{Arguments: payload, Reduce: c.reduce})
}

// arguments reads a JSON body with arguments. As with ZoKrates-API, fields
// that aren't known are ignored.
func (f *zokratesFacade) arguments(r *http.Request) (c zokratesChoice, payload json.RawMessage, err error) {
	if c, err = f.choose(r); err != nil {
		return c, nil, err
	}
	if err := checkJSON(r.Header.Get("Content-Type")); err != nil {
		return c, nil, err
	}
	body, err := f.body(r, f.limits.BodyBytes)
	if err != nil {
		return c, nil, err
	}
	var in zokratesArguments
	if json.Unmarshal(body, &in) != nil || in.Payload == nil {
		return c, nil, fault.New(fault.InvalidRequest, `want a JSON object with the arguments in "payload"`)
	}
	return c, in.Payload, nil
}

// prove sends the request through the queue and waits for the proof.
func (f *zokratesFacade) prove(r *http.Request, c *zokratesChoice, req api.ProofRequest) (any, error) {
	circuit, err := f.registered(r, c)
	if err != nil {
		return nil, err
	}
	req.Circuit, req.Scheme = circuit.ID, c.scheme
	if err := f.checkProofRequest(&req); err != nil {
		return nil, err
	}
	key := r.Header.Get(api.HeaderIdempotencyKey)
	if !printable(key) || len(key) > api.MaxIdempotencyID {
		return nil, fault.New(fault.InvalidRequest, "want printable ASCII").At("header." + api.HeaderIdempotencyKey)
	}
	release, ok := f.takeWaiter()
	if !ok {
		return nil, errNoWaiter(" for proofs")
	}
	defer release()
	x := exchangeOf(r.Context())
	p, err := f.services.Proofs.Submit(r.Context(), Submission{Request: req, Caller: x.caller, IdempotencyKey: key})
	if err != nil {
		return nil, err
	}
	x.writer.Header().Set("Location", proofLocation(p.ID))
	id := p.ID
	if p, err = f.await(r.Context(), p, f.limits.Wait.Truncate(time.Second)); err != nil {
		f.abandon(r.Context(), id, key)
		return nil, err
	}
	if err := f.ended(&p); err != nil {
		return nil, err
	}
	return zokratesProof{Payload: p.Result.Proof, Time: elapsed(x)}, nil
}

// abandon cancels a job whose client went away, since nobody else knows of it.
// One with an idempotency key can be found again, and goes on.
func (f *zokratesFacade) abandon(ctx context.Context, id, idempotencyKey string) {
	if ctx.Err() != nil && idempotencyKey == "" {
		f.Server.abandon(ctx, id)
	}
}

// ended returns an error unless the proof is there.
func (f *zokratesFacade) ended(p *api.Proof) error {
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
