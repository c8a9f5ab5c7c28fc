package wire

import (
	"math/big"
	"strconv"
	"strings"

	"provery/internal/curve"
	"provery/internal/fault"
)

// PublicInputs returns the inputs as in proof.json; never nil.
func (b *Base[S, A1, A2]) PublicInputs(public curve.Vector) ([]string, error) {
	x, err := curve.Elements[S](b.Curve(), public)
	if err != nil {
		return nil, err
	}
	size := b.Params.ScalarBytes
	buf := make([]byte, len(x)*size)
	b.Field.Encode(buf, x)
	return hexEach(buf, size), nil
}

// ParsePublicInputs reads decimal or 0x-prefixed numbers, as scheme.Backend
// says. Leading zeros are allowed up to the width of PublicInputs; signs,
// spaces and underscores aren't. The error's path is the index of the culprit.
func (b *Base[S, A1, A2]) ParsePublicInputs(inputs []string) (curve.Vector, error) {
	out := make([]S, len(inputs))
	for i, text := range inputs {
		v, ok := b.parseNumber(text)
		if !ok {
			return curve.Vector{}, fault.New(fault.InvalidRequest,
				"not a decimal or 0x-prefixed number below the order of %v", b.Curve()).At("/" + strconv.Itoa(i))
		}
		b.Field.SetBig(&out[i], v)
	}
	return curve.NewVector(b.Curve(), out), nil
}

// parseNumber reads one scalar and reports whether it is one.
func (b *Base[S, A1, A2]) parseNumber(text string) (*big.Int, bool) {
	digits, base, alphabet := text, 10, "0123456789"
	if hexadecimal, ok := strings.CutPrefix(text, "0x"); ok {
		digits, base, alphabet = hexadecimal, 16, "0123456789abcdefABCDEF"
	}
	// Decimal numbers of the field's size have at most 2.5 digits a byte.
	if digits == "" || len(digits) > 5*b.Params.ScalarBytes/2 || strings.Trim(digits, alphabet) != "" {
		return nil, false
	}
	v, ok := new(big.Int).SetString(digits, base)
	return v, ok && v.Cmp(b.Params.ScalarModulus) < 0
}

// parseInputs reads the inputs of a proof.json, which have a fixed width.
func (b *Base[S, A1, A2]) parseInputs(inputs []string, dst []S) error {
	buf, err := unhexEach(inputs, b.Params.ScalarBytes)
	if err != nil {
		return fault.Wrap(err, fault.InvalidArtifact, "inputs")
	}
	return fault.Wrap(b.Field.Decode(dst, buf), fault.InvalidArtifact, "inputs")
}
