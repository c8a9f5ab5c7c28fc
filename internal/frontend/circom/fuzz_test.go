package circom

import (
	"encoding/json"
	"math/big"
	"os"
	"testing"

	"provery/internal/curve/bn254"
	"provery/internal/frontend"
	"provery/internal/frontend/frontendtest"
)

// FuzzR1CS reads constraint systems.
func FuzzR1CS(f *testing.F) {
	for _, name := range []string{"tiny", "bus"} {
		f.Add(fixture(f, name)[RoleR1CS])
	}
	field := bn254.NewField()
	f.Fuzz(func(t *testing.T, b []byte) {
		file, h, err := openR1CS(sectionOf(b))
		if err != nil {
			return
		}
		if _, err := readLabels(file, h); err != nil {
			return
		}
		s, err := readSystem(t.Context(), field, file, h)
		if err != nil {
			return
		}
		if err := s.Validate(scalarBytes); err != nil {
			t.Errorf("an accepted file gives a broken system: %v", err)
		}
	})
}

// FuzzSym reads symbols for the constraint system of tiny, and builds an
// interface in which every signal that isn't an output is an input.
func FuzzSym(f *testing.F) {
	files := fixture(f, "tiny")
	f.Add(files[RoleSym])
	file, h, err := openR1CS(sectionOf(files[RoleR1CS]))
	if err != nil {
		f.Fatal(err)
	}
	labels, err := readLabels(file, h)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		sym, err := readSym(sectionOf(b), h, labels)
		if err != nil {
			return
		}
		sizes := map[uint64]int{}
		for _, g := range groups(sym.main) {
			sizes[hashName(g.name)] = len(g.paths)
		}
		a, wires, err := newABI(h, sym.main, func(hash uint64) (int, error) { return sizes[hash], nil })
		if err != nil {
			return
		}
		text, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseABI(text)
		if err != nil || leaves(again.Inputs) != len(wires) || leaves(again.Outputs) != h.Outputs {
			t.Errorf("the interface %s doesn't survive: %v", text, err)
		}
	})
}

// FuzzWitness reads witness files of tiny.
func FuzzWitness(f *testing.F) {
	b, err := os.ReadFile("../../../testdata/circom/bn128/tiny.wtns")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	p, err := New(Config{}).Import(f.Context(), frontendtest.Artefacts(fixture(f, "tiny")))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = p.(frontend.WitnessFiles).ReadWitness(t.Context(), sectionOf(b))
	})
}

// FuzzArguments reads arguments: accepted ones give each leaf one value below
// the field's order.
func FuzzArguments(f *testing.F) {
	f.Add([]byte(tinyArguments), false)
	f.Add([]byte(`{"secret":[[-1,0,"0x10"],["4","5","6"]],"limit":["91"]}`), true)
	f.Add([]byte(`{"secret":[1,2,3,4,5,6],"limit":"7"}`), true)
	p, err := New(Config{}).Import(f.Context(), frontendtest.Artefacts(fixture(f, "tiny")))
	if err != nil {
		f.Fatal(err)
	}
	a, err := parseABI(p.ABI())
	if err != nil {
		f.Fatal(err)
	}
	params := bn254.NewField().Params()
	f.Fuzz(func(t *testing.T, b []byte, reduce bool) {
		seen := make([]int, leaves(a.Inputs))
		err := a.readArguments(b, params, reduce, func(leaf int, v *big.Int) {
			seen[leaf]++
			if v.Sign() < 0 || v.Cmp(params.ScalarModulus) >= 0 {
				t.Error("a value outside of the field")
			}
		})
		if err != nil {
			return
		}
		for leaf, n := range seen {
			if n != 1 {
				t.Errorf("leaf %d is set %d times", leaf, n)
			}
		}
	})
}
