package bn254

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/ntt"
)

// TestPlan compares the quotient by package ntt's plans with that by the
// adapter's own transforms, which curvetest compares with long division.
func TestPlan(t *testing.T) {
	t.Parallel()
	if !ntt.Accelerated() {
		t.Skip("the CPU lacks the instructions")
	}
	for _, n := range []int{ntt.MinSize, 2 * ntt.MinSize, 1 << 12, 1 << 13, 1 << 18} {
		if n > 1<<13 && testing.Short() {
			continue
		}
		d, err := NewDomain(n, nil)
		if err != nil {
			t.Fatal(err)
		}
		slow, err := NewDomain(n, nil)
		if err != nil {
			t.Fatal(err)
		}
		slow.plan = nil
		a, b, c := planInput(n)
		want := append([]fr.Element{}, a...)
		if err := slow.Quotient(context.Background(), want, append([]fr.Element{}, b...), append([]fr.Element{}, c...), 2); err != nil {
			t.Fatal(err)
		}
		for _, threads := range []int{1, 2, 5} {
			got := append([]fr.Element{}, a...)
			if err := d.Quotient(context.Background(), got, append([]fr.Element{}, b...), append([]fr.Element{}, c...), threads); err != nil {
				t.Fatal(err)
			}
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("n=%d, threads=%d: coefficient %d differs", n, threads, i)
				}
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := d.Quotient(ctx, a, b, c, 1); !errors.Is(err, context.Canceled) {
			t.Errorf("canceled: got %v", err)
		}
	}
}

// planInput returns vectors of random elements, and some of the largest and
// smallest.
func planInput(n int) (a, b, c []fr.Element) {
	rnd := rand.New(rand.NewPCG(1, uint64(n)))
	var greatest fr.Element // in memory: its words are those of p-1
	for i, w := range fr.Modulus().Bits() {
		greatest[i] = uint64(w)
	}
	greatest[0]--
	vectors := make([][]fr.Element, 3)
	for k := range vectors {
		v := make([]fr.Element, n)
		for i := range v {
			switch rnd.IntN(8) {
			case 0:
			case 1:
				v[i] = fr.Element{1}
			case 2:
				v[i] = greatest
			default:
				v[i].SetUint64(rnd.Uint64())
				v[i].Square(&v[i])
				v[i].Square(&v[i])
			}
		}
		vectors[k] = v
	}
	return vectors[0], vectors[1], vectors[2]
}
