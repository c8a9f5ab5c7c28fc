package curvetest

import (
	"slices"
	"testing"

	"provery/internal/curve"
)

func testVectors[S any](t *testing.T, f curve.Field[S]) {
	t.Parallel()
	for _, n := range []int{0, 1, 3, 15, 16, 17, 100} {
		rnd := random(t)
		a, b := scalars(t, f, rnd, n), scalars(t, f, rnd, n)
		slices.Reverse(b)
		c := scalars(t, f, rnd, 9)[8]
		elementwise(t, f, "MulVec", a, b, f.MulVec, f.Mul)
		elementwise(t, f, "SubVec", a, b, f.SubVec, f.Sub)
		elementwise(t, f, "AddVec", a, b, f.AddVec, f.Add)
		elementwise(t, f, "ScaleVec", a, b,
			func(dst, a, _ []S) { f.ScaleVec(dst, a, &c) },
			func(dst, a, _ *S) { f.Mul(dst, a, &c) })
		elementwise(t, f, "InvertVec", a, b,
			func(dst, a, _ []S) { copy(dst, a); f.InvertVec(dst) },
			func(dst, a, _ *S) { f.Inverse(dst, a) })
		testPowers(t, f, n, c)
		testGather(t, f, a)
	}
}

// elementwise compares a vector operation with the same on each element, into
// a new vector and in place of either operand.
func elementwise[S any](t *testing.T, f curve.Field[S], name string, a, b []S, vec func(dst, a, b []S), each func(dst, a, b *S)) {
	t.Helper()
	want := make([]S, len(a))
	for i := range a {
		each(&want[i], &a[i], &b[i])
	}
	out, first, second := make([]S, len(a)), slices.Clone(a), slices.Clone(b)
	vec(out, a, b)
	vec(first, first, b)
	vec(second, a, second)
	for _, got := range [][]S{out, first, second} {
		same(t, f, name, got, want)
	}
}

func same[S any](t *testing.T, f curve.Field[S], name string, got, want []S) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: got %d values, want %d", name, len(got), len(want))
	}
	for i := range got {
		if !f.Equal(&got[i], &want[i]) {
			t.Fatalf("%s of %d: element %d: got %v, want %v", name, len(want), i, value(f, &got[i]), value(f, &want[i]))
		}
	}
}

func testPowers[S any](t *testing.T, f curve.Field[S], n int, ratio S) {
	t.Helper()
	var first S
	f.SetUint64(&first, 5)
	want := make([]S, n)
	x := first
	for i := range want {
		want[i] = x
		f.Mul(&x, &x, &ratio)
	}
	got := make([]S, n)
	f.Powers(got, &first, &ratio)
	same(t, f, "Powers", got, want)
}

func testGather[S any](t *testing.T, f curve.Field[S], a []S) {
	t.Helper()
	index := make([]uint32, len(a))
	want := make([]S, len(a))
	for i := range a {
		k := i * 7 % len(a)
		index[i], want[i] = uint32(k), a[k]
	}
	got := make([]S, len(a))
	f.Gather(got, a, index)
	same(t, f, "Gather", got, want)
}

func testCombine[S any](t *testing.T, f curve.Field[S]) {
	t.Parallel()
	rnd := random(t)
	z := scalars(t, f, rnd, 40)
	table := append(make([]S, 2), scalars(t, f, rnd, 30)...)
	f.SetUint64(&table[0], 1)
	f.Neg(&table[1], &table[0])
	m := curve.Sparse{Start: []uint32{0}}
	for row := range 60 {
		for range row % 13 {
			m.Columns = append(m.Columns, uint32(rnd.IntN(len(z))))
			m.Coef16 = append(m.Coef16, uint16(rnd.IntN(len(table))))
		}
		m.Start = append(m.Start, uint32(len(m.Columns)))
	}
	want := make([]S, m.NumRows())
	for i := range want {
		for k := m.Start[i]; k < m.Start[i+1]; k++ {
			var term S
			f.Mul(&term, &table[m.Coef(int(k))], &z[m.Columns[k]])
			f.Add(&want[i], &want[i], &term)
		}
	}
	wide := curve.Sparse{Start: m.Start, Columns: m.Columns}
	for _, c := range m.Coef16 {
		wide.Coef32 = append(wide.Coef32, uint32(c))
	}
	for _, matrix := range []*curve.Sparse{&m, &wide} {
		for _, span := range [][2]int{{0, len(want)}, {7, 8}, {5, 5}, {31, len(want)}} {
			got := scalars(t, f, rnd, span[1]-span[0]) // filled, to see that sums start at 0
			f.Combine(got, matrix, span[0], span[1], table, z)
			same(t, f, "Combine", got, want[span[0]:span[1]])
		}
	}
}

// testAllocations must not run in parallel with other tests.
func testAllocations[S any](t *testing.T, f curve.Field[S]) {
	z, table := scalars(t, f, random(t), 40), make([]S, 40)
	copy(table, z)
	m := curve.Sparse{Start: []uint32{0, 40}, Columns: make([]uint32, 40), Coef16: make([]uint16, 40)}
	for i := range m.Columns {
		m.Columns[i], m.Coef16[i] = uint32(i), uint16(39-i)
	}
	dst := make([]S, 1)
	if n := testing.AllocsPerRun(3, func() { f.Combine(dst, &m, 0, 1, table, z) }); n != 0 {
		t.Errorf("Combine: got %v allocations, want none", n)
	}
}
