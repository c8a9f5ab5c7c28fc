package zokrates

import (
	"hash/maphash"
	"math"
	"math/big"
	"slices"
	"sort"

	"provery/internal/container"
	"provery/internal/curve"
)

// The coefficients that every table starts with, and the mark of zero, which
// never enters a row.
const (
	coefOne      = 0
	coefMinusOne = 1
	coefZero     = math.MaxUint32
)

// coefficients numbers distinct coefficients in the order of their first use.
// Values are canonical and little-endian.
type coefficients struct {
	params  *curve.Params
	modulus []byte // little-endian
	index   map[string]uint32
	table   []byte
}

func newCoefficients(params *curve.Params) *coefficients {
	t := &coefficients{params: params, index: map[string]uint32{}}
	t.modulus = t.encode(params.ScalarModulus)
	t.index[string(t.encode(new(big.Int)))] = coefZero
	t.number(t.encode(big.NewInt(1)))
	t.number(t.encode(new(big.Int).Sub(params.ScalarModulus, big.NewInt(1))))
	return t
}

func (t *coefficients) encode(v *big.Int) []byte {
	b := v.FillBytes(make([]byte, t.params.ScalarBytes))
	slices.Reverse(b)
	return b
}

func (t *coefficients) decode(index uint32) *big.Int {
	if index == coefZero {
		return new(big.Int)
	}
	size := t.params.ScalarBytes
	b := slices.Clone(t.table[int(index)*size : (int(index)+1)*size])
	slices.Reverse(b)
	return new(big.Int).SetBytes(b)
}

// number returns the index of a value of ScalarBytes bytes; ok is false if it
// isn't below the modulus.
func (t *coefficients) number(value []byte) (index uint32, ok bool) {
	if i, known := t.index[string(value)]; known {
		return i, true
	}
	for i := len(value) - 1; i >= 0 && value[i] >= t.modulus[i]; i-- {
		if value[i] > t.modulus[i] || i == 0 {
			return 0, false
		}
	}
	i := uint32(len(t.table) / len(value))
	t.index[string(value)] = i
	t.table = append(t.table, value...)
	return i, true
}

// pool collects the distinct linear combinations of a program. Rows are
// numbered in the order of their first use, which is the order in which the
// solver comes to evaluate them; row 0 is the empty one.
type pool struct {
	coefs *coefficients
	start []uint32
	slots []uint32
	terms []uint32 // indexes of coefficients
	seed  maphash.Seed
	last  map[uint64]uint32 // hash to the row added last
	chain []uint32          // by row: the one added before with its hash, or 0
}

func newPool(params *curve.Params) *pool {
	p := &pool{coefs: newCoefficients(params), seed: maphash.MakeSeed(), last: map[uint64]uint32{}}
	p.start, p.chain = []uint32{0, 0}, []uint32{0}
	return p
}

func (p *pool) numRows() int { return len(p.start) - 1 }

// combination is a linear combination as it is being read: coefficient terms[i]
// of the variable in slots[i].
type combination struct {
	slots []uint32
	terms []uint32
}

func (c *combination) Len() int           { return len(c.slots) }
func (c *combination) Less(i, j int) bool { return c.slots[i] < c.slots[j] }
func (c *combination) Swap(i, j int) {
	c.slots[i], c.slots[j] = c.slots[j], c.slots[i]
	c.terms[i], c.terms[j] = c.terms[j], c.terms[i]
}

func (c *combination) reset() { c.slots, c.terms = c.slots[:0], c.terms[:0] }

// canonical reports whether c is sorted, without duplicates and zeros, as the
// compiler writes it.
func (c *combination) canonical() bool {
	for i, t := range c.terms {
		if t == coefZero || i > 0 && c.slots[i] <= c.slots[i-1] {
			return false
		}
	}
	return true
}

// add returns the row of c, which it brings into canonical form.
func (p *pool) add(c *combination) uint32 {
	if !c.canonical() {
		p.normalize(c)
	}
	if len(c.slots) == 0 {
		return 0
	}
	h := maphash.Bytes(p.seed, container.Bytes(c.slots)) ^ 3*maphash.Bytes(p.seed, container.Bytes(c.terms))
	first := p.last[h]
	for row := first; row != 0; row = p.chain[row] {
		lo, hi := p.start[row], p.start[row+1]
		if slices.Equal(p.slots[lo:hi], c.slots) && slices.Equal(p.terms[lo:hi], c.terms) {
			return row
		}
	}
	row := uint32(p.numRows())
	p.slots = append(p.slots, c.slots...)
	p.terms = append(p.terms, c.terms...)
	p.start = append(p.start, uint32(len(p.slots)))
	p.chain = append(p.chain, first)
	p.last[h] = row
	return row
}

// full reports whether the numbers of rows and terms come near the limit of
// their index types when c is added.
func (p *pool) full(c *combination) bool {
	return len(p.slots)+len(c.slots) > math.MaxUint32 || p.numRows() >= maxIndex
}

// normalize sorts c, adds up the terms of one variable and drops zeros.
func (p *pool) normalize(c *combination) {
	sort.Stable(c)
	n := 0
	for i := 0; i < len(c.slots); {
		slot, term := c.slots[i], c.terms[i]
		sum := (*big.Int)(nil)
		for i++; i < len(c.slots) && c.slots[i] == slot; i++ {
			if sum == nil {
				sum = p.coefs.decode(term)
			}
			sum.Add(sum, p.coefs.decode(c.terms[i]))
		}
		if sum != nil {
			sum.Mod(sum, p.coefs.params.ScalarModulus)
			term, _ = p.coefs.number(p.coefs.encode(sum))
		}
		if term != coefZero {
			c.slots[n], c.terms[n] = slot, term
			n++
		}
	}
	c.slots, c.terms = c.slots[:n], c.terms[:n]
}
