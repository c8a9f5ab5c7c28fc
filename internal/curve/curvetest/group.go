package curvetest

import (
	"bytes"
	"context"
	"errors"
	"math/big"
	"testing"

	"provery/internal/curve"
	"provery/internal/fault"
)

func testGroup[S, A any](t *testing.T, f curve.Field[S], g curve.Group[S, A], outside []A, size int) {
	t.Run("Law", func(t *testing.T) { testLaw(t, f, g) })
	t.Run("MulEach", func(t *testing.T) { testMulEach(t, f, g) })
	t.Run("Combine", func(t *testing.T) { testCombinePoints(t, f, g) })
	t.Run("MSM", func(t *testing.T) { testMSM(t, f, g) })
	t.Run("Encoding", func(t *testing.T) { testPointEncoding(t, f, g, size) })
	t.Run("Check", func(t *testing.T) { testCheck(t, f, g, outside) })
}

// multiply returns k·a by double-and-add.
func multiply[S, A any](g curve.Group[S, A], a A, k *big.Int) A {
	sum := g.Infinity()
	for i := k.BitLen() - 1; i >= 0; i-- {
		sum = g.Add(&sum, &sum)
		if k.Bit(i) == 1 {
			sum = g.Add(&sum, &a)
		}
	}
	return sum
}

// points returns small multiples of the generator: 1 to n.
func points[S, A any](g curve.Group[S, A], n int) []A {
	out := make([]A, n)
	p, gen := g.Infinity(), g.Generator()
	for i := range out {
		p = g.Add(&p, &gen)
		out[i] = p
	}
	return out
}

