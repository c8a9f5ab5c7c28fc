package bn254

import (
	"provery/internal/ntt"
)

// newPlan returns package ntt's plan for d, where there can be one.
func newPlan(d *Domain) plan {
	if d.n < ntt.MinSize || !ntt.Accelerated() {
		return nil
	}
	t := ntt.Tables{Omega: d.omega, ToCoset: d.toCoset, FromCoset: d.fromCoset}
	t.Factor.Neg(&d.scale)
	return ntt.NewPlan(&t)
}
