package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"provery/internal/container"
	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend/zokrates"
	"provery/internal/iden3"
	"provery/internal/scheme"
	"provery/internal/scheme/gm17"
	"provery/internal/scheme/groth16"
)

type inspectCommand struct {
	File string `arg:"" help:"File of ZoKrates, Circom or snarkjs."`
}

// finding is what a file turned out to be.
type finding struct {
	Kind    string           `json:"kind"`
	Curve   string           `json:"curve,omitempty"`
	Scheme  string           `json:"scheme,omitempty"`
	Layout  string           `json:"layout,omitempty"`
	Counts  map[string]int64 `json:"counts,omitempty"`
	Circuit string           `json:"circuit,omitempty"` // hash, of a key of a ceremony
	// Contributions are those of the ceremony that made a key.
	Contributions []listedContribution `json:"contributions,omitempty"`
	Notes         []string             `json:"notes,omitempty"`
	order         []string
}

func (f *finding) count(name string, n int64) {
	if f.Counts == nil {
		f.Counts = map[string]int64{}
	}
	f.Counts[name] = n
	f.order = append(f.order, name)
}

// Run says what the file is.
func (c *inspectCommand) Run(e *env) error {
	s, closeFile, err := section(c.File)
	if err != nil {
		return err
	}
	defer closeFile()
	f, err := inspect(s)
	if err != nil {
		return fault.Wrap(err, fault.InvalidArtifact, "%s", c.File)
	}
	return e.print(f, f.show)
}

func (f *finding) show(w io.Writer) {
	fmt.Fprintln(w, f.Kind)
	for _, line := range []struct{ name, value string }{{"curve", f.Curve}, {"scheme", f.Scheme}, {"layout", f.Layout}} {
		if line.value != "" {
			fmt.Fprintf(w, "  %-20s %s\n", line.name, line.value)
		}
	}
	for _, name := range f.order {
		fmt.Fprintf(w, "  %-20s %d\n", name, f.Counts[name])
	}
	if f.Circuit != "" {
		fmt.Fprintf(w, "  %-20s %s\n", "circuit hash", f.Circuit)
	}
	for _, c := range f.Contributions {
		fmt.Fprintf(w, "  contribution %d%s\n    %s\n", c.Number, c.title(), c.Hash)
	}
	for _, n := range f.Notes {
		fmt.Fprintln(w, "  note:", n)
	}
}

// inspect tries what a file may be, from what is certain to what is a guess.
func inspect(s *io.SectionReader) (*finding, error) {
	head := make([]byte, min(s.Size(), 256))
	if _, err := s.ReadAt(head, 0); err != nil && err != io.EOF {
		return nil, fault.New(fault.InvalidRequest, "read file: %v", err)
	}
	switch {
	case len(head) == 0:
		return nil, fault.New(fault.InvalidArtifact, "the file is empty")
	case zokrates.IsProgram(head):
		return inspectProgram(s)
	case container.KindOf(head) != "":
		return &finding{Kind: "Provery's own file of kind " + container.KindOf(head), Notes: []string{"made at registration; it isn't meant for exchange"}}, nil
	case iden3.KindOf(head) != "":
		return inspectIden3(s, iden3.KindOf(head))
	case symbolLine.Match(head):
		return inspectSymbols(s)
	case bytes.HasPrefix(head, []byte("\x00asm")):
		return &finding{Kind: kindWasm, Notes: []string{"perhaps the witness calculator of a Circom circuit"}}, nil
	case bytes.ContainsAny(firstOf(head), "{[\""):
		return inspectJSON(s)
	}
	if f := inspectKey(s); f != nil {
		return f, nil
	}
	if f := inspectWitness(s); f != nil {
		return f, nil
	}
	return nil, fault.New(fault.InvalidArtifact, "not a file that Provery knows: those of ZoKrates (compiled program, ABI, key, proof, witness), "+
		"of Circom (.r1cs, .wasm, .sym, .wtns) and of snarkjs (.zkey, .ptau, proof, verification key)")
}

// firstOf returns the first byte after white space.
func firstOf(head []byte) []byte {
	rest := bytes.TrimLeft(head, " \t\r\n")
	return rest[:min(len(rest), 1)]
}

