package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"

	"provery/internal/ceremony"
	"provery/internal/fault"
	"provery/internal/frontend/circom"
	"provery/internal/ptau"
)

// inspectIden3 says what a file of Circom or snarkjs is.
func inspectIden3(s *io.SectionReader, kind string) (*finding, error) {
	switch kind {
	case "r1cs":
		return inspectR1CS(s)
	case "wtns":
		return inspectWtns(s)
	case "ptau":
		return inspectPowers(s)
	}
	return inspectZKey(s)
}

func inspectR1CS(s *io.SectionReader) (*finding, error) {
	h, err := circom.DescribeR1CS(s)
	if err != nil {
		return nil, err
	}
	f := &finding{Kind: kindR1CS, Curve: h.Curve.String()}
	f.count("constraints", int64(h.Constraints))
	f.count("wires", int64(h.Wires))
	f.count("outputs", int64(h.Outputs))
	f.count("public inputs", int64(h.PublicInputs))
	f.count("private inputs", int64(h.PrivateInputs))
	f.count("signals", int64(h.Labels)-1)
	power := 1
	for 1<<power < h.Constraints+h.Outputs+h.PublicInputs+1 {
		power++
	}
	f.Notes = []string{fmt.Sprintf("a ceremony for it needs powers of tau for 2^%d points or more", power)}
	return f, nil
}

func inspectWtns(s *io.SectionReader) (*finding, error) {
	id, values, err := circom.DescribeWitness(s)
	if err != nil {
		return nil, err
	}
	f := &finding{Kind: kindWtns, Curve: id.String(), Notes: []string{private}}
	f.count("values", int64(values))
	return f, nil
}

func inspectPowers(s *io.SectionReader) (*finding, error) {
	info, err := ptau.Describe(s, s.Size())
	if err != nil {
		return nil, err
	}
	f := &finding{Kind: kindPowers, Curve: info.Curve.String()}
	f.count("power", int64(info.Power))
	f.count("ceremony's power", int64(info.Ceremony))
	f.count("contributions", int64(info.Contributions))
	f.Notes = []string{fmt.Sprintf("for circuits of less than 2^%d constraints and public values together", info.Power)}
	if !info.Prepared {
		f.Notes = append(f.Notes, "not prepared for keys: run 'snarkjs powersoftau prepare phase2' on it")
	}
	f.Notes = append(f.Notes, "'snarkjs powersoftau verify' checks its contributions; 'provery ceremony new' and 'verify' check the powers")
	return f, nil
}

// inspectZKey lists a key's contributions as the file does.
func inspectZKey(s *io.SectionReader) (*finding, error) {
	d, err := ceremony.Describe(context.Background(), s) // a short list
	if fault.Is(err, fault.Unsupported) {
		return &finding{Kind: kindZKey, Notes: []string{err.Error()}}, nil
	}
	if err != nil {
		return nil, err
	}
	f := &finding{Kind: kindZKey, Curve: d.Curve.String(), Scheme: "groth16", Layout: "snarkjs", Circuit: hex.EncodeToString(d.Circuit[:])}
	f.count("public inputs", int64(d.Public))
	f.count("variables", int64(d.Variables))
	f.count("domain", int64(d.Domain))
	f.Contributions = contributionsOf(&d.Report)
	f.count("contributions", int64(len(f.Contributions)))
	if d.Open() {
		f.Notes = append(f.Notes, nobody)
	}
	f.Notes = append(f.Notes, "all as the file says: 'provery ceremony verify' checks it")
	return f, nil
}

// maxSymbolLine bounds the lines of a symbol table.
const maxSymbolLine = 64 << 10

// symbolLine is how a symbol table begins: label, wire, component, name.
var symbolLine = regexp.MustCompile(`^1,(-1|[0-9]+),[0-9]+,[A-Za-z_$]`)

func inspectSymbols(s *io.SectionReader) (*finding, error) {
	in := bufio.NewScanner(s)
	in.Buffer(nil, maxSymbolLine)
	var signals, gone int64
	for in.Scan() {
		fields := bytes.SplitN(in.Bytes(), []byte(","), 4)
		if len(fields) < 4 {
			return nil, fault.New(fault.InvalidArtifact, "line %d of the symbol table doesn't have its four parts", signals+1)
		}
		signals++
		if string(fields[1]) == "-1" {
			gone++
		}
	}
	if err := in.Err(); err != nil {
		return nil, fault.New(fault.InvalidArtifact, "read symbol table: %v", err)
	}
	f := &finding{Kind: kindSymbols}
	f.count("signals", signals)
	f.count("without a wire", gone)
	return f, nil
}
