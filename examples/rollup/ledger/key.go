// Package ledger is the ledger that the circuit proves: accounts in a Merkle tree,
// and signed transfers between them. It computes what the circuit computes, with the
// same hash and curve, and never talks to anybody.
package ledger

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/iden3/go-iden3-crypto/babyjub"
	"github.com/iden3/go-iden3-crypto/constants"
	"github.com/iden3/go-iden3-crypto/poseidon"
)

// Key is a public key: a point of BabyJubJub's subgroup other than the identity.
type Key struct{ point *babyjub.Point }

// ParseKey reads a key of 32 bytes in hex.
func ParseKey(text string) (Key, error) {
	var k Key
	return k, k.UnmarshalText([]byte(text))
}

// UnmarshalText reads a key of 32 bytes in hex.
func (k *Key) UnmarshalText(text []byte) error {
	var packed babyjub.PublicKeyComp
	if err := decodeHex(packed[:], text); err != nil {
		return fmt.Errorf("key: %w", err)
	}
	point, err := babyjub.NewPoint().Decompress(packed)
	if err != nil {
		return fmt.Errorf("key: %w", err)
	}
	if point.Compress() != packed {
		return errors.New("key: not the one way to write this point")
	}
	if !point.InSubGroup() || point.X.Sign() == 0 {
		return errors.New("key: not a point of the subgroup")
	}
	k.point = point
	return nil
}

// MarshalText writes the key in hex.
func (k Key) MarshalText() ([]byte, error) {
	if k.point == nil {
		return nil, errors.New("key: empty")
	}
	return encodeHex(k.point.Compress()), nil
}

// String returns the key in hex.
func (k Key) String() string {
	text, err := k.MarshalText()
	if err != nil {
		return ""
	}
	return string(text)
}

// Verify reports whether s is the key's signature of message. It asks what the
// circuit asks: the S of a signature is below the order of the subgroup.
func (k Key) Verify(message *big.Int, s Signature) bool {
	if k.point == nil || s.sig.S == nil || s.sig.S.Cmp(babyjub.SubOrder) >= 0 {
		return false
	}
	return (*babyjub.PublicKey)(k.point).VerifyPoseidon(message, &s.sig)
}

// PrivateKey signs transfers. It is a seed of 32 random bytes.
//
// The arithmetic behind it takes a time that depends on the key: sign where nobody
// else can measure that.
type PrivateKey struct{ seed babyjub.PrivateKey }

// NewPrivateKey makes a key from the system's randomness.
func NewPrivateKey() PrivateKey { return PrivateKey{babyjub.NewRandPrivKey()} }

// PrivateKeyOf returns the key of a seed.
func PrivateKeyOf(seed [32]byte) PrivateKey { return PrivateKey{seed} }

// Seed returns what the key is made of: keep it secret.
func (p PrivateKey) Seed() [32]byte { return p.seed }

// String hides the key from logs.
func (p PrivateKey) String() string { return "private key" }

// GoString hides the key from logs.
func (p PrivateKey) GoString() string { return p.String() }

// Public returns the public key.
func (p PrivateKey) Public() Key { return Key{p.seed.Public().Point()} }

// Sign signs a message, an element of the field.
func (p PrivateKey) Sign(message *big.Int) Signature {
	return Signature{*p.seed.SignPoseidon(message)}
}

// Signature is an EdDSA signature with Poseidon for its hash.
type Signature struct{ sig babyjub.Signature }

// UnmarshalText reads a signature of 64 bytes in hex.
func (s *Signature) UnmarshalText(text []byte) error {
	var packed babyjub.SignatureComp
	if err := decodeHex(packed[:], text); err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	if _, err := s.sig.Decompress(packed); err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	return nil
}

// MarshalText writes the signature in hex.
func (s Signature) MarshalText() ([]byte, error) {
	if s.sig.S == nil {
		return nil, errors.New("signature: empty")
	}
	packed := s.sig.Compress()
	return encodeHex([64]byte(packed)), nil
}

// hash is Poseidon, as the circuit has it, of 1 to 6 field elements.
func hash(inputs ...*big.Int) *big.Int {
	h, err := poseidon.Hash(inputs)
	if err != nil {
		panic(err) // an input that isn't in the field: a mistake of this package
	}
	return h
}

func number(n uint64) *big.Int { return new(big.Int).SetUint64(n) }

// fieldOrder is the order of the field that the circuit computes in.
var fieldOrder = constants.Q
