package bn254

import (
	"provery/internal/ntt"
)

// newPlan returns package ntt's plan for d, where there can be one.
func newPlan(d *Domain) plan {
	if d.n < ntt.MinSize || !ntt.Accelerated() {
		return nil
	}
	// The plan makes tables of its own from these.
	c := d.cosetTables()
	t := ntt.Tables{Omega: d.omega, ToCoset: c.to, FromCoset: c.from}
	t.Factor.Neg(&d.scale)
	return ntt.NewPlan(&t)
}
