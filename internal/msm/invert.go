package msm

import "github.com/consensys/gnark-crypto/ecc/bn254/fp"

// inverter inverts vectors with one inversion of an element and three
// multiplications for each: products of halves, down to a few, and back.
type inverter struct {
	levels fp.Vector // the products
	half   fp.Vector
}

func newInverter() inverter {
	return inverter{levels: make(fp.Vector, maxBatch+32), half: make(fp.Vector, maxBatch/2+1)}
}

// fewest is the length up to which products are made one by one.
const fewest = 8

// invert replaces the elements of v by their inverses. None of them is 0; there are at
// most maxBatch.
func (s *inverter) invert(v fp.Vector) {
	s.descend(v, s.levels)
}

// descend inverts v, with room for the products of all levels below.
func (s *inverter) descend(v, room fp.Vector) {
	if len(v) <= fewest {
		invertFew(v)
		return
	}
	h := len(v) / 2
	low, high, products := v[:h], v[h:2*h], room[:len(v)-h]
	inverses := products[:h]
	inverses.Mul(low, high)
	if len(v) > 2*h {
		products[h] = v[2*h]
	}
	s.descend(products, room[len(products):])
	swap := s.half[:h]
	swap.Mul(inverses, low)
	low.Mul(inverses, high)
	copy(high, swap)
	if len(v) > 2*h {
		v[2*h] = products[h]
	}
}

// invertFew inverts up to fewest elements.
func invertFew(v fp.Vector) {
	var before [fewest]fp.Element
	product := fp.One()
	for i := range v {
		before[i] = product
		product.Mul(&product, &v[i])
	}
	product.Inverse(&product)
	for i := len(v) - 1; i >= 0; i-- {
		before[i].Mul(&before[i], &product)
		product.Mul(&product, &v[i])
		v[i] = before[i]
	}
}
