package curvetest

import (
	"context"
	"errors"
	"math/big"
	"testing"

	"provery/internal/curve"
	"provery/internal/fault"
)

// testCombinePoints compares Combine and Scale with double-and-add.
func testCombinePoints[S, A any](t *testing.T, f curve.Field[S], g curve.Group[S, A]) {
	t.Parallel()
	table := make([]S, 8)
	for i, v := range []int64{1, -1, 2, -3, 1 << 40, 0} {
		f.SetBig(&table[i], big.NewInt(v))
	}
	copy(table[6:], scalars(t, f, random(t), 2))
	bases := append(points(g, 700), g.Infinity())
	m := &curve.Sparse{Start: []uint32{0}}
	const rows = 140 // more than what is normalized at once
	for row := range rows {
		for k := range row % 4 {
			m.Columns = append(m.Columns, uint32((row*31+k*k)%len(bases)))
			m.Coef16 = append(m.Coef16, uint16((row+3*k)%len(table)))
		}
		m.Start = append(m.Start, uint32(len(m.Columns)))
	}
	// A sum that is infinity, and one of a point with itself.
	m.Columns, m.Coef16 = append(m.Columns, 5, 5, 6, 6), append(m.Coef16, 0, 1, 0, 0)
	m.Start = append(m.Start, m.Start[rows]+2, m.Start[rows]+4)
	want := make([]A, m.NumRows())
	for i := range want {
		want[i] = g.Infinity()
		for k := m.Start[i]; k < m.Start[i+1]; k++ {
			term := multiply(g, bases[m.Columns[k]], f.Big(new(big.Int), &table[m.Coef16[k]]))
			want[i] = g.Add(&want[i], &term)
		}
	}
	for _, threads := range []int{1, 3} {
		got, err := g.Combine(t.Context(), m, table, bases, threads)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if !g.Equal(&got[i], &want[i]) {
				t.Fatalf("threads %d: row %d: got %v, want %v", threads, i, got[i], want[i])
			}
		}
	}
	for i := range table {
		got, err := g.Scale(t.Context(), bases[697:], &table[i], 2)
		if err != nil {
			t.Fatal(err)
		}
		for j := range got {
			if want := multiply(g, bases[697+j], f.Big(new(big.Int), &table[i])); !g.Equal(&got[j], &want) {
				t.Errorf("factor %d of point %d: got %v, want %v", i, j, got[j], want)
			}
		}
	}
	if _, err := g.Combine(endsAfter(1), m, table, bases, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("Combine after the context's end: got %v", err)
	}
	if _, err := g.Scale(endsAfter(1), bases, &table[0], 1); !errors.Is(err, context.Canceled) {
		t.Errorf("Scale after the context's end: got %v", err)
	}
	if _, err := g.Combine(t.Context(), m, table, bases[:3], 1); !fault.Is(err, fault.Internal) {
		t.Errorf("points that are missing: got %v", err)
	}
}
