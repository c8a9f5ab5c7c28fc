package bn254

import (
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/curve"
)

// MulVec sets dst[i] to a[i]·b[i].
func (f *Field) MulVec(dst, a, b []fr.Element) { (*fr.Vector)(&dst).Mul(a, b) }

// SubVec sets dst[i] to a[i]-b[i].
func (f *Field) SubVec(dst, a, b []fr.Element) { (*fr.Vector)(&dst).Sub(a, b) }

// AddVec sets dst[i] to a[i]+b[i].
func (f *Field) AddVec(dst, a, b []fr.Element) { (*fr.Vector)(&dst).Add(a, b) }

// ScaleVec sets dst[i] to c·a[i].
func (f *Field) ScaleVec(dst, a []fr.Element, c *fr.Element) { (*fr.Vector)(&dst).ScalarMul(a, c) }

// InvertVec inverts a in place; zeros stay zero. It allocates a second vector
// and costs three multiplications for each element and one inversion.
func (f *Field) InvertVec(a []fr.Element) {
	// before[i] is the product of the non-zero elements below i.
	before := make([]fr.Element, len(a))
	product := fr.One()
	for i := range a {
		before[i] = product
		if !a[i].IsZero() {
			product.Mul(&product, &a[i])
		}
	}
	product.Inverse(&product)
	for i := len(a) - 1; i >= 0; i-- {
		if a[i].IsZero() {
			continue
		}
		before[i].Mul(&before[i], &product)
		product.Mul(&product, &a[i])
		a[i] = before[i]
	}
}

// Powers sets dst[i] to first·ratio^i.
func (f *Field) Powers(dst []fr.Element, first, ratio *fr.Element) {
	x, q := *first, *ratio
	for i := range dst {
		dst[i] = x
		x.Mul(&x, &q)
	}
}

// Gather sets dst[i] to src[index[i]].
func (f *Field) Gather(dst, src []fr.Element, index []uint32) {
	for i, k := range index {
		dst[i] = src[k]
	}
}

// Combine evaluates rows lo to hi-1 of m at z into dst, as curve.Field says.
//
// A term costs nothing where z is 0, an addition where z is 1 or the
// coefficient is ±1, and a multiplication besides elsewhere.
func (f *Field) Combine(dst []fr.Element, m *curve.Sparse, lo, hi int, table, z []fr.Element) {
	start := m.Start[lo : hi+1]
	if m.Coef16 != nil {
		combine(dst, start, m.Columns, m.Coef16, table, z)
	} else {
		combine(dst, start, m.Columns, m.Coef32, table, z)
	}
}

func combine[C uint16 | uint32](dst []fr.Element, start, columns []uint32, coefs []C, table, z []fr.Element) {
	one := fr.One()
	var sum, term fr.Element
	for i := range len(start) - 1 {
		lo, hi := start[i], start[i+1]
		cols, cs := columns[lo:hi], coefs[lo:hi]
		sum = fr.Element{}
		for k, col := range cols {
			v, c := &z[col], cs[k]
			switch {
			case *v == (fr.Element{}):
			case c == 0:
				sum.Add(&sum, v)
			case c == 1:
				sum.Sub(&sum, v)
			case *v == one:
				sum.Add(&sum, &table[c])
			default:
				term.Mul(&table[c], v)
				sum.Add(&sum, &term)
			}
		}
		dst[i] = sum
	}
}
