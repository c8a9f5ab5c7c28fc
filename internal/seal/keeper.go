package seal

import (
	"crypto/sha256"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"provery/internal/fault"
)

// Keeper is the ring of a key file that may change while it is in use. It is
// safe for concurrent use.
type Keeper struct {
	path string
	ring atomic.Pointer[Ring]

	mu    sync.Mutex
	stamp stamp // of the file when it was last looked at
}

// stamp tells whether a file has changed.
type stamp struct {
	modified time.Time
	size     int64
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}

// Keep returns a keeper of the file at path, of which ring was just read.
func Keep(path string, ring *Ring) *Keeper {
	k := &Keeper{path: path, stamp: stampOf(path)}
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
	now := stampOf(k.path)
	if now == k.stamp {
		return false, nil
	}
	r, err := Load(k.path)
	if err == nil && check != nil {
		err = check(r)
	}
	if err != nil {
		return false, err
	}
	k.stamp = now
	if string(r.text()) == string(k.Ring().text()) {
		return false, nil
	}
	k.ring.Store(r)
	return true, nil
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
