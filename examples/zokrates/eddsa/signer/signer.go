// Package signer makes EdDSA signatures on BabyJubJub that the ZoKrates standard
// library's signatures/verifyEddsa accepts, as arguments for the programs in the
// folder above.
//
// It is written to be read, on math/big: slow and not in constant time. It is
// for examples, tests and benchmarks, never for keys that protect something.
//
// A signature of the message M0 || M1 (64 bytes) by the key a, with A = a*G, is
// the pair R = r*G, S = r + h*a, where
//
//	h = SHA-256(R.x || A.x || M0 || M1)
//
// with each coordinate and each half of the message as 32 bytes, and h read as an
// integer, all big-endian. The program checks S*G = R + h*A.
package signer

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
)

// SeedSize is the length of a private key's seed in bytes.
const SeedSize = 32

// Message is what is signed: M0 is the first half, M1 the second.
type Message [64]byte

// Signature is a pair of the nonce's point and the response, below the order of
// the field.
type Signature struct {
	R Point
	S *big.Int
}

// PrivateKey signs messages. It may be used by several goroutines at once.
type PrivateKey struct {
	seed   [SeedSize]byte
	scalar *big.Int
	public Point
}

// GenerateKey reads a seed from random and returns its key.
func GenerateKey(random io.Reader) (*PrivateKey, error) {
	var seed [SeedSize]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return nil, fmt.Errorf("generate key: %w", err)
	}
	return NewKey(seed), nil
}

// NewKey returns the key of a seed.
func NewKey(seed [SeedSize]byte) *PrivateKey {
	scalar := scalarFrom("key", seed[:])
	return &PrivateKey{seed: seed, scalar: scalar, public: base.times(scalar)}
}

// Public returns the public key A.
func (k *PrivateKey) Public() Point { return k.public }

// Sign returns the signature of m. It is a function of the key and m: the nonce
// is derived from both.
func (k *PrivateKey) Sign(m Message) Signature {
	r := scalarFrom("nonce", k.seed[:], m[:])
	nonce := base.times(r)
	s := new(big.Int).Mul(challenge(nonce, k.public, m), k.scalar)
	s.Add(s, r)
	return Signature{R: nonce, S: s.Mod(s, groupOrder)}
}

// Verify reports whether sig is a signature of m under the public key A, in the
// program's sense: R is a point of the curve whose order is not small, and
// S*G = R + h*A. As in the program S need not be below the group's order, so that
// anyone can make (R, S + order) from (R, S). Unlike the program it also rejects
// a key that isn't on the curve.
func Verify(public Point, m Message, sig Signature) bool {
	if !public.OnCurve() || !sig.R.OnCurve() || !inRange(sig.S, fieldOrder) {
		return false
	}
	if sig.R.times(big.NewInt(8)).Equal(identity()) {
		return false
	}
	right := sig.R.plus(public.times(challenge(sig.R, public, m)))
	return base.times(sig.S).Equal(right)
}

// challenge returns h, an integer below 2^256.
func challenge(r, public Point, m Message) *big.Int {
	var block [128]byte
	r.X.FillBytes(block[:32])
	public.X.FillBytes(block[32:64])
	copy(block[64:], m[:])
	digest := sha256.Sum256(block[:])
	return new(big.Int).SetBytes(digest[:])
}

// scalarFrom hashes a label and parts to a scalar below the group's order. The
// hash is twice as long as the order, so that the result is as good as uniform.
func scalarFrom(label string, parts ...[]byte) *big.Int {
	h := sha512.New()
	var size [8]byte
	for _, part := range append([][]byte{[]byte("provery eddsa example"), []byte(label)}, parts...) {
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write(part)
	}
	n := new(big.Int).SetBytes(h.Sum(nil))
	return n.Mod(n, groupOrder)
}
