package seal

import (
	"crypto/hmac"
	"crypto/sha256"
)

// Fingerprint returns a keyed hash (HMAC-SHA-256) of content for the purpose,
// a fixed word of the caller's: equal contents have equal fingerprints, and
// who lacks the ring's keys can't test guesses of a content against one. Where
// a plain hash would let short private values be found by trying, store this.
//
// Its key is derived from the last key of the ring, which is the oldest: a
// rotation puts new keys in front, so that fingerprints stay the same until the
// oldest key is taken out.
func (r *Ring) Fingerprint(purpose string, content []byte) [sha256.Size]byte {
	derived := mac(r.keys[len(r.keys)-1].secret[:], []byte("provery fingerprint\x00"+purpose))
	defer clear(derived[:])
	return mac(derived[:], content)
}

func mac(key, content []byte) (sum [sha256.Size]byte) {
	h := hmac.New(sha256.New, key)
	h.Write(content)
	h.Sum(sum[:0])
	return sum
}
