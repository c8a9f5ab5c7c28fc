package circom

import (
	"bytes"
	"context"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"provery/internal/curve"
	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/divert"
	"provery/internal/fault"
	"provery/internal/frontend/frontendtest"
	"provery/internal/wasmcode"
)

// inversion is a call of a calculator's function.
type inversion struct {
	x, m          []byte
	xAt, mAt, out uint32
}

// calculators are one that leaves inverses to the host where it can, and one in
// which its own code makes them all.
type calculators struct {
	field          string
	order          *big.Int
	diverted, pure *calculator
	taken          int // calls that the host did
}

const exportedInverse = "inverse"

func newCalculators[S any](t testing.TB, folder string, f curve.Field[S]) *calculators {
	t.Helper()
	p := f.Params()
	wasm, err := os.ReadFile(filepath.Join("../../../testdata/circom", folder, "tiny.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	wasm = exporting(t, wasm)
	c := &calculators{field: folder, order: p.ScalarModulus}
	h := newHost(Config{Limits: Limits{Time: time.Minute}})
	invert := inverter(f)
	c.diverted = &calculator{wasm: wasm, host: h, invert: func(dst, src, m []byte) bool {
		done := invert(dst, src, m)
		if done {
			c.taken++
		}
		return done
	}}
	c.pure = &calculator{wasm: wasm, host: h, invert: func(_, _, _ []byte) bool { return false }}
	t.Cleanup(func() {
		for _, own := range []*calculator{c.diverted, c.pure} {
			if err := own.close(); err != nil {
				t.Error(err)
			}
		}
	})
	return c
}

// exporting exports the function that inverts.
func exporting(t testing.TB, wasm []byte) []byte {
	t.Helper()
	sections, ok := wasmcode.Sections(wasm)
	if !ok {
		t.Fatal("not a module")
	}
	const imported = 4
	index := slices.Index(divert.Digests(wasm), inverses.Digest)
	if index < 0 {
		t.Fatal("the calculator has another function for inverses: Circom has changed it")
	}
	entry := wasmcode.AppendULEB(append(text(exportedInverse), wasmcode.KindFunction), uint32(index+imported))
	out := []byte(wasmcode.Header)
	for _, s := range sections {
		if s.ID == wasmcode.SectionExport {
			r := &wasmcode.Reader{Bytes: s.Body}
			n := r.U32()
			s.Body = slices.Concat(wasmcode.AppendULEB(nil, n+1), s.Body[r.Pos:], entry)
		}
		out = wasmcode.AppendSection(out, s.ID, s.Body)
	}
	return out
}

// call returns the memory after the call, without the function's variables, and
// whether the call crashed.
func (c *calculator) call(ctx context.Context, in inversion) (memory []byte, crashed bool, err error) {
	err = c.use(ctx, func(ctx context.Context, r *run) error {
		r.memory.Write(in.xAt, in.x) // those outside aren't written
		r.memory.Write(in.mAt, in.m)
		_, failed := r.call(ctx, exportedInverse, in.xAt, in.mAt, in.out)
		if crashed = failed != nil; crashed && ctx.Err() != nil {
			return ctx.Err()
		}
		all, _ := r.memory.Read(0, r.memory.Size())
		memory = slices.Clone(all)
		const variables = 160 // where they begin
		clear(memory[variables:inverseScratch])
		return nil
	})
	return memory, crashed, err
}

// check calls both, and reports whether the host did it, and the result.
func (c *calculators) check(t *testing.T, in inversion) (taken bool, result []byte) {
	t.Helper()
	before := c.taken
	got, crashed, err := c.diverted.call(t.Context(), in)
	want, crashes, err2 := c.pure.call(t.Context(), in)
	if err != nil || err2 != nil {
		t.Fatalf("%+v: %v, %v", in, err, err2)
	}
	if crashed != crashes || !bytes.Equal(got, want) {
		t.Errorf("%s: %+v: the results differ", c.field, in)
	}
	if !crashed {
		result = got[in.out:][:scalarBytes]
	}
	return c.taken > before, result
}

func littleEndian(v *big.Int) []byte {
	b := make([]byte, scalarBytes)
	putLittleEndian(b, v)
	return b
}

// TestInverse compares the host's inverses with those that the calculator's own
// code makes, and with math/big.
func TestInverse(t *testing.T) {
	t.Parallel()
	for _, c := range []*calculators{newCalculators(t, "bn128", bn254.NewField()), newCalculators(t, "bls12381", bls12381.NewField())} {
		t.Run(c.field, func(t *testing.T) {
			t.Parallel()
			c.testValues(t)
			c.testPlaces(t)
		})
	}
}

func (c *calculators) testValues(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	one := big.NewInt(1)
	all := new(big.Int).Sub(new(big.Int).Lsh(one, 256), one)
	values := []*big.Int{
		new(big.Int), one, big.NewInt(2), big.NewInt(1<<32 - 1), new(big.Int).Lsh(one, 128), new(big.Int).Rsh(c.order, 1),
		new(big.Int).Sub(c.order, one), c.order, new(big.Int).Add(c.order, one), all,
	}
	for range 50 {
		b := make([]byte, random.IntN(scalarBytes)+1)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		v := new(big.Int).SetBytes(b)
		values = append(values, v, new(big.Int).Mod(v, c.order))
	}
	for _, v := range values {
		taken, result := c.check(t, inversion{littleEndian(v), littleEndian(c.order), 8000, 608, 9000})
		below := v.Cmp(c.order) < 0
		if taken != below {
			t.Errorf("%v: the host did it: %v", v, taken)
		}
		want := new(big.Int)
		if v.Sign() != 0 {
			want.ModInverse(v, c.order)
		}
		if below && !bytes.Equal(result, littleEndian(want)) {
			t.Errorf("%v: got % x", v, result)
		}
	}
}

// testPlaces calls the function where its numbers lie in each other, in its
// variables, and at and beyond the end of the memory.
func (c *calculators) testPlaces(t *testing.T) {
	const end = 11 << 16 // of the memory
	x := littleEndian(big.NewInt(0x123456789))
	order, other := littleEndian(c.order), littleEndian(new(big.Int).Sub(c.order, big.NewInt(2)))
	for _, tc := range []struct {
		name  string
		in    inversion
		taken bool
	}{
		{"in place", inversion{x, order, 8000, 608, 8000}, true},
		{"result within x", inversion{x, order, 8000, 608, 8008}, true},
		{"unaligned", inversion{x, order, 8001, 9003, 10005}, true},
		{"at the end", inversion{x, order, 8000, 608, end - scalarBytes}, true},
		{"result over the end", inversion{x, order, 8000, 608, end - scalarBytes + 1}, false},
		{"result far outside", inversion{x, order, 8000, 608, 1<<32 - 1}, false},
		{"x outside", inversion{x, order, end, 608, 9000}, false},
		{"modulus outside", inversion{x, order, 8000, 1<<32 - 8, 9000}, false},
		{"result on the modulus", inversion{x, order, 8000, 9000, 9000}, false},
		{"result within the modulus", inversion{x, order, 8000, 9000, 9016}, false},
		{"result before the modulus", inversion{x, order, 8000, 9000, 8999}, false},
		{"result among the variables", inversion{x, order, 8000, 608, 512}, false},
		{"result at address 0", inversion{x, order, 8000, 608, 0}, false},
		{"x among the variables", inversion{x, order, 416, 608, 9000}, false},
		{"another modulus", inversion{x, other, 8000, 9000, 10000}, false},
	} {
		if taken, _ := c.check(t, tc.in); taken != tc.taken {
			t.Errorf("%s: the host did it: %v", tc.name, taken)
		}
	}
}

// FuzzInverse compares the two for any numbers at any places.
func FuzzInverse(f *testing.F) {
	c := newCalculators(f, "bn128", bn254.NewField())
	order := littleEndian(c.order)
	f.Add([]byte{5}, []byte{}, uint32(8000), uint32(608), uint32(9000))
	f.Add(order, order, uint32(8000), uint32(8020), uint32(7990))
	f.Fuzz(func(t *testing.T, x, m []byte, xAt, mAt, out uint32) {
		in := inversion{make([]byte, scalarBytes), bytes.Clone(order), xAt, mAt, out}
		copy(in.x, x)
		copy(in.m, m)
		c.check(t, in)
	})
}

// TestImportOfInverse refuses a calculator that imports the host's function by
// itself.
func TestImportOfInverse(t *testing.T) {
	t.Parallel()
	files := fixture(t, "tiny")
	files[RoleWasm] = bytes.Replace(files[RoleWasm], []byte("\x07runtime\x11printErrorMessage"), []byte("\x07provery\x11printErrorMessage"), 1)
	if bytes.Equal(files[RoleWasm], fixture(t, "tiny")[RoleWasm]) {
		t.Fatal("the calculator has changed")
	}
	if _, err := New(Config{}).Import(t.Context(), frontendtest.Artefacts(files)); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("got %v", err)
	}
}
