package httpapi

import (
	"encoding/json"
	"net/http"

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
	p, err := f.proveNow(r, req)
	if err != nil {
		return nil, err
	}
	return zokratesProof{Payload: p.Result.Proof, Time: elapsed(exchangeOf(r.Context()))}, nil
}
