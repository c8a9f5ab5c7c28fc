package zkey

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math/big"
	"slices"

	"golang.org/x/crypto/chacha20"

	"provery/internal/curve"
	"provery/internal/fault"
)

// generator is the deterministic source of scalars and points that a ceremony's
// public values are drawn from: the key stream of ChaCha20 with a nonce of zeros, in
// words of 32 bits.
type generator struct{ stream *chacha20.Cipher }

// newGenerator returns the generator of a seed, of which it takes the first 32
// bytes as big-endian words.
func newGenerator(seed []byte) (*generator, error) {
	key := slices.Clone(seed[:chacha20.KeySize])
	for word := range slices.Chunk(key, 4) {
		slices.Reverse(word)
	}
	stream, err := chacha20.NewUnauthenticatedCipher(key, make([]byte, chacha20.NonceSize))
	return &generator{stream}, fault.Wrap(err, fault.Internal, "start generator")
}

func (g *generator) word() uint32 {
	var b [4]byte
	g.stream.XORKeyStream(b[:], b[:])
	return binary.LittleEndian.Uint32(b[:])
}

// below returns size little-endian bytes of a value below the modulus: words of 64
// bits, each from its higher half, cut to the modulus's length, until one fits.
func (g *generator) below(modulus *big.Int, size int) []byte {
	limit := LittleEndian(modulus, size)
	excess := 8*size - modulus.BitLen() // less than 8
	for {
		var b []byte
		for range size / 8 {
			high := uint64(g.word())
			b = binary.LittleEndian.AppendUint64(b, high<<32|uint64(g.word()))
		}
		b[size-1] &= 0xff >> excess
		if Below(b, limit) {
			return b
		}
	}
}

// scalar draws a scalar. The value drawn is its Montgomery form.
func (c Codec[S, A1, A2]) scalar(g *generator) S {
	v := make([]S, 1)
	copy(c.Field.Memory(v), g.below(c.Params.ScalarModulus, c.Params.ScalarBytes))
	return v[0]
}

// draw draws a point of the group: coordinates x until one is of the curve, and
// which of its two values of y to take; multiplied by the cofactor.
func draw[S, A any](g *generator, p *curve.Params, group curve.Group[S, A]) (A, error) {
	f := fieldOf(p, group)
	for {
		memory := make([]byte, 0, group.Bytes())
		for range f.degree {
			memory = append(memory, g.below(p.BaseModulus, p.BaseBytes)...)
		}
		larger := g.word()&1 == 1
		y, ok := f.lift(memory, larger)
		if !ok {
			continue
		}
		point := make([]A, 1)
		copy(group.Memory(point), append(memory, y...))
		return timesCofactor(group, point[0], cofactor(p, f.degree))
	}
}

// timesCofactor multiplies a point outside of the subgroup, where Mul doesn't.
func timesCofactor[S, A any](g curve.Group[S, A], a A, k *big.Int) (A, error) {
	sum := g.Infinity()
	for i := k.BitLen() - 1; i >= 0; i-- {
		sum = g.Add(&sum, &sum)
		if k.Bit(i) == 1 {
			sum = g.Add(&sum, &a)
		}
	}
	return sum, fault.Wrap(g.Check(context.Background(), []A{sum}, 1), fault.Internal, "draw a point")
}

// cofactor returns that of G1 (degree 1) or G2 (degree 2).
func cofactor(p *curve.Params, degree int) *big.Int {
	text := "1"
	switch {
	case p.ID == curve.BN128 && degree == 2: // 2p - r
		text = "30644e72e131a029b85045b68181585e06ceecda572a2489345f2299c0f9fa8d"
	case p.ID == curve.BLS12381 && degree == 1:
		text = "396c8c005555e1568c00aaab0000aaab"
	case p.ID == curve.BLS12381:
		text = "5d543a95414e7f1091d50792876a202cd91de4547085abaa68a205b2e5a7ddfa628f1cb4d9e82ef21537e293a6691ae1616ec6e786f0c70cf1c38e31c7238e5"
	}
	k, _ := new(big.Int).SetString(text, 16)
	return k
}

// The exponents of a beacon. snarkjs refuses to make one with less than
// MinExponent.
const (
	MinExponent = 10
	MaxExponent = 63
)

// iterations is the number of times that SHA-256 is taken.
func (b *Beacon) iterations() uint64 { return 1 << b.Exponent }

// iterate returns the seed of a beacon: SHA-256 of its value, 2^Exponent times.
// done, if it isn't nil, is called now and then with the number of iterations.
func (b *Beacon) iterate(ctx context.Context, done func(n, of uint64)) ([]byte, error) {
	seed := b.Value
	var sum [sha256.Size]byte
	of := b.iterations()
	for n := range of {
		if n%(1<<16) == 0 {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if done != nil {
				done(n, of)
			}
		}
		sum = sha256.Sum256(seed)
		seed = sum[:]
	}
	return seed, nil
}
