// Package seal encrypts the private arguments of jobs.
//
// Each message has a random data key of its own (AES-256-GCM), and that key is
// wrapped by one of the service's keys (AES-256-GCM again), whose id stands in
// the message. Both encryptions are bound to the job's id and to the purpose:
// a message that was moved to another job doesn't open.
//
// A sealed message, version 1:
//
//	"PVS" 1  ·  key id (8)  ·  wrap nonce (12)  ·  wrapped data key (32+16)  ·  nonce (12)  ·  ciphertext (n+16)
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"

	"provery/internal/fault"
)

const (
	magic     = "PVS\x01"
	keySize   = 32
	idSize    = 8
	nonceSize = 12
	tagSize   = 16
	headSize  = len(magic) + idSize + nonceSize + keySize + tagSize + nonceSize

	// Overhead is how many bytes longer than its content a sealed message is.
	Overhead = headSize + tagSize
)

// KeyID names a service key: the first 8 bytes of a hash of the key.
type KeyID [idSize]byte

// String returns 16 hexadecimal digits.
func (id KeyID) String() string { return hex.EncodeToString(id[:]) }

// key is a service key.
type key struct {
	id      KeyID
	secret  [keySize]byte
	standby bool // opens, and doesn't seal yet
}

func newKey(secret [keySize]byte) key {
	h := sha256.New()
	h.Write([]byte("provery seal key id\x00"))
	h.Write(secret[:])
	return key{id: KeyID(h.Sum(nil)[:idSize]), secret: secret}
}

// Ring is a set of service keys, newer ones first: the first one that isn't on
// standby seals, all of them open. It is immutable and may be used concurrently.
type Ring struct{ keys []key }

// Primary returns the id of the key that seals.
func (r *Ring) Primary() KeyID { return r.primary().id }

// primary returns the key that seals. A ring has one.
func (r *Ring) primary() *key {
	for i := range r.keys {
		if !r.keys[i].standby {
			return &r.keys[i]
		}
	}
	panic("seal: a ring of standby keys only")
}

// Keys returns the ids of all keys, newer ones first.
func (r *Ring) Keys() []KeyID {
	ids := make([]KeyID, len(r.keys))
	for i := range r.keys {
		ids[i] = r.keys[i].id
	}
	return ids
}

// Seal encrypts content for the job and the purpose (a fixed word of the
// caller's: "arguments"). The content isn't modified or kept.
func (r *Ring) Seal(jobID, purpose string, content []byte) []byte {
	return r.seal(rand.Reader, jobID, purpose, content)
}

// seal is Seal with the source of randomness as a parameter: 32 bytes for the
// data key, 12 for each nonce, in this order.
func (r *Ring) seal(random io.Reader, jobID, purpose string, content []byte) []byte {
	k := r.primary()
	var data [keySize]byte
	defer clear(data[:])
	var nonces [2 * nonceSize]byte
	draw(random, data[:])
	draw(random, nonces[:])

	out := make([]byte, 0, len(content)+Overhead)
	out = append(out, magic...)
	out = append(out, k.id[:]...)
	out = append(out, nonces[:nonceSize]...)
	out = gcm(k.secret[:]).Seal(out, nonces[:nonceSize], data[:], bound("wrap", k.id, jobID, purpose))
	out = append(out, nonces[nonceSize:]...)
	return gcm(data[:]).Seal(out, nonces[nonceSize:], content, bound("data", k.id, jobID, purpose))
}

// Open decrypts what Seal made for the same job and purpose. Errors, which
// never hold content: InvalidArtifact where the message was altered, cut, or
// made for something else; Internal where the ring doesn't hold its key.
func (r *Ring) Open(jobID, purpose string, sealed []byte) ([]byte, error) {
	if len(sealed) < Overhead || string(sealed[:len(magic)]) != magic {
		return nil, fault.New(fault.InvalidArtifact, "open sealed %s: not a sealed message", purpose)
	}
	rest := sealed[len(magic):]
	id := KeyID(rest[:idSize])
	k := r.find(id)
	if k == nil {
		return nil, fault.New(fault.Internal, "open sealed %s: sealed with key %s, which the key file doesn't hold", purpose, id)
	}
	rest = rest[idSize:]
	data, err := gcm(k.secret[:]).Open(nil, rest[:nonceSize], rest[nonceSize:nonceSize+keySize+tagSize], bound("wrap", id, jobID, purpose))
	if err != nil {
		return nil, altered(err, purpose)
	}
	defer clear(data)
	rest = rest[nonceSize+keySize+tagSize:]
	content, err := gcm(data).Open(nil, rest[:nonceSize], rest[nonceSize:], bound("data", id, jobID, purpose))
	if err != nil {
		return nil, altered(err, purpose)
	}
	return content, nil
}

func altered(err error, purpose string) error {
	return &fault.Error{Code: fault.InvalidArtifact, Detail: "open sealed " + purpose + ": altered, or sealed for another job", Err: err}
}

func (r *Ring) find(id KeyID) *key {
	for i := range r.keys {
		if r.keys[i].id == id {
			return &r.keys[i]
		}
	}
	return nil
}

// bound returns the associated data of one of the two encryptions. Lengths
// stand in front, so that no two sets of parts look the same.
func bound(layer string, id KeyID, jobID, purpose string) []byte {
	out := []byte(magic)
	for _, s := range []string{layer, string(id[:]), jobID, purpose} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(s)))
		out = append(out, s...)
	}
	return out
}

// gcm returns AES-256-GCM. The key has 32 bytes, with which neither step can
// fail.
func gcm(k []byte) cipher.AEAD {
	block, err := aes.NewCipher(k)
	if err != nil {
		panic(err)
	}
	a, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return a
}

// draw fills b. crypto/rand never fails, and tests hand in enough.
func draw(random io.Reader, b []byte) {
	if _, err := io.ReadFull(random, b); err != nil {
		panic(err)
	}
}
