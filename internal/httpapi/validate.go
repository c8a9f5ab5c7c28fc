package httpapi

import (
	"net/http"

	"provery/api"
	"provery/internal/fault"
)

// checkProofRequest checks what can be checked without the circuit.
func (s *Server) checkProofRequest(r *api.ProofRequest) error {
	if err := checkRef(r.Circuit, "/circuit"); err != nil {
		return err
	}
	if err := s.checkInput(r); err != nil {
		return err
	}
	if err := checkWord(r.Scheme, "/scheme"); err != nil {
		return err
	}
	if r.Keys != "" && !refPattern.MatchString(r.Keys) {
		return fault.New(fault.InvalidRequest, "want a key set's id").At("/keys")
	}
	switch r.Priority {
	case "":
		r.Priority = api.PriorityNormal
	case api.PriorityHigh, api.PriorityNormal, api.PriorityLow:
	default:
		return fault.New(fault.InvalidRequest, "want high, normal or low").At("/priority")
	}
	return checkLabels(r.Labels)
}

func checkRef(ref, path string) error {
	if ref == "" {
		return fault.New(fault.InvalidRequest, "the field is missing").At(path)
	}
	if !refPattern.MatchString(ref) {
		return fault.New(fault.InvalidRequest, "want an id, name, name:tag or name@id").At(path)
	}
	return nil
}

// checkInput checks that a request has either arguments or a witness.
func (s *Server) checkInput(r *api.ProofRequest) error {
	switch {
	case r.Witness == nil:
		return s.checkArguments(r.Arguments)
	case r.Arguments != nil:
		return fault.New(fault.InvalidRequest, "not together with arguments").At("/witness")
	case r.Reduce:
		return fault.New(fault.InvalidRequest, "not together with a witness, which has its values already").At("/reduce")
	case len(r.Witness) == 0:
		return fault.New(fault.InvalidRequest, "the witness is empty").At("/witness")
	}
	return nil
}

// checkWitnessRequest checks a request for a dry run.
func (s *Server) checkWitnessRequest(r *api.WitnessRequest) error {
	switch r.Witness {
	case "", api.WitnessZoKrates32, api.WitnessZoKrates64, api.WitnessZoKratesText, api.WitnessSnarkJS:
		return s.checkArguments(r.Arguments)
	}
	return fault.New(fault.InvalidRequest, "want %s, %s, %s or %s", api.WitnessZoKrates32, api.WitnessZoKrates64, api.WitnessZoKratesText, api.WitnessSnarkJS).At("/witness")
}

func (s *Server) checkArguments(arguments []byte) error {
	if arguments == nil {
		return fault.New(fault.InvalidRequest, "the field is missing").At("/arguments")
	}
	if int64(len(arguments)) > s.limits.ArgumentsBytes {
		return fault.New(fault.TooLarge, "the arguments are over %d bytes", s.limits.ArgumentsBytes).At("/arguments")
	}
	return nil
}

func checkLabels(labels map[string]string) error {
	if len(labels) > api.MaxLabels {
		return fault.New(fault.InvalidRequest, "more than %d labels", api.MaxLabels).At("/labels")
	}
	for key, value := range labels {
		if !labelPattern.MatchString(key) {
			return fault.New(fault.InvalidRequest, "a label's name is up to %d letters, digits, '.', '_', '/' and '-'", api.MaxLabelKey).At("/labels")
		}
		if len(value) > api.MaxLabelValue {
			return fault.New(fault.InvalidRequest, "a label's value is over %d bytes", api.MaxLabelValue).At("/labels")
		}
	}
	return nil
}

// checkVerifyRequest checks that there is one key and a proof.
func checkVerifyRequest(r *api.VerifyRequest) error {
	switch {
	case r.Circuit == "" && r.VerifyingKey == nil:
		return fault.New(fault.InvalidRequest, "want a circuit or a verifying_key").At("/circuit")
	case r.Circuit != "" && r.VerifyingKey != nil:
		return fault.New(fault.InvalidRequest, "not together with a circuit").At("/verifying_key")
	case r.Keys != "" && r.Circuit == "":
		return fault.New(fault.InvalidRequest, "not without a circuit").At("/keys")
	case r.Proof == nil:
		return fault.New(fault.InvalidRequest, "the field is missing").At("/proof")
	case r.Keys != "" && !refPattern.MatchString(r.Keys):
		return fault.New(fault.InvalidRequest, "want a key set's id").At("/keys")
	case r.Circuit != "":
		return checkRef(r.Circuit, "/circuit")
	}
	return nil
}

// idempotencyKey returns a request's key, "" if it has none.
func idempotencyKey(r *http.Request) (string, error) {
	key := r.Header.Get(api.HeaderIdempotencyKey)
	if !printable(key) || len(key) > api.MaxIdempotencyID {
		return "", fault.New(fault.InvalidRequest, "want up to %d printable ASCII characters", api.MaxIdempotencyID).At("header." + api.HeaderIdempotencyKey)
	}
	return key, nil
}

// printable reports whether s is printable ASCII.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
