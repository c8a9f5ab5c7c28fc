package bn254

import (
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/curve/curvetest"
)

// TestConformance isn't parallel: it counts allocations.
func TestConformance(t *testing.T) {
	subject := curvetest.Subject[fr.Element, bn254.G1Affine, bn254.G2Affine]{
		Suite:     Suite(),
		OutsideG1: outsideG1(),
		OutsideG2: outsideG2(),
		Root:      otherRoot,
	}
	if got := len(subject.OutsideG1) == 0; got != primeOrderG1 {
		t.Errorf("got no points outside of G1: %v, want %v", got, primeOrderG1)
	}
	if len(subject.OutsideG2) == 0 {
		t.Error("got no points outside of G2")
	}
	curvetest.Run(t, subject)
}
