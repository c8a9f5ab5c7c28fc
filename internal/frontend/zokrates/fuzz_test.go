package zokrates

import (
	"bytes"
	"encoding/json"
	"math/big"
	"testing"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend"
)

// checkCode fails for an error that isn't one of the codes.
func checkCode(t *testing.T, err error, codes ...fault.Code) {
	t.Helper()
	for _, code := range codes {
		if fault.Is(err, code) {
			return
		}
	}
	t.Errorf("got error %v of code %v", err, fault.CodeOf(err))
}

// Inputs here are kilobytes, which go test minimizes slowly: run the targets
// with -fuzzminimizetime=10x.

// FuzzProgram imports a program, and solves its samples if that works.
func FuzzProgram(f *testing.F) {
	for _, fx := range allFixtures(f) {
		if b := fx.file(f, "out"); len(b) < 1<<13 {
			f.Add(b)
		}
	}
	f.Add(simple(f).bytes())
	f.Fuzz(func(t *testing.T, program []byte) {
		p, err := New().Import(t.Context(), artefacts(program, nil))
		if err != nil {
			checkCode(t, err, fault.InvalidArtifact, fault.Unsupported)
			return
		}
		for _, arguments := range p.Samples() {
			_, err := p.Solve(t.Context(), arguments, frontend.SolveOptions{Logs: true})
			if err != nil {
				checkCode(t, err, fault.UnsatisfiedWitness, fault.InvalidArtifact, fault.TooLarge)
			}
		}
		var file bytes.Buffer
		if err := p.WriteFile(&file); err != nil {
			t.Fatal(err)
		}
		if _, err := New().Open(file.Bytes()); err != nil {
			t.Errorf("Open of what was imported: %v", err)
		}
	})
}

// FuzzCompact opens a damaged compact file and solves with it.
func FuzzCompact(f *testing.F) {
	for _, name := range []string{"mul", "asmdir", "logs", "assertmsg"} {
		var file bytes.Buffer
		if err := mustImport(f, findFixture(f, name, "bn128").artefacts(f)).WriteFile(&file); err != nil {
			f.Fatal(err)
		}
		f.Add(file.Bytes())
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		p, err := New().Open(bytes.Clone(file)) // aligned
		if err != nil {
			checkCode(t, err, fault.InvalidArtifact, fault.Unsupported)
			return
		}
		for _, arguments := range p.Samples() {
			_, _ = p.Solve(t.Context(), arguments, frontend.SolveOptions{Logs: true})
		}
	})
}

// FuzzABI parses an ABI and, if it is good, its own samples.
func FuzzABI(f *testing.F) {
	for _, fx := range allFixtures(f) {
		f.Add(fx.file(f, "abi.json"))
	}
	params, err := paramsOf(curve.BN128)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := parseABI(text)
		if err != nil {
			checkCode(t, err, fault.InvalidArtifact)
			return
		}
		if a.inputs.nodes > 1<<16 {
			return
		}
		one := big.NewInt(1)
		sample, err := a.inputs.appendValue(nil, func() *big.Int { return one })
		if err != nil {
			t.Fatal(err)
		}
		leaves := 0
		if err := a.readArguments(sample, params, false, func(int, *big.Int) { leaves++ }); err != nil || leaves != a.inputs.leaves {
			t.Errorf("sample %s: %d leaves, want %d, %v", sample, leaves, a.inputs.leaves, err)
		}
	})
}

// FuzzArguments reads arguments of a program of many types.
func FuzzArguments(f *testing.F) {
	for _, fx := range allFixtures(f) {
		f.Add([]byte(fx.args), false)
	}
	f.Add([]byte(`{"q":{"hi":1,"p":{"xs":["0x1","2"],"tag":3,"on":false}}}`), true)
	a, err := parseABI(findFixture(f, "mixed", "bn128").file(f, "abi.json"))
	if err != nil {
		f.Fatal(err)
	}
	params, err := paramsOf(curve.BN128)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte, reduce bool) {
		values := make([]*big.Int, a.inputs.leaves)
		err := a.readArguments(json.RawMessage(text), params, reduce, func(leaf int, v *big.Int) {
			if values[leaf] != nil || v.Sign() < 0 || v.Cmp(params.ScalarModulus) >= 0 {
				t.Errorf("leaf %d is given twice or out of range", leaf)
			}
			values[leaf] = new(big.Int).Set(v)
		})
		if err != nil {
			checkCode(t, err, fault.InvalidRequest)
			return
		}
		for leaf, v := range values {
			if v == nil {
				t.Errorf("leaf %d isn't given", leaf)
			}
		}
	})
}

// FuzzWitnessFile reads a witness file on every curve.
func FuzzWitnessFile(f *testing.F) {
	for _, fx := range allFixtures(f) {
		if b := fx.file(f, "witness"); len(b) < 1<<14 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, id := range curve.All() {
			w, err := ReadWitness(sectionReader(file), id)
			if err != nil {
				checkCode(t, err, fault.InvalidArtifact)
				continue
			}
			for i := range w.Len() {
				if id, v := w.At(i); v == nil {
					t.Errorf("variable %d has no value", id)
				}
			}
		}
	})
}
