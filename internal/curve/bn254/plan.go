package bn254

import (
	"provery/internal/ntt"
)

// newPlan returns package ntt's plan for d, where there can be one.
func newPlan(d *Domain) plan {
	if d.n < ntt.MinSize || !ntt.Accelerated() {
		return nil
	}
	t := ntt.Tables{N: d.n, Omega: d.omega, Coset: d.setCosetTables}
	t.Factor.Neg(&d.scale)
	return ntt.NewPlan(&t)
}
