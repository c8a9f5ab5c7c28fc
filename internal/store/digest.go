package store

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"

	"provery/internal/fault"
)

// digestPrefix names the hash function in the text form.
const digestPrefix = "sha256:"

// Digest is the SHA-256 of a blob. The zero value means "none".
type Digest [sha256.Size]byte

// Sum returns the digest of b.
func Sum(b []byte) Digest { return sha256.Sum256(b) }

// ParseDigest reads the form that String writes, or the 64 hexadecimal digits
// alone. Digits must be lower case. Errors are InvalidRequest and don't repeat
// the input.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	digits := strings.TrimPrefix(s, digestPrefix)
	if len(digits) != hex.EncodedLen(len(d)) || strings.ToLower(digits) != digits {
		return Digest{}, fault.New(fault.InvalidRequest, "parse digest: want sha256: and 64 lower-case hexadecimal digits")
	}
	if _, err := hex.Decode(d[:], []byte(digits)); err != nil {
		return Digest{}, fault.New(fault.InvalidRequest, "parse digest: not hexadecimal")
	}
	return d, nil
}

// String returns "sha256:" and 64 lower-case hexadecimal digits.
func (d Digest) String() string { return digestPrefix + d.Hex() }

// Hex returns the 64 digits alone.
func (d Digest) Hex() string { return hex.EncodeToString(d[:]) }

// IsZero reports whether d is the zero value, which stands for "none".
func (d Digest) IsZero() bool { return d == Digest{} }

// MarshalText returns String's form, and an empty text for the zero value.
func (d Digest) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return nil, nil
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads what MarshalText writes. Errors are InvalidRequest.
func (d *Digest) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*d = Digest{}
		return nil
	}
	v, err := ParseDigest(string(text))
	if err != nil {
		return err
	}
	*d = v
	return nil
}

// SumReader returns the digest of what r holds.
func SumReader(r io.Reader) (Digest, error) {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return Digest{}, err
	}
	return Digest(h.Sum(nil)), nil
}
