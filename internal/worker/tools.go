package worker

import (
	"context"
	"encoding/json"
	"errors"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/registry"
	"provery/internal/scheme"
)

// Tools runs what needs no queue entry: verifications and dry runs, a bounded
// number at a time.
type Tools struct {
	kit       *Kit
	catalogue *Catalogue
	light     gate
}

// NewTools returns tools that run at most n calls at a time.
func NewTools(kit *Kit, c *Catalogue, n int) *Tools {
	return &Tools{kit: kit, catalogue: c, light: newGate(n)}
}

// DryRun computes the witness for the arguments, checks it and throws it away.
// A failed assertion is fault.UnsatisfiedWitness with its position.
func (t *Tools) DryRun(ctx context.Context, circuit registry.Circuit, task Task, logs bool) (s *frontend.Solution, err error) {
	defer recoverTo(&err)
	leave, err := t.light.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	handle, err := t.catalogue.programs.Acquire(ctx, circuit.ID)
	if err != nil {
		return nil, err
	}
	defer handle.Release()
	return handle.Value().program.Solve(ctx, task.Arguments, frontend.SolveOptions{Reduce: task.Reduce, Logs: logs})
}

// Check returns the error that proving would return for the arguments' form.
func (t *Tools) Check(ctx context.Context, circuit registry.Circuit, task Task) (err error) {
	defer recoverTo(&err)
	handle, err := t.catalogue.programs.Acquire(ctx, circuit.ID)
	if err != nil {
		return err
	}
	defer handle.Release()
	return check(handle.Value().program, &task)
}

// VerifyInput is a proof to verify.
type VerifyInput struct {
	// VerifyingKey is JSON of ZoKrates or of snarkjs.
	VerifyingKey json.RawMessage
	// Proof is ZoKrates's JSON, or an object of snarkjs's proof.json as "proof"
	// and public.json as "public".
	Proof json.RawMessage
	// PublicInputs replace those in the proof, unless they are nil:
	// 0x-prefixed hex or decimal.
	PublicInputs []string
}

// header is what key and proof say of themselves: in ZoKrates's files, or in
// those of snarkjs, where a proof is an object of its own.
type header struct {
	Scheme   string  `json:"scheme"`
	Curve    string  `json:"curve"`
	Protocol string  `json:"protocol"`
	Proof    *header `json:"proof"`
}

// flatten returns the header with the scheme and the curve in their places.
func (h header) flatten() header {
	if h.Scheme == "" && h.Proof != nil && h.Proof.Protocol != "" {
		h = *h.Proof
	}
	if h.Scheme == "" {
		h.Scheme = h.Protocol
	}
	return h
}

// headerOf returns the scheme and the curve that a file names. A proof of
// rapidsnark doesn't name its curve: then it is unnamed.
func headerOf(what string, b []byte, unnamed string) (s scheme.ID, c curve.ID, err error) {
	var h header
	bad := json.Unmarshal(b, &h) != nil
	if h = h.flatten(); h.Curve == "" && h.Protocol != "" {
		h.Curve = unnamed
	}
	if bad || h.Scheme == "" || h.Curve == "" {
		return "", 0, fault.New(fault.InvalidRequest, `%s: want a JSON object with "scheme" and "curve"`, what)
	}
	if s, err = scheme.Parse(h.Scheme); err != nil {
		return "", 0, fault.Wrap(err, fault.Unsupported, "%s", what)
	}
	c, err = curve.Parse(h.Curve)
	return s, c, fault.Wrap(err, fault.Unsupported, "%s", what)
}

// SchemeOf returns the scheme that a proof says it is of, "" if it doesn't say.
func SchemeOf(proof json.RawMessage) scheme.ID {
	s, _, err := headerOf("proof", proof, curve.BN128.String())
	if err != nil {
		return ""
	}
	return s
}

// EncodeVerifyingKey returns a verifying key in the format: "zokrates", as it is
// stored, or "snarkjs".
func (t *Tools) EncodeVerifyingKey(vk []byte, format string) ([]byte, error) {
	switch format {
	case "", "zokrates":
		return vk, nil
	case "snarkjs":
	default:
		return nil, fault.New(fault.Unsupported, "verifying keys are exported in the formats zokrates and snarkjs")
	}
	s, c, err := headerOf("verifying key", vk, "")
	if err != nil {
		return nil, err
	}
	backend, err := t.kit.Backend(s, c)
	if err != nil {
		return nil, err
	}
	key, err := backend.ParseVerifyingKey(vk)
	if err != nil {
		return nil, err
	}
	return key.EncodeSnarkJS()
}

// Verify reports whether the proof holds; why says what is wrong with it
// otherwise. Files that can't be read at all are errors.
func (t *Tools) Verify(ctx context.Context, in VerifyInput) (valid bool, why string, err error) {
	defer recoverTo(&err)
	leave, err := t.light.enter(ctx)
	if err != nil {
		return false, "", err
	}
	defer leave()
	s, c, err := headerOf("verifying key", in.VerifyingKey, "")
	if err != nil {
		return false, "", err
	}
	ps, pc, err := headerOf("proof", in.Proof, c.String())
	if err != nil {
		return false, "", err
	}
	if ps != s || pc != c {
		return false, "the proof is of another scheme or curve than the key", nil
	}
	backend, err := t.kit.Backend(s, c)
	if err != nil {
		return false, "", err
	}
	vk, err := backend.ParseVerifyingKey(in.VerifyingKey)
	if err != nil {
		return false, "", fault.Wrap(err, fault.InvalidRequest, "verifying key")
	}
	proof, public, err := backend.ParseProof(in.Proof)
	if err != nil {
		return false, "", err
	}
	if in.PublicInputs != nil {
		if public, err = backend.ParsePublicInputs(in.PublicInputs); err != nil {
			return false, "", err
		}
	}
	return verdict(backend.Verify(vk, proof, public))
}

func verdict(err error) (bool, string, error) {
	switch {
	case err == nil:
		return true, "", nil
	case errors.Is(err, scheme.ErrInvalidProof):
		return false, scheme.ErrInvalidProof.Detail, nil
	case fault.Is(err, fault.InvalidRequest):
		return false, err.Error(), nil // the number of inputs differs
	}
	return false, "", err
}
