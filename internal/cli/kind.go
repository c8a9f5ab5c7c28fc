package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"provery/internal/fault"
	"provery/internal/frontend/circom"
	"provery/internal/frontend/zokrates"
)

// What inspect finds files to be.
const (
	kindProgram      = "compiled ZoKrates program"
	kindABI          = "ZoKrates ABI"
	kindProvingKey   = "ZoKrates proving key"
	kindVerifyingKey = "ZoKrates verification key"
	kindProof        = "ZoKrates proof"
	kindWitness      = "ZoKrates witness"
	kindArguments    = "list of arguments" // never found: any other JSON may be one

	kindR1CS          = "Circom constraint system"
	kindWtns          = "Circom witness"
	kindZKey          = "snarkjs proving key"
	kindPowers        = "snarkjs file of powers of tau"
	kindSymbols       = "Circom symbol table"
	kindWasm          = "WebAssembly module"
	kindSnarkJSProof  = "snarkjs proof"
	kindSnarkJSPublic = "snarkjs proof with its public inputs"
	kindSnarkJSKey    = "snarkjs verification key"
)

// kindOfRole is what the files of a circuit should be.
var kindOfRole = map[string]string{zokrates.RoleProgram: kindProgram, zokrates.RoleABI: kindABI, circom.RoleR1CS: kindR1CS}

// likewise are the kinds that do where ZoKrates's are wanted.
var likewise = map[string]string{kindZKey: kindProvingKey, kindSnarkJSPublic: kindProof, kindSnarkJSKey: kindVerifyingKey}

// mistaken returns an error if a file is certainly something else than it
// should be. Of a damaged or unknown file its reader says more.
func mistaken(name string, s *io.SectionReader, want string) error {
	found, err := inspect(s)
	if err != nil || want == "" || found.Kind == want || likewise[found.Kind] == want {
		return nil
	}
	if found.Kind == kindSnarkJSProof && want == kindProof {
		return fault.New(fault.InvalidRequest, "%s: this is a %s, whose public inputs are in another file: give that with --public", name, found.Kind)
	}
	for _, other := range likewise {
		if other == want {
			want = strings.TrimPrefix(want, "ZoKrates ")
			break
		}
	}
	switch found.Kind {
	case kindProgram, kindABI, kindProvingKey, kindVerifyingKey, kindProof, kindWitness,
		kindR1CS, kindWtns, kindZKey, kindPowers, kindSnarkJSProof, kindSnarkJSPublic, kindSnarkJSKey:
		return fault.New(fault.InvalidRequest, "%s: this is a %s, not a %s", name, found.Kind, want)
	}
	return nil
}

// readJSON reads a file of at most limit bytes that holds JSON of a kind.
func (e *env) readJSON(name string, limit int64, kind string) (json.RawMessage, error) {
	b, err := e.read(name, limit)
	if err != nil {
		return nil, err
	}
	s := io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
	if err := mistaken(name, s, kind); err != nil {
		return nil, err
	}
	var v json.RawMessage
	return b, notJSON(name, b, json.Unmarshal(b, &v))
}

// notJSON says where a text stops to be JSON.
func notJSON(name string, text []byte, err error) error {
	var at *json.SyntaxError
	if !errors.As(err, &at) {
		return err
	}
	before := text[:min(max(int(at.Offset)-1, 0), len(text))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return fault.New(fault.InvalidRequest, "%s:%d:%d: this isn't JSON: %v", name, line, column, err)
}
