package bn254

import (
	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// msmBlock is the number of terms of a multi-scalar multiplication between
// two looks at the context.
const msmBlock = 1 << 20

// multiExpConfig passes a thread budget to gnark-crypto, which would take 0
// for twice the number of processors.
func multiExpConfig(threads int) ecc.MultiExpConfig {
	return ecc.MultiExpConfig{NbTasks: max(1, min(threads, 1024))}
}

// split sorts scalars into units, which take one addition each, and the rest.
// units holds 2i for scalars[i] = 1 and 2i+1 for scalars[i] = -1; rest holds
// the indexes of all others but zeros.
func split(scalars []fr.Element) (units, rest []uint32) {
	one := fr.One()
	var minusOne fr.Element
	minusOne.Neg(&one)
	count := 0
	for i := range scalars {
		if s := &scalars[i]; *s == one || *s == minusOne {
			count++
		}
	}
	units = make([]uint32, 0, count)
	for i := range scalars {
		switch s := &scalars[i]; {
		case *s == (fr.Element{}):
		case *s == one:
			units = append(units, 2*uint32(i))
		case *s == minusOne:
			units = append(units, 2*uint32(i)+1)
		default:
			rest = append(rest, uint32(i))
		}
	}
	return units, rest
}

// digit returns the c bits of the canonical value of limbs from bit k on.
func digit(limbs []uint64, k, c int) int {
	w, shift := k/64, k%64
	d := limbs[w] >> shift
	if shift+c > 64 && w+1 < len(limbs) {
		d |= limbs[w+1] << (64 - shift)
	}
	return int(d & (1<<c - 1))
}
