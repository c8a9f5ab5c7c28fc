package seal

import (
	"crypto/sha256"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"provery/internal/fault"
)

// Keeper is the ring of a key file that may change while it is in use. It is
// safe for concurrent use.
type Keeper struct {
	path string
	ring atomic.Pointer[Ring]

	mu   sync.Mutex
	seen fs.FileInfo // of the file when it was last read; nil: not by Reload yet
}

// Keep returns a keeper of the file at path, of which ring was just read.
func Keep(path string, ring *Ring) *Keeper {
	k := &Keeper{path: path}
	k.ring.Store(ring)
	return k
}

// Ring returns the present ring.
func (k *Keeper) Ring() *Ring { return k.ring.Load() }

// Reload reads the file again if it looks changed, and reports whether there is
// another ring. check, if not nil, may refuse it. With an error the ring stays
// as it was.
func (k *Keeper) Reload(check func(*Ring) error) (changed bool, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now, err := os.Stat(k.path)
	if err == nil && k.seen != nil && unchanged(k.seen, now) {
		return false, nil
	}
	r, err := Load(k.path)
	if err == nil && check != nil {
		err = check(r)
	}
	if err != nil {
		return false, err
	}
	k.seen = now
	if string(r.text()) == string(k.Ring().text()) {
		return false, nil
	}
	k.ring.Store(r)
	return true, nil
}

// unchanged reports whether a file looks like it did: it is the same one, and
// as old and as long as before.
func unchanged(before, now fs.FileInfo) bool {
	return os.SameFile(before, now) && before.ModTime().Equal(now.ModTime()) && before.Size() == now.Size()
}

// Primary returns the id of the key that seals.
func (k *Keeper) Primary() KeyID { return k.Ring().Primary() }

// Seal is Ring.Seal.
func (k *Keeper) Seal(jobID, purpose string, content []byte) []byte {
	return k.Ring().Seal(jobID, purpose, content)
}

// Open is Ring.Open. For a key that the ring lacks it looks into the file again.
func (k *Keeper) Open(jobID, purpose string, sealed []byte) ([]byte, error) {
	content, err := k.Ring().Open(jobID, purpose, sealed)
	if !fault.Is(err, fault.Internal) {
		return content, err
	}
	if changed, _ := k.Reload(nil); !changed { // the error to report is the first one
		return content, err
	}
	return k.Ring().Open(jobID, purpose, sealed)
}

// Fingerprint is Ring.Fingerprint.
func (k *Keeper) Fingerprint(purpose string, content []byte) [sha256.Size]byte {
	return k.Ring().Fingerprint(purpose, content)
}
