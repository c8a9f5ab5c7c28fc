//go:build !purego

package ntt

import "github.com/consensys/gnark-crypto/ecc/bn254/fr"

// kernels says that this build has the kernels.
const kernels = true

// The kernels are described where they are made, in internal/kernelgen. None
// of the counts may be 0.

//go:noescape
func openDIF(groups, twiddles *lanes, count int)

//go:noescape
func closeDIT(groups, twiddles *lanes, count int)

//go:noescape
func difStage(low, upper *lanes, twiddles *element, half, count int)

//go:noescape
func ditStage(low, upper *lanes, twiddles *element, half, count int)

//go:noescape
func scale(a, b *lanes, count int)

//go:noescape
func multiply(a, b *lanes, count int)

//go:noescape
func fromElements(groups *lanes, src *fr.Element, eighth, count int)

//go:noescape
func difference(dst *fr.Element, a, c, f *lanes, factor *element, order *uint32, count int)

//go:noescape
func differenceOfParts(dst *fr.Element, a, c *lanes, f, factor *element, order *uint32, count int)
