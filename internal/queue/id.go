package queue

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"

	"provery/internal/fault"
)

const (
	idPrefix    = "prf_"
	batchPrefix = "bat_" // as long as idPrefix
	idTimeChars = 10     // 48 bits of milliseconds, padded to 50
	idRandChars = 26     // 128 random bits, padded to 130
	idLen       = len(idPrefix) + idTimeChars + idRandChars
	// idAlphabet is Crockford's base 32 in lower case: its order is that of
	// the values, so that ids sort by time.
	idAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"
)

var idEncoding = base32.NewEncoding(idAlphabet).WithPadding(base32.NoPadding)

// NewID returns a job id: "prf_", the time in milliseconds, 128 random bits,
// as 40 characters of [a-z0-9_] in all. Ids sort by time and can't be guessed. Jobs
// of all kinds have the one prefix, so that they sort among each other, and so that
// releases that know of proofs only take the id of any job for one.
func NewID(now time.Time) string { return newID(idPrefix, now) }

// NewBatchID returns a batch id: "bat_", and then as NewID.
func NewBatchID(now time.Time) string { return newID(batchPrefix, now) }

func newID(prefix string, now time.Time) string {
	var t [8]byte
	binary.BigEndian.PutUint64(t[:], uint64(now.UnixMilli())<<14) // 50 bits at the top
	var r [16]byte
	rand.Read(r[:]) // never fails: see its documentation
	return prefix + idEncoding.EncodeToString(t[:])[:idTimeChars] + idEncoding.EncodeToString(r[:])
}

// CheckID reports whether id has the form of a job id. The error is NotFound,
// which is what a client deserves to hear about an id that can't exist, and
// doesn't repeat the input. What passes is safe in subjects, keys and paths.
func CheckID(id string) error {
	if !wellFormed(id, idPrefix) {
		return fault.New(fault.NotFound, "no such job")
	}
	return nil
}

// CheckBatchID is CheckID for batches.
func CheckBatchID(id string) error {
	if !wellFormed(id, batchPrefix) {
		return fault.New(fault.NotFound, "no such batch")
	}
	return nil
}

func wellFormed(id, prefix string) bool {
	digits, ok := strings.CutPrefix(id, prefix)
	return ok && len(id) == idLen && strings.Trim(digits, idAlphabet) == ""
}
