// Package verify verifies proofs from files: it finds out from the JSON of
// ZoKrates or snarkjs which scheme and curve they are of, and what a failure
// means.
package verify

import (
	"encoding/json"
	"errors"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/scheme"
)

// Backends returns the backend of a scheme on a curve, or an error that is
// fault.Unsupported.
type Backends func(scheme.ID, curve.ID) (scheme.Backend, error)

// Input is a proof to verify.
type Input struct {
	// VerifyingKey is JSON of ZoKrates or of snarkjs.
	VerifyingKey json.RawMessage
	// Proof is ZoKrates's JSON, or an object of snarkjs's proof.json as "proof"
	// and public.json as "public".
	Proof json.RawMessage
	// PublicInputs replace those in the proof, unless they are nil:
	// 0x-prefixed hex or decimal.
	PublicInputs []string
}

// Files reports whether a proof holds; why says what is wrong with it
// otherwise. Files that can't be read at all are errors.
func Files(backends Backends, in Input) (valid bool, why string, err error) {
	key, err := Open(backends, in.VerifyingKey)
	if err != nil {
		return false, "", err
	}
	return key.Verify(in.Proof, in.PublicInputs)
}

// Key is a verifying key with the backend that it is for.
type Key struct {
	scheme.VerifyingKey
	backend scheme.Backend
}

// Open reads a verifying key, JSON of ZoKrates or of snarkjs. One that can't be
// read is fault.InvalidRequest or fault.InvalidArtifact.
func Open(backends Backends, text json.RawMessage) (*Key, error) {
	s, c, err := headerOf("verifying key", text, "")
	if err != nil {
		return nil, err
	}
	backend, err := backends(s, c)
	if err != nil {
		return nil, err
	}
	vk, err := backend.ParseVerifyingKey(text)
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidRequest, "verifying key")
	}
	return &Key{vk, backend}, nil
}

// Verify is Files for a key that is open.
func (k *Key) Verify(proof json.RawMessage, inputs []string) (valid bool, why string, err error) {
	s, c, err := headerOf("proof", proof, k.Curve().String())
	if err != nil {
		return false, "", err
	}
	if s != k.Scheme() || c != k.Curve() {
		return false, "the proof is of another scheme or curve than the key", nil
	}
	p, public, err := k.backend.ParseProof(proof)
	if err != nil {
		return false, "", err
	}
	if inputs != nil {
		if public, err = k.backend.ParsePublicInputs(inputs); err != nil {
			return false, "", err
		}
	}
	return verdict(k.backend.Verify(k.VerifyingKey, p, public))
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
