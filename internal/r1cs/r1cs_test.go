package r1cs_test

import (
	"context"
	"errors"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/curve"
	"provery/internal/curve/bn254"
	"provery/internal/fault"
	"provery/internal/r1cs"
)

// squares returns the system x_(i+1) = x_i·(x_i + 3) of n constraints with
// x_0 public, and its witness for x_0 = 2.
func squares(n int) (*r1cs.System, []fr.Element) {
	f := bn254.NewField()
	table := make([]fr.Element, 3)
	table[0].SetOne()
	table[1].Neg(&table[0])
	table[2].SetUint64(3)
	s := &r1cs.System{
		Curve: curve.BN128, NumPublic: 1, NumVariables: n + 2, Table: f.Memory(table),
		Rows: curve.Sparse{Start: []uint32{0, 0}, Columns: []uint32{}, Coef16: []uint16{}},
	}
	row := func(terms ...uint32) uint32 { // coefficient, column, …
		for i := 0; i < len(terms); i += 2 {
			s.Rows.Coef16 = append(s.Rows.Coef16, uint16(terms[i]))
			s.Rows.Columns = append(s.Rows.Columns, terms[i+1])
		}
		s.Rows.Start = append(s.Rows.Start, uint32(len(s.Rows.Columns)))
		return uint32(s.Rows.NumRows() - 1)
	}
	z := make([]fr.Element, n+2)
	z[0].SetOne()
	z[1].SetUint64(2)
	single := row(0, 1)
	for i := range uint32(n) {
		var t fr.Element
		t.Add(&z[i+1], &table[2])
		z[i+2].Mul(&z[i+1], &t)
		s.A, s.B = append(s.A, single), append(s.B, row(0, i+1, 2, 0))
		single = row(0, i+2)
		s.C = append(s.C, single)
	}
	return s, z
}

func TestRestoreEvaluates(t *testing.T) {
	t.Parallel()
	f := bn254.NewField()
	s, z := squares(20)
	a, err := r1cs.Restore(context.Background(), f, s, r1cs.Erase(s.Curve, r1cs.Assignment[fr.Element]{Z: z}))
	if err != nil {
		t.Fatal(err)
	}
	if i := r1cs.FirstUnsatisfied(f, s, a); i != -1 {
		t.Errorf("got constraint %d unsatisfied, want none", i)
	}
	for i := range 20 {
		var b fr.Element
		b.SetUint64(3)
		b.Add(&b, &z[i+1])
		if a.Rows[s.A[i]] != z[i+1] || a.Rows[s.B[i]] != b || a.Rows[s.C[i]] != z[i+2] {
			t.Fatalf("constraint %d is evaluated wrongly", i)
		}
	}
	again, err := r1cs.Restore(context.Background(), f, s, r1cs.Erase(s.Curve, a))
	if err != nil {
		t.Fatal(err)
	}
	if &again.Rows[0] != &a.Rows[0] {
		t.Error("known evaluations were computed again")
	}
	z[8].SetUint64(5)
	a, err = r1cs.Restore(context.Background(), f, s, r1cs.Erase(s.Curve, r1cs.Assignment[fr.Element]{Z: z}))
	if err != nil {
		t.Fatal(err)
	}
	if i := r1cs.FirstUnsatisfied(f, s, a); i != 6 {
		t.Errorf("got constraint %d unsatisfied first, want 6", i)
	}
}

func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	f := bn254.NewField()
	s, z := squares(4)
	type assignment = r1cs.Assignment[fr.Element]
	short := z[:3]
	tests := []struct {
		name string
		w    r1cs.Witness
		want fault.Code
	}{
		{"empty", r1cs.Witness{}, fault.Internal},
		{"short", r1cs.Erase(s.Curve, assignment{Z: short}), fault.InvalidArtifact},
		{"another curve", r1cs.Erase(curve.BLS12381, assignment{Z: z}), fault.Internal},
		{"another element type", r1cs.Erase(s.Curve, r1cs.Assignment[uint64]{Z: make([]uint64, len(z))}), fault.Internal},
		{"short evaluations", r1cs.Erase(s.Curve, assignment{Z: z, Rows: short}), fault.Internal},
		{"another curve's evaluations", r1cs.Witness{Z: curve.NewVector(s.Curve, z), Rows: curve.NewVector(curve.BLS12381, z)}, fault.Internal},
	}
	for _, tc := range tests {
		if _, err := r1cs.Restore(context.Background(), f, s, tc.w); !fault.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r1cs.Restore(ctx, f, s, r1cs.Erase(s.Curve, assignment{Z: z})); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
}
