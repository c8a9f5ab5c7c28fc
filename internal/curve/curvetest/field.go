package curvetest

import (
	"bytes"
	"io"
	"math/big"
	"strings"
	"testing"

	"provery/internal/curve"
	"provery/internal/fault"
)

func testField[S any](t *testing.T, f curve.Field[S]) {
	t.Parallel()
	v := scalars(t, f, random(t), 24)
	r := f.Params().ScalarModulus
	mod := func(x *big.Int) *big.Int { return x.Mod(x, r) }
	binary := map[string]struct {
		got  func(dst, a, b *S)
		want func(a, b *big.Int) *big.Int
	}{
		"Add": {f.Add, func(a, b *big.Int) *big.Int { return mod(new(big.Int).Add(a, b)) }},
		"Sub": {f.Sub, func(a, b *big.Int) *big.Int { return mod(new(big.Int).Sub(a, b)) }},
		"Mul": {f.Mul, func(a, b *big.Int) *big.Int { return mod(new(big.Int).Mul(a, b)) }},
	}
	for name, op := range binary {
		for _, a := range v {
			for _, b := range v {
				want := op.want(value(f, &a), value(f, &b))
				var out S
				first, second := a, b
				op.got(&out, &a, &b)
				op.got(&first, &first, &b)
				op.got(&second, &a, &second)
				for _, got := range []*S{&out, &first, &second} {
					if value(f, got).Cmp(want) != 0 {
						t.Fatalf("%s(%v, %v): got %v, want %v", name, value(f, &a), value(f, &b), value(f, got), want)
					}
				}
			}
			want := op.want(value(f, &a), value(f, &a))
			both := a
			if op.got(&both, &both, &both); value(f, &both).Cmp(want) != 0 {
				t.Fatalf("%s in place: got %v, want %v", name, value(f, &both), want)
			}
		}
	}
	for _, a := range v {
		testUnary(t, f, a)
	}
}

func testUnary[S any](t *testing.T, f curve.Field[S], a S) {
	t.Helper()
	r, x := f.Params().ScalarModulus, value(f, &a)
	inverse := new(big.Int)
	if x.Sign() != 0 {
		inverse.ModInverse(x, r)
	}
	e := big.NewInt(65537)
	for _, tc := range []struct {
		name string
		op   func(dst, a *S)
		want *big.Int
	}{
		{"Neg", f.Neg, new(big.Int).Mod(new(big.Int).Neg(x), r)},
		{"Inverse", f.Inverse, inverse},
		{"Exp", func(dst, a *S) { f.Exp(dst, a, e) }, new(big.Int).Exp(x, e, r)},
		{"Exp 0", func(dst, a *S) { f.Exp(dst, a, new(big.Int)) }, big.NewInt(1)},
	} {
		var out S
		alias := a
		tc.op(&out, &a)
		tc.op(&alias, &alias)
		if value(f, &out).Cmp(tc.want) != 0 || !f.Equal(&out, &alias) {
			t.Errorf("%s(%v): got %v and, in place, %v, want %v", tc.name, x, value(f, &out), value(f, &alias), tc.want)
		}
	}
	if got, want := f.IsZero(&a), x.Sign() == 0; got != want {
		t.Errorf("IsZero(%v): got %v", x, got)
	}
	if got, want := f.IsOne(&a), x.Cmp(big.NewInt(1)) == 0; got != want {
		t.Errorf("IsOne(%v): got %v", x, got)
	}
	again := fromBig(f, new(big.Int).Sub(x, r))
	if !f.Equal(&a, &again) {
		t.Errorf("SetBig(%v - r): got %v", x, value(f, &again))
	}
	if x.IsUint64() {
		f.SetUint64(&again, x.Uint64())
		if !f.Equal(&a, &again) {
			t.Errorf("SetUint64(%v): got %v", x, value(f, &again))
		}
	}
	testBits(t, f, a)
}

func testBits[S any](t *testing.T, f curve.Field[S], a S) {
	t.Helper()
	x := value(f, &a)
	for _, n := range []int{0, 1, 8, 63, 64, 65, f.Params().ScalarBits, 400} {
		bits := scalars(t, f, random(t), n) // filled, to see that all are set
		f.Bits(bits, &a)
		for i := range bits {
			if want := int64(x.Bit(n - 1 - i)); value(f, &bits[i]).Cmp(big.NewInt(want)) != 0 {
				t.Fatalf("bit %d of %d of %v: got %v, want %d", i, n, x, value(f, &bits[i]), want)
			}
		}
	}
}

func testScalarEncoding[S any](t *testing.T, f curve.Field[S]) {
	t.Parallel()
	size := f.Params().ScalarBytes
	v := scalars(t, f, random(t), 20)
	b := make([]byte, len(v)*size)
	f.Encode(b, v)
	for i := range v {
		if got := littleEndian(b[i*size : (i+1)*size]); got.Cmp(value(f, &v[i])) != 0 {
			t.Errorf("Encode: got %v, want %v", got, value(f, &v[i]))
		}
	}
	back := make([]S, len(v))
	if err := f.Decode(back, b); err != nil {
		t.Fatal(err)
	}
	for i := range v {
		if !f.Equal(&v[i], &back[i]) {
			t.Errorf("Decode: value %d differs", i)
		}
	}
	for name, bad := range map[string][]byte{
		"short": b[:len(b)-1], "long": append(bytes.Clone(b), 0), "empty": nil,
		"r":   append(bytes.Clone(b[:len(b)-size]), fixed(f.Params().ScalarModulus, size)...),
		"max": append(bytes.Clone(b[:len(b)-size]), bytes.Repeat([]byte{0xff}, size)...),
	} {
		if err := f.Decode(back, bad); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("Decode of %s: got %v, want invalid_artifact", name, err)
		}
	}
	testMemory(t, v, f.Memory, f.FromMemory)
	if err := f.Random(back, io.LimitReader(strings.NewReader("short"), 5)); err == nil {
		t.Error("Random from an exhausted source: got no error")
	}
}

// testMemory checks a pair of Memory and FromMemory.
func testMemory[T any](t *testing.T, v []T, memory func([]T) []byte, from func([]byte) ([]T, error)) {
	t.Helper()
	b := memory(v)
	view, err := from(b)
	if err != nil {
		t.Fatal(err)
	}
	if len(view) != len(v) || &view[0] != &v[0] {
		t.Error("FromMemory doesn't view the same storage")
	}
	if empty, err := from(nil); err != nil || len(empty) != 0 {
		t.Errorf("FromMemory of nothing: got %v, %v", empty, err)
	}
	for name, bad := range map[string][]byte{"part": b[:len(b)-8], "unaligned": b[1 : 1+len(b)/len(v)]} {
		if _, err := from(bad); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("FromMemory of %s: got %v, want invalid_artifact", name, err)
		}
	}
}

// littleEndian returns the value of b.
func littleEndian(b []byte) *big.Int {
	r := bytes.Clone(b)
	reverse(r)
	return new(big.Int).SetBytes(r)
}

// fixed returns x in size bytes, little-endian.
func fixed(x *big.Int, size int) []byte {
	b := x.FillBytes(make([]byte, size))
	reverse(b)
	return b
}

func reverse(b []byte) {
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
}
