package r1cs

import (
	"hash/maphash"
	"math"
	"math/big"
	"slices"
	"sort"

	"provery/internal/container"
	"provery/internal/curve"
	"provery/internal/fault"
)

// MaxRows bounds the rows of a pool.
const MaxRows = 1 << 29

// The coefficients that every table starts with, and the mark of zero, which
// never enters a row.
const (
	CoefOne      = 0
	CoefMinusOne = 1
	CoefZero     = math.MaxUint32
)

// Coefficients numbers distinct coefficients in the order of their first use.
// Values are canonical and little-endian.
type Coefficients struct {
	params  *curve.Params
	modulus []byte // little-endian
	index   map[string]uint32
	table   []byte
}

func newCoefficients(params *curve.Params) *Coefficients {
	t := &Coefficients{params: params, index: map[string]uint32{}}
	t.modulus = t.encode(params.ScalarModulus)
	t.index[string(t.encode(new(big.Int)))] = CoefZero
	t.Number(t.encode(big.NewInt(1)))
	t.Number(t.encode(new(big.Int).Sub(params.ScalarModulus, big.NewInt(1))))
	return t
}

func (t *Coefficients) encode(v *big.Int) []byte {
	b := v.FillBytes(make([]byte, t.params.ScalarBytes))
	slices.Reverse(b)
	return b
}

func (t *Coefficients) decode(index uint32) *big.Int {
	if index == CoefZero {
		return new(big.Int)
	}
	size := t.params.ScalarBytes
	b := slices.Clone(t.table[int(index)*size : (int(index)+1)*size])
	slices.Reverse(b)
	return new(big.Int).SetBytes(b)
}

// Number returns the index of a value of ScalarBytes bytes; ok is false if it
// isn't below the modulus.
func (t *Coefficients) Number(value []byte) (index uint32, ok bool) {
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

// Pool collects the distinct linear combinations of a program, for front-ends
// that read one. Rows are numbered in the order of their first use; row 0 is the
// empty one. Row i has the terms Start[i] to Start[i+1]-1.
type Pool struct {
	Coefs   *Coefficients
	Start   []uint32
	Columns []uint32
	Terms   []uint32 // indexes into Coefs
	seed    maphash.Seed
	last    map[uint64]uint32 // hash to the row added last
	chain   []uint32          // by row: the one added before with its hash, or 0
}

// NewPool returns an empty pool over the scalars of a curve.
func NewPool(params *curve.Params) *Pool {
	p := &Pool{Coefs: newCoefficients(params), seed: maphash.MakeSeed(), last: map[uint64]uint32{}}
	p.Start, p.chain = []uint32{0, 0}, []uint32{0}
	return p
}

// NumRows returns the number of rows, the empty one included.
func (p *Pool) NumRows() int { return len(p.Start) - 1 }

// Combination is a linear combination as it is being read: coefficient Terms[i]
// of the variable in Columns[i].
type Combination struct {
	Columns []uint32
	Terms   []uint32
}

// Len, Less and Swap make the terms sortable by column.
func (c *Combination) Len() int           { return len(c.Columns) }
func (c *Combination) Less(i, j int) bool { return c.Columns[i] < c.Columns[j] }
func (c *Combination) Swap(i, j int) {
	c.Columns[i], c.Columns[j] = c.Columns[j], c.Columns[i]
	c.Terms[i], c.Terms[j] = c.Terms[j], c.Terms[i]
}

// Reset makes c empty.
func (c *Combination) Reset() { c.Columns, c.Terms = c.Columns[:0], c.Terms[:0] }

// canonical reports whether c is sorted, without duplicates and zeros, as the
// compiler writes it.
func (c *Combination) canonical() bool {
	for i, t := range c.Terms {
		if t == CoefZero || i > 0 && c.Columns[i] <= c.Columns[i-1] {
			return false
		}
	}
	return true
}

// Add returns the row of c, which it brings into canonical form.
func (p *Pool) Add(c *Combination) uint32 {
	if !c.canonical() {
		p.normalize(c)
	}
	if len(c.Columns) == 0 {
		return 0
	}
	h := maphash.Bytes(p.seed, container.Bytes(c.Columns)) ^ 3*maphash.Bytes(p.seed, container.Bytes(c.Terms))
	first := p.last[h]
	for row := first; row != 0; row = p.chain[row] {
		lo, hi := p.Start[row], p.Start[row+1]
		if slices.Equal(p.Columns[lo:hi], c.Columns) && slices.Equal(p.Terms[lo:hi], c.Terms) {
			return row
		}
	}
	row := uint32(p.NumRows())
	p.Columns = append(p.Columns, c.Columns...)
	p.Terms = append(p.Terms, c.Terms...)
	p.Start = append(p.Start, uint32(len(p.Columns)))
	p.chain = append(p.chain, first)
	p.last[h] = row
	return row
}

// Full reports whether the numbers of rows and Terms come near the limit of
// their index types when c is added.
func (p *Pool) Full(c *Combination) bool {
	return len(p.Columns)+len(c.Columns) > math.MaxUint32 || p.NumRows() >= MaxRows
}

// normalize sorts c, adds up the terms of one variable and drops zeros.
func (p *Pool) normalize(c *Combination) {
	sort.Stable(c)
	n := 0
	for i := 0; i < len(c.Columns); {
		slot, term := c.Columns[i], c.Terms[i]
		sum := (*big.Int)(nil)
		for i++; i < len(c.Columns) && c.Columns[i] == slot; i++ {
			if sum == nil {
				sum = p.Coefs.decode(term)
			}
			sum.Add(sum, p.Coefs.decode(c.Terms[i]))
		}
		if sum != nil {
			sum.Mod(sum, p.Coefs.params.ScalarModulus)
			term, _ = p.Coefs.Number(p.Coefs.encode(sum))
		}
		if term != CoefZero {
			c.Columns[n], c.Terms[n] = slot, term
			n++
		}
	}
	c.Columns, c.Terms = c.Columns[:n], c.Terms[:n]
}

// Len returns the number of distinct coefficients.
func (t *Coefficients) Len() int { return len(t.table) / t.params.ScalarBytes }

// InternTable returns the pool's coefficients in the field's memory form, as
// System.Table holds them.
func InternTable[S any](f curve.Field[S], p *Pool) ([]byte, error) {
	v := make([]S, p.Coefs.Len())
	if err := f.Decode(v, p.Coefs.table); err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, "read program: coefficients")
	}
	return slices.Clone(f.Memory(v)), nil
}

// Narrow returns m, whose coefficient indexes are in Coef32, with 16 bits for
// each where numCoefs allows it.
func Narrow(m curve.Sparse, numCoefs int) curve.Sparse {
	if numCoefs > math.MaxUint16+1 {
		if m.Coef32 == nil {
			m.Coef32 = []uint32{}
		}
		return m
	}
	m.Coef16 = make([]uint16, len(m.Coef32))
	for k, c := range m.Coef32 {
		m.Coef16[k] = uint16(c)
	}
	m.Coef32 = nil
	return m
}