func testLaw[S, A any](t *testing.T, f curve.Field[S], g curve.Group[S, A]) {
	t.Parallel()
	p, inf := points(g, 6), g.Infinity()
	expect := func(name string, got, want A) {
		t.Helper()
		if !g.Equal(&got, &want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	neg := g.Neg(&p[2])
	expect("2+3", g.Add(&p[1], &p[2]), p[4])
	expect("3+2", g.Add(&p[2], &p[1]), p[4])
	expect("2+2", g.Add(&p[1], &p[1]), p[3])
	expect("3+(-3)", g.Add(&p[2], &neg), inf)
	expect("5+(-3)", g.Add(&p[4], &neg), p[1])
	expect("3+0", g.Add(&p[2], &inf), p[2])
	expect("0+3", g.Add(&inf, &p[2]), p[2])
	expect("0+0", g.Add(&inf, &inf), inf)
	expect("-0", g.Neg(&inf), inf)
	if !g.IsInfinity(&inf) || g.IsInfinity(&p[0]) || g.Equal(&p[0], &neg) {
		t.Error("infinity isn't told from other points")
	}
	expect("r", multiply(g, p[0], f.Params().ScalarModulus), inf)
	for _, k := range scalars(t, f, random(t), 16) {
		expect("Mul", g.Mul(&p[4], &k), multiply(g, p[4], value(f, &k)))
		expect("Mul of infinity", g.Mul(&inf, &k), inf)
	}
}

func testMulEach[S, A any](t *testing.T, f curve.Field[S], g curve.Group[S, A]) {
	t.Parallel()
	base := points(g, 3)[2]
	inf := g.Infinity()
	for _, n := range []int{0, 1, 20, 700} {
		k := scalars(t, f, random(t), n)
		for _, threads := range []int{1, 2} {
			got, err := g.MulEach(t.Context(), &base, k, threads)
			if err != nil || len(got) != n {
				t.Fatalf("got %d points, %v, want %d", len(got), err, n)
			}
			for i := 0; i < n; i += 1 + n/40 {
				if want := g.Mul(&base, &k[i]); !g.Equal(&got[i], &want) {
					t.Errorf("n=%d: element %d is wrong", n, i)
				}
			}
			if got, err = g.MulEach(t.Context(), &inf, k, threads); err != nil {
				t.Fatal(err)
			}
			for i := range got {
				if !g.IsInfinity(&got[i]) {
					t.Fatal("multiple of infinity isn't infinity")
				}
			}
		}
	}
	if _, err := g.MulEach(endsAfter(1), &base, scalars(t, f, random(t), 1200), 1); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
}

func testPointEncoding[S, A any](t *testing.T, f curve.Field[S], g curve.Group[S, A], size int) {
	t.Parallel()
	if g.Bytes() != size {
		t.Fatalf("got %d bytes a point, want %d", g.Bytes(), size)
	}
	p := append(points(g, 5), g.Infinity())
	neg := g.Neg(&p[3])
	p = append(p, neg)
	b := make([]byte, len(p)*size)
	g.Encode(b, p)
	back := points(g, len(p))
	if err := g.Decode(back, b); err != nil {
		t.Fatal(err)
	}
	for i := range p {
		if !g.Equal(&p[i], &back[i]) {
			t.Errorf("point %d: got %v, want %v", i, back[i], p[i])
		}
	}
	infinity := make([]byte, size)
	infinity[size/2], infinity[size-1] = 1, 0x40
	if got := b[5*size : 6*size]; !bytes.Equal(got, infinity) {
		t.Errorf("infinity: got %x, want %x", got, infinity)
	}
	testMemory(t, p, g.Memory, g.FromMemory)
	for name, bad := range badEncodings(f, b[:size], infinity) {
		if err := g.Decode(back[:1], bad); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("%s: got %v, want invalid_artifact", name, err)
		}
	}
}

// badEncodings returns encodings to refuse, made from that of a point and that
// of infinity.
func badEncodings[S any](f curve.Field[S], point, infinity []byte) map[string][]byte {
	width, p := f.Params().BaseBytes, f.Params().BaseModulus
	bad := map[string][]byte{
		"empty": nil, "short": point[:len(point)-1], "long": append(bytes.Clone(point), 0),
		"origin": make([]byte, len(point)),
	}
	for at := 0; at < len(point); at += width {
		x := new(big.Int).Add(p, littleEndian(point[at:at+width]))
		b := bytes.Clone(point)
		copy(b[at:], fixed(p, width))
		bad["coordinate p"+string(rune('0'+at/width))] = b
		if x.BitLen() <= 8*width {
			b = bytes.Clone(point)
			copy(b[at:], fixed(x, width))
			bad["coordinate plus p"+string(rune('0'+at/width))] = b
		}
	}
	for _, flags := range []byte{0x80, 0xc0} {
		b := bytes.Clone(point)
		b[len(b)-1] |= flags
		bad["flags on a point"+string(rune('0'+flags>>6))] = b
		b = bytes.Clone(infinity)
		b[len(b)-1] |= flags
		bad["flags on infinity"+string(rune('0'+flags>>6))] = b
	}
	b := bytes.Clone(point)
	b[len(b)-1] |= 0x40
	bad["infinity with coordinates"] = b
	b = bytes.Clone(infinity)
	b[0] = 1
	bad["infinity with x"] = b
	b = bytes.Clone(infinity)
	b[len(b)/2] = 0
	bad["infinity with y = 0"] = b
	b = bytes.Clone(point)
	b[width-1] |= 0x40
	bad["flag in x"] = b
	return bad
}

func testCheck[S, A any](t *testing.T, f curve.Field[S], g curve.Group[S, A], outside []A) {
	t.Parallel()
	ctx := context.Background()
	good := append(points(g, 700), g.Infinity())
	for _, threads := range []int{0, 1, 2} {
		if err := g.Check(ctx, good, threads); err != nil {
			t.Errorf("threads=%d: got %v for good points", threads, err)
		}
	}
	b := make([]byte, g.Bytes())
	g.Encode(b, good[:1])
	b[0] ^= 1
	bad := outside
	off := make([]A, 1)
	if err := g.Decode(off, b); err != nil {
		t.Fatal(err)
	}
	bad = append(bad, off[0])
	for i, p := range bad {
		if i < len(outside) {
			if rp := multiply(g, p, f.Params().ScalarModulus); g.IsInfinity(&rp) {
				t.Fatal("a point that should be outside of the subgroup has order r")
			}
		}
		for _, at := range []int{0, 300, 700} {
			v := append([]A{}, good...)
			v[at] = p
			if err := g.Check(ctx, v, 2); !fault.Is(err, fault.InvalidArtifact) {
				t.Errorf("bad point %d at %d: got %v, want invalid_artifact", i, at, err)
			}
		}
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if err := g.Check(canceled, good, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
}
