package seal

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"slices"

	"provery/internal/fault"
)

// KeyInfo says what a ring does with a key.
type KeyInfo struct {
	ID      KeyID
	Seals   bool // the only one that does
	Standby bool // newer than the one that seals, and opens already
}

// List returns what a ring does with its keys, newer ones first.
func (r *Ring) List() []KeyInfo {
	out := make([]KeyInfo, len(r.keys))
	for i, k := range r.keys {
		out[i] = KeyInfo{ID: k.id, Seals: k.id == r.Primary(), Standby: k.standby}
	}
	return out
}

// Add puts a new key on standby into the file at path, so that every process
// can open what it seals before one seals with it; Use ends that.
func Add(path string) (KeyID, error) {
	var secret [keySize]byte
	rand.Read(secret[:]) // never fails: see its documentation
	k := newKey(secret)
	k.standby = true
	return k.id, edit(path, func(r *Ring) error {
		r.keys = slices.Insert(r.keys, 0, k)
		return nil
	})
}

// Use makes a key of the file the one that seals: one on standby, or an older
// one again; newer ones are put on standby. NotFound where there is no such key.
func Use(path, id string) error {
	return edit(path, func(r *Ring) error {
		i, err := r.place(id)
		if err != nil {
			return err
		}
		for j := range r.keys[:i] {
			r.keys[j].standby = true
		}
		r.keys[i].standby = false
		return nil
	})
}

// Drop takes a key out of the file. What it sealed can't be opened any more.
// Conflict for the one that seals, NotFound where there is no such key.
func Drop(path, id string) error {
	return edit(path, func(r *Ring) error {
		i, err := r.place(id)
		if err != nil {
			return err
		}
		if r.keys[i].id == r.Primary() {
			return fault.New(fault.Conflict, "key %s seals: use another one first", id)
		}
		r.keys = slices.Delete(r.keys, i, i+1)
		return nil
	})
}

func (r *Ring) place(id string) (int, error) {
	i := slices.IndexFunc(r.keys, func(k key) bool { return k.id.String() == id })
	if i < 0 {
		return 0, fault.New(fault.NotFound, "the key file holds no key %s", id)
	}
	return i, nil
}

// edit changes the key file at path, as a whole or not at all. One process at a
// time should do so.
func edit(path string, change func(*Ring) error) error {
	r, err := Load(path)
	if err != nil {
		return err
	}
	changed := Ring{keys: slices.Clone(r.keys)}
	if err := change(&changed); err != nil {
		return err
	}
	if len(changed.text()) > maxFile {
		return fault.New(fault.TooLarge, "the key file would have more than %d bytes", maxFile)
	}
	return fault.Wrap(replace(path, changed.text()), fault.Internal, "write key file")
}

// replace writes content to path, in the place of what is there, whose owner,
// group and mode it takes over: the service may run as another user than whoever
// changes its keys.
func replace(path string, content []byte) error {
	// A link is followed: what it points to is replaced, not the link.
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	old, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".key-") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err == nil {
		err = takeOver(f, old)
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
