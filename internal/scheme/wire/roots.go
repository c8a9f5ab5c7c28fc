package wire

import (
	"math/big"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/scheme"
)

// Roots of unity of order 2^s, where s is the field's two-adicity and
// r-1 = 2^s·t. A key holds Lagrange polynomials at the powers of its maker's
// root, so a proof must use the same one: gnark-crypto's is another one for
// BW6-761 and for bellman.
var (
	// arkRoots are those of arkworks 0.3.
	arkRoots = map[curve.ID]string{
		curve.BN128:    "19103219067921713944291392827692070036145651957329286315305642004821462161904",                                      // 5^t
		curve.BLS12381: "10238227357739495823651030575849232062558860180284477541189508159991286009131",                                      // 7^t
		curve.BLS12377: "8065159656716812877374967518403273466521432693661810619979959746626482506078",                                       // 22^t
		curve.BW6761:   "224889470004741437790876857038605399989314902261086046762625433320979911756295853335464037764645098727193119245337", // (-5)^t
	}
	// bellmanRoots are those of bellman_ce 0.3.
	bellmanRoots = map[curve.ID]string{
		curve.BN128: "1748695177688661943023146337482803886740723238769601073607632802312037301404", // 7^t
	}
	// snarkjsRoots are those of snarkjs's field library.
	snarkjsRoots = map[curve.ID]string{
		curve.BN128:    "19103219067921713944291392827692070036145651957329286315305642004821462161904", // 5^t
		curve.BLS12381: "937917089079007706106976984802249742464848817460758522850752807661925904159",   // 5^t
	}
)

func rootsOf(layout scheme.Layout) map[curve.ID]string {
	switch layout {
	case scheme.LayoutBellman:
		return bellmanRoots
	case scheme.LayoutSnarkJS:
		return snarkjsRoots
	}
	return arkRoots
}

// HasLayout reports whether keys on the curve have the layout.
func (b *Base[S, A1, A2]) HasLayout(layout scheme.Layout) bool {
	_, ok := rootsOf(layout)[b.Curve()]
	return ok
}

// Omega returns the generator of the domain of n points that keys in the
// layout are made for. Keys of Provery's own set-up use arkworks's. A layout
// that the curve doesn't have, or an n beyond the field's two-adicity, is
// fault.Unsupported.
func (b *Base[S, A1, A2]) Omega(layout scheme.Layout, n int) (S, error) {
	var root S
	decimal, ok := rootsOf(layout)[b.Curve()]
	if !ok {
		return root, fault.New(fault.Unsupported, "layout %s on %v", layout, b.Curve())
	}
	order := new(big.Int).Lsh(big.NewInt(1), uint(b.Params.TwoAdicity))
	if order.Cmp(big.NewInt(int64(n))) < 0 {
		return root, fault.New(fault.Unsupported, "constraint system is too large for %v", b.Curve())
	}
	v, _ := new(big.Int).SetString(decimal, 10)
	b.Field.SetBig(&root, v)
	b.Field.Exp(&root, &root, order.Div(order, big.NewInt(int64(n))))
	return root, nil
}
