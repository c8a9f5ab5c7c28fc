package bn254

import (
	"math/bits"

	"github.com/consensys/gnark-crypto/ecc"
	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"
)

// unitBlock is the number of additions between two looks at the context.
const unitBlock = 1 << 18

// multiExpBlock returns how many terms to hand to gnark-crypto's MultiExp at
// once, which doesn't look at a context: about half a second's work for each
// thread. A term's cost goes with the square of the field's limbs and with
// the degree of the coordinates. Smaller blocks would be dearer, by 5 to 10
// per cent for each halving, since the buckets have to be summed up more often.
func multiExpBlock(coordinateBytes, threads int) int {
	const work = 1 << 21 // products of limbs, in a unit of its own
	terms := work / (fp.Limbs * fp.Limbs * coordinateBytes / fp.Bytes)
	return max(1, min(threads, 16)) << (bits.Len(uint(terms)) - 1)
}

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
