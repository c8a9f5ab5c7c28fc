package contract

import "golang.org/x/crypto/sha3"

// selector returns the first four bytes of the Keccak-256 (the original, not
// SHA3-256) of a canonical signature.
func selector(signature string) [4]byte {
	h := sha3.NewLegacyKeccak256()
	h.Write([]byte(signature))
	return [4]byte(h.Sum(nil))
}
