package synthetic

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/curve"
	"provery/internal/curve/bn254"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/prove"
	"provery/internal/r1cs"
	"provery/internal/scheme"
	"provery/internal/scheme/groth16"
)

// TestSystems checks each constraint of each kind term by term.
func TestSystems(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{Field, Bits} {
		for _, log := range []int{MinLog, 8, 12} {
			spec := Spec{kind, log}
			t.Run(spec.String(), func(t *testing.T) {
				t.Parallel()
				p, err := New(spec)
				if err != nil {
					t.Fatal(err)
				}
				s := p.System()
				if n := s.NumConstraints(); n+NumPublic+1 != 1<<log {
					t.Errorf("got %d constraints", n)
				}
				if s.NumVariables != s.NumConstraints()+NumPublic+1 {
					t.Errorf("got %d variables for %d constraints", s.NumVariables, s.NumConstraints())
				}
				row := func(i uint32) (sum fr.Element) {
					for k := s.Rows.Start[i]; k < s.Rows.Start[i+1]; k++ {
						var v fr.Element
						sum.Add(&sum, v.Mul(&p.z[s.Rows.Columns[k]], &coefficientsOf(t, s)[s.Rows.Coef(int(k))]))
					}
					return sum
				}
				bits := 0
				for i := range s.NumConstraints() {
					a, b, c := row(s.A[i]), row(s.B[i]), row(s.C[i])
					if a.Mul(&a, &b); !a.Equal(&c) {
						t.Fatalf("constraint %d isn't satisfied", i)
					}
					if s.C[i] == 0 {
						bits++
					}
				}
				want := 0
				if kind == Bits {
					want = s.NumConstraints() - s.NumConstraints()/10
				}
				if bits != want {
					t.Errorf("got %d bits, want %d", bits, want)
				}
			})
		}
	}
}

func coefficientsOf(t *testing.T, s *r1cs.System) []fr.Element {
	v, err := bn254.Suite().Field.FromMemory(s.Table)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestEqualSpecsGiveEqualSystems(t *testing.T) {
	t.Parallel()
	make := func(s Spec) *Program {
		p, err := New(s)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p, q, other := make(Spec{Bits, 8}), make(Spec{Bits, 8}), make(Spec{Field, 8})
	if !slices.Equal(p.z, q.z) || !slices.Equal(p.sys.Rows.Columns, q.sys.Rows.Columns) || !bytes.Equal(p.sys.Table, q.sys.Table) {
		t.Error("the same spec gives two systems")
	}
	if slices.Equal(p.sys.Rows.Columns, other.sys.Rows.Columns) || (Spec{Bits, 8}).Recipe() == (Spec{Field, 8}).Recipe() {
		t.Error("two specs give one system")
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []Spec{{Field, MinLog - 1}, {Bits, MaxLog + 1}, {"words", 10}, {}} {
		if _, err := New(s); !fault.Is(err, fault.InvalidRequest) {
			t.Errorf("%v: got %v", s, err)
		}
	}
}

// TestProve proves each kind, with a witness that is solved anew for each proof.
func TestProve(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{Field, Bits} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			t.Parallel()
			p, err := New(Spec{kind, 6})
			if err != nil {
				t.Fatal(err)
			}
			backend, err := groth16.New(curve.BN128)
			if err != nil {
				t.Fatal(err)
			}
			seed := rand.NewChaCha8([32]byte{1})
			key, err := backend.Setup(t.Context(), scheme.SetupInput{System: p.System(), Rand: seed, Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			prover, err := prove.New(p, backend, key)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				r, err := prover.Prove(t.Context(), prove.Request{Arguments: p.Samples()[0], Threads: 1, Rand: seed})
				if err != nil || len(r.PublicInputs) != NumPublic {
					t.Fatalf("got %+v, %v", r, err)
				}
			}
			if st := p.Statistics(); st.Constraints != 60 || st.Terms == 0 {
				t.Errorf("got %+v", st)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := p.Solve(ctx, nil, frontend.SolveOptions{}); !fault.Is(err, fault.Canceled) {
				t.Errorf("canceled: got %v", err)
			}
		})
	}
}