func inspectProgram(s *io.SectionReader) (*finding, error) {
	h, err := zokrates.Describe(s)
	if err != nil {
		return nil, err
	}
	f := &finding{Kind: kindProgram, Curve: h.Curve.String()}
	f.count("constraints", int64(h.Constraints))
	f.count("outputs", int64(h.Outputs))
	f.count("bytes", s.Size())
	return f, nil
}

func inspectKey(s *io.SectionReader) *finding {
	id := scheme.Groth16
	k, err := groth16.DescribeProvingKey(s, s.Size())
	if err != nil {
		id = scheme.GM17
		if k, err = gm17.DescribeProvingKey(s, s.Size()); err != nil {
			return nil
		}
	}
	f := &finding{Kind: kindProvingKey, Curve: k.Curve.String(), Scheme: string(id), Layout: string(k.Layout)}
	f.count("public inputs", int64(k.NumPublic))
	if k.NumVariables > 0 {
		f.count("variables", int64(k.NumVariables))
	}
	f.count("domain", int64(k.Domain))
	f.Notes = []string{"told by the lengths inside of it; whether it fits a program, and is sound, registration checks"}
	return f
}

// private is what is to know of every witness.
const private = "PRIVATE: a witness holds the private arguments"

func inspectWitness(s *io.SectionReader) *finding {
	for _, id := range []curve.ID{curve.BN128, curve.BW6761} {
		w, err := zokrates.ReadWitness(s, id)
		if err != nil {
			continue
		}
		f := &finding{Kind: kindWitness}
		f.count("values", int64(w.Len()))
		f.count("word size", int64(w.WordSize))
		f.Notes = []string{private}
		return f
	}
	return nil
}

// maxInspectedJSON bounds what is read to look at a JSON file.
const maxInspectedJSON = 64 << 20

func inspectJSON(s *io.SectionReader) (*finding, error) {
	if s.Size() > maxInspectedJSON {
		return nil, fault.New(fault.TooLarge, "a JSON file of more than %d bytes", maxInspectedJSON)
	}
	b, err := io.ReadAll(s)
	if err != nil {
		return nil, fault.New(fault.InvalidRequest, "read file: %v", err)
	}
	var doc map[string]json.RawMessage
	if json.Unmarshal(b, &doc) != nil {
		if json.Valid(b) {
			return &finding{Kind: "JSON", Notes: []string{"perhaps the arguments or outputs of a program"}}, nil
		}
		return nil, fault.New(fault.InvalidArtifact, "the file begins like JSON, but isn't")
	}
	has := func(keys ...string) bool {
		for _, k := range keys {
			if _, ok := doc[k]; !ok {
				return false
			}
		}
		return true
	}
	f := &finding{Curve: text(doc["curve"]), Scheme: text(doc["scheme"])}
	switch {
	case has("scheme", "curve", "proof", "inputs"):
		f.Kind = kindProof
		f.count("public inputs", int64(length(doc["inputs"])))
	case has("scheme", "curve", "gamma_abc"):
		f.Kind = kindVerifyingKey
		f.count("public inputs", int64(length(doc["gamma_abc"])-1))
	case has("scheme", "curve", "query"):
		f.Kind = kindVerifyingKey
		f.count("public inputs", int64(length(doc["query"])-1))
	case has("inputs", "output"):
		f.Kind = kindABI
		f.count("arguments", int64(length(doc["inputs"])))
	case has("protocol", "pi_a"):
		f.Kind, f.Scheme = kindSnarkJSProof, text(doc["protocol"])
		f.Notes = []string{`its public inputs are in another file, public.json`}
	case has("protocol", "vk_alpha_1"):
		f.Kind, f.Scheme = kindSnarkJSKey, text(doc["protocol"])
		f.count("public inputs", int64(length(doc["IC"])-1))
	case has("proof", "public"), has("proof", "pub_signals"):
		f.Kind = kindSnarkJSPublic
		f.count("public inputs", int64(length(doc["public"])+length(doc["pub_signals"])))
	default:
		f.Kind = "JSON object"
		f.Notes = []string{"perhaps the arguments or outputs of a program"}
	}
	return f, nil
}

func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return strings.TrimSpace(s)
}

func length(raw json.RawMessage) int {
	var v []json.RawMessage
	if json.Unmarshal(raw, &v) != nil {
		return 0
	}
	return len(v)
}
