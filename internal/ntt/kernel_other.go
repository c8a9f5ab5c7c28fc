//go:build !amd64 || purego

package ntt

import "github.com/consensys/gnark-crypto/ecc/bn254/fr"

// kernels says that this build has the kernels; without them no Plan is used.
const kernels = false

const missing = "ntt: no kernels in this build"

func openDIF(groups, twiddles *lanes, count int)                     { panic(missing) }
func closeDIT(groups, twiddles *lanes, count int)                    { panic(missing) }
func difStage(low, upper *lanes, twiddles *element, half, count int) { panic(missing) }
func ditStage(low, upper *lanes, twiddles *element, half, count int) { panic(missing) }
func scale(a, b *lanes, count int)                                   { panic(missing) }
func multiply(a, b *lanes, count int)                                { panic(missing) }
func fromElements(groups *lanes, src *fr.Element, eighth, count int) { panic(missing) }
func difference(dst *fr.Element, a, c, f *lanes, factor *element, order *uint32, count int) {
	panic(missing)
}

func differenceOfParts(dst *fr.Element, a, c *lanes, f, factor *element, order *uint32, count int) {
	panic(missing)
}
