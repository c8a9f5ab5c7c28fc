// Package bn254 adapts gnark-crypto's BN254 to the curve seam.
//
// Field is the scalar field; Suite joins it with G1, G2, domains and the
// pairing. Everything here runs on the goroutines that the caller allows;
// gnark-crypto is never left to choose their number.
package bn254

import (
	"io"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/bn254/fp"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/curve"
	"provery/internal/fault"
)

// Field is the scalar field of BN254; it implements curve.Field. Make it with
// NewField.
type Field struct {
	params *curve.Params
}

// NewField returns the scalar field of BN254.
func NewField() *Field {
	r := fr.Modulus()
	return &Field{&curve.Params{
		ID:            curve.BN128,
		ScalarModulus: r,
		BaseModulus:   fp.Modulus(),
		ScalarBits:    fr.Bits,
		ScalarBytes:   fr.Bytes,
		BaseBytes:     fp.Bytes,
		G2Degree:      g2Degree,
		TwoAdicity:    int(new(big.Int).Sub(r, big.NewInt(1)).TrailingZeroBits()),
	}}
}

// Params returns the curve's sizes. The caller must not change them.
func (f *Field) Params() *curve.Params { return f.params }

// Add sets dst to a+b.
func (f *Field) Add(dst, a, b *fr.Element) { dst.Add(a, b) }

// Sub sets dst to a-b.
func (f *Field) Sub(dst, a, b *fr.Element) { dst.Sub(a, b) }

// Mul sets dst to a·b.
func (f *Field) Mul(dst, a, b *fr.Element) { dst.Mul(a, b) }

// Neg sets dst to -a.
func (f *Field) Neg(dst, a *fr.Element) { dst.Neg(a) }

// Inverse sets dst to 1/a, and to 0 if a is 0.
func (f *Field) Inverse(dst, a *fr.Element) { dst.Inverse(a) }

// Exp sets dst to a^e; e is at least 0.
func (f *Field) Exp(dst, a *fr.Element, e *big.Int) { dst.Exp(*a, e) }

// IsZero reports whether a is 0.
func (f *Field) IsZero(a *fr.Element) bool { return a.IsZero() }

// IsOne reports whether a is 1.
func (f *Field) IsOne(a *fr.Element) bool { return a.IsOne() }

// Equal reports whether a is b.
func (f *Field) Equal(a, b *fr.Element) bool { return *a == *b }

// SetUint64 sets dst to v.
func (f *Field) SetUint64(dst *fr.Element, v uint64) { dst.SetUint64(v) }

// SetBig sets dst to v mod r; v may be negative.
func (f *Field) SetBig(dst *fr.Element, v *big.Int) { dst.SetBigInt(v) }

// Big sets dst to a's canonical value and returns dst.
func (f *Field) Big(dst *big.Int, a *fr.Element) *big.Int { return a.BigInt(dst) }

// Decode reads canonical little-endian values, as curve.Field says.
func (f *Field) Decode(dst []fr.Element, src []byte) error {
	if len(src) != len(dst)*fr.Bytes {
		return fault.New(fault.InvalidArtifact, "read scalars: %d bytes where %d are wanted", len(src), len(dst)*fr.Bytes)
	}
	for i := range dst {
		e, err := fr.LittleEndian.Element((*[fr.Bytes]byte)(src[i*fr.Bytes:]))
		if err != nil {
			return fault.New(fault.InvalidArtifact, "read scalars: value %d isn't below the field's order", i)
		}
		dst[i] = e
	}
	return nil
}

// Encode writes canonical little-endian values, as curve.Field says.
func (f *Field) Encode(dst []byte, src []fr.Element) {
	for i := range src {
		fr.LittleEndian.PutElement((*[fr.Bytes]byte)(dst[i*fr.Bytes:]), src[i])
	}
}

// FromMemory views b as a vector without copying, as curve.Field says.
func (f *Field) FromMemory(b []byte) ([]fr.Element, error) { return curve.FromMemory[fr.Element](b) }

// Memory views v's storage as bytes without copying.
func (f *Field) Memory(v []fr.Element) []byte { return curve.Memory(v) }

// Random fills dst with uniform scalars. Each takes ScalarBytes+16 bytes of
// rand, so that its distance from uniform is below 2^-128. A failing source is
// fault.Internal.
func (f *Field) Random(dst []fr.Element, rand io.Reader) error {
	var b [fr.Bytes + 16]byte
	for i := range dst {
		if _, err := io.ReadFull(rand, b[:]); err != nil {
			return fault.Wrap(err, fault.Internal, "draw random scalars")
		}
		dst[i].SetBytes(b[:])
	}
	return nil
}

// Bits sets dst to the low bits of a, most significant first.
func (f *Field) Bits(dst []fr.Element, a *fr.Element) {
	limbs := a.Bits()
	one := fr.One()
	for i := range dst {
		k := uint(len(dst) - 1 - i)
		if k/64 < uint(len(limbs)) && limbs[k/64]>>(k%64)&1 == 1 {
			dst[i] = one
		} else {
			dst[i] = fr.Element{}
		}
	}
}
