package bn254

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/curve"
	"provery/internal/ntt"
)

// TestPlan compares quotients by package ntt's plans with those by the
// adapter's own transforms, which curvetest compares with long division and
// evaluation.
func TestPlan(t *testing.T) {
	t.Parallel()
	if !ntt.Accelerated() {
		t.Skip("the CPU lacks the instructions")
	}
	for _, n := range []int{ntt.MinSize, 2 * ntt.MinSize, 1 << 12, 1 << 13, 1 << 17} {
		if n > 1<<13 && testing.Short() {
			continue
		}
		fast, slow, root := planAndOracle(t, n)
		type quotient = func(d *Domain, ctx context.Context, a, b, c []fr.Element, threads int) error
		for name, q := range map[string]quotient{
			"Quotient": func(d *Domain, ctx context.Context, a, b, c []fr.Element, threads int) error {
				return d.Quotient(ctx, a, curve.EvaluationsOf(a, b, c), threads)
			},
			"OddQuotient": func(d *Domain, ctx context.Context, a, b, c []fr.Element, threads int) error {
				return d.OddQuotient(ctx, a, curve.EvaluationsOf(a, b, c), &root, threads)
			},
			"SquareQuotient": func(d *Domain, ctx context.Context, a, _, c []fr.Element, threads int) error {
				return d.SquareQuotient(ctx, a, c, &root, threads)
			},
		} {
			run := func(d *Domain, ctx context.Context, threads int) ([]fr.Element, error) {
				a, b, c := planInput(n)
				return a, q(d, ctx, a, b, c, threads)
			}
			want, err := run(slow, context.Background(), 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, threads := range []int{1, 2, 5} {
				got, err := run(fast, context.Background(), threads)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s, n=%d, threads=%d: the results differ", name, n, threads)
				}
			}
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			if _, err := run(fast, ctx, 1); !errors.Is(err, context.Canceled) {
				t.Errorf("%s, canceled: got %v", name, err)
			}
		}
	}
}

// planAndOracle returns a domain with a plan, one without, and a square root of
// their generator.
func planAndOracle(t *testing.T, n int) (fast, slow *Domain, root fr.Element) {
	t.Helper()
	twice, err := NewDomain(2*n, nil)
	if err != nil {
		t.Fatal(err)
	}
	root = twice.Omega()
	var omega fr.Element
	omega.Square(&root)
	fast, err1 := NewDomain(n, &omega)
	slow, err2 := NewDomain(n, &omega)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	slow.plan = nil
	return fast, slow, root
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
