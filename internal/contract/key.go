package contract

import (
	"bytes"
	"encoding/json"
	"io"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/scheme"
)

const (
	// maxJSON bounds the documents that are parsed, in bytes.
	maxJSON = 4 << 20
	// maxInputs bounds the public inputs. Each takes some hundred bytes of
	// code, and a contract on Ethereum may have 24,576 (EIP-170).
	maxInputs = 1024
)

// verifyingKey is a verifying key of one of the schemes. linear is the points
// that the constant 1 and the public inputs are combined with: gamma_abc of
// Groth16, query of GM17.
type verifyingKey struct {
	scheme scheme.ID
	linear []g1

	alpha              g1 // g_alpha
	beta, gamma, delta g2 // h_beta, h_gamma; delta of Groth16
	gammaG1            g1 // g_gamma of GM17
	h                  g2 // of GM17
}

// keyJSON is ZoKrates's verification.key of either scheme.
type keyJSON struct {
	headJSON
	Alpha    json.RawMessage   `json:"alpha"`
	Beta     json.RawMessage   `json:"beta"`
	Gamma    json.RawMessage   `json:"gamma"`
	Delta    json.RawMessage   `json:"delta"`
	GammaABC []json.RawMessage `json:"gamma_abc"`

	H      json.RawMessage   `json:"h"`
	GAlpha json.RawMessage   `json:"g_alpha"`
	HBeta  json.RawMessage   `json:"h_beta"`
	GGamma json.RawMessage   `json:"g_gamma"`
	HGamma json.RawMessage   `json:"h_gamma"`
	Query  []json.RawMessage `json:"query"`
}

// headJSON is what keys and proofs begin with.
type headJSON struct {
	Scheme string `json:"scheme"`
	Curve  string `json:"curve"`
}

// check returns the scheme, or says why there is no contract for it.
func (h headJSON) check(malformed fault.Code) (scheme.ID, error) {
	if h.Scheme == "" || h.Curve == "" {
		return "", fault.New(malformed, "scheme or curve is missing")
	}
	if h.Curve != curve.BN128.String() {
		return "", fault.New(fault.Unsupported, "the EVM verifies proofs on %v only", curve.BN128)
	}
	switch h.Scheme {
	case "g16":
		return scheme.Groth16, nil
	case "gm17":
		return scheme.GM17, nil
	}
	return "", fault.New(fault.Unsupported, "there are contracts for the schemes g16 and gm17 only")
}

// parseKey reads a verification.key.
func parseKey(data []byte) (*verifyingKey, error) {
	var in keyJSON
	if err := unmarshal(data, &in); err != nil {
		return nil, err
	}
	id, err := in.check(fault.InvalidArtifact)
	if err != nil {
		return nil, err
	}
	k := &verifyingKey{scheme: id}
	if id == scheme.GM17 {
		err = inOrder(
			readPoint("h", in.H, &k.h, parseG2),
			readPoint("g_alpha", in.GAlpha, &k.alpha, parseG1),
			readPoint("h_beta", in.HBeta, &k.beta, parseG2),
			readPoint("g_gamma", in.GGamma, &k.gammaG1, parseG1),
			readPoint("h_gamma", in.HGamma, &k.gamma, parseG2),
			k.readLinear("query", in.Query),
		)
		return k, err
	}
	err = inOrder(
		readPoint("alpha", in.Alpha, &k.alpha, parseG1),
		readPoint("beta", in.Beta, &k.beta, parseG2),
		readPoint("gamma", in.Gamma, &k.gamma, parseG2),
		readPoint("delta", in.Delta, &k.delta, parseG2),
		k.readLinear("gamma_abc", in.GammaABC),
	)
	return k, err
}

// readPoint returns a step that reads one member of a document.
func readPoint[P any](name string, raw json.RawMessage, dst *P, parse func(json.RawMessage) (P, error)) func() error {
	return func() (err error) {
		*dst, err = parse(raw)
		return fault.Wrap(err, fault.InvalidArtifact, "%s", name)
	}
}

// readLinear returns a step that reads the points of the constant and the inputs.
// Zeros stand for infinity there: what an input has that no constraint uses.
func (k *verifyingKey) readLinear(name string, raw []json.RawMessage) func() error {
	return func() error {
		if len(raw) == 0 {
			return fault.New(fault.InvalidArtifact, "%s is empty", name)
		}
		if len(raw) > maxInputs+1 {
			return fault.New(fault.Unsupported, "no contract can have code for more than %d public inputs", maxInputs)
		}
		k.linear = make([]g1, len(raw))
		for i := range raw {
			var err error
			if k.linear[i], err = parseG1OrInfinity(raw[i]); err != nil {
				return fault.Wrap(err, fault.InvalidArtifact, "%s[%d]", name, i)
			}
		}
		return nil
	}
}

// inOrder runs the steps up to the first that fails.
func inOrder(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// unmarshal reads exactly one JSON value. Its errors don't repeat the input.
func unmarshal(data []byte, v any) error {
	if len(data) > maxJSON {
		return fault.New(fault.TooLarge, "more than %d bytes", maxJSON)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(v); err != nil {
		return fault.New(fault.InvalidArtifact, "not JSON of the expected form")
	}
	if _, err := d.Token(); err != io.EOF {
		return fault.New(fault.InvalidArtifact, "data after the JSON value")
	}
	return nil
}
