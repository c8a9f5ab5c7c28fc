package evm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/ethereum/go-ethereum/common"

	"provery/internal/flock"
)

// FileJournal is a journal in a file of JSON lines, for one process at a time.
// What Put has written is on disk before it returns. The file is written anew
// without what was replaced when it is opened.
type FileJournal struct {
	memory *memoryJournal
	lock   *os.File

	mu     sync.Mutex
	file   *os.File
	size   int64 // of whole lines
	broken error // of a write that couldn't be taken back
}

// line is a line of the file: a record, or the ID of one that was removed.
type line struct {
	Record *Record `json:"record,omitempty"`
	Remove string  `json:"remove,omitempty"`
}

// OpenFileJournal opens the journal at path, and makes it if there is none. The
// lock is a file beside it.
func OpenFileJournal(path string) (*FileJournal, error) {
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	ours, err := flock.Try(lock)
	if err == nil && !ours {
		err = errors.New("another process has it")
	}
	j := &FileJournal{memory: &memoryJournal{records: map[string]Record{}}, lock: lock}
	if err == nil {
		err = j.load(path)
	}
	if err != nil {
		flock.Release(lock)
		return nil, errors.Join(fmt.Errorf("open journal %s: %w", path, err), lock.Close())
	}
	return j, nil
}

// load reads the file and writes it anew.
func (j *FileJournal) load(path string) error {
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := parseJournal(data, j.memory.records); err != nil {
		return err
	}
	var out bytes.Buffer
	for _, r := range j.memory.records {
		if err := encodeLine(&out, line{Record: &r}); err != nil {
			return err
		}
	}
	if j.file, err = replaceFile(path, out.Bytes()); err != nil {
		return err
	}
	j.size = int64(out.Len())
	return nil
}

// parseJournal reads the lines of a journal. The last one counts only if it is
// whole: a crash can have cut it off, and then Put hadn't returned.
func parseJournal(data []byte, into map[string]Record) error {
	for number := 1; ; number++ {
		text, rest, whole := bytes.Cut(data, []byte("\n"))
		if !whole {
			return nil
		}
		data = rest
		var l line
		err := json.Unmarshal(text, &l)
		switch {
		case err == nil && l.Record != nil && l.Record.ID != "" && l.Remove == "":
			into[l.Record.ID] = *l.Record
		case err == nil && l.Record == nil && l.Remove != "":
			delete(into, l.Remove)
		default:
			return fmt.Errorf("line %d is no record", number)
		}
	}
}

// encodeLine writes a line with its end.
func encodeLine(out *bytes.Buffer, l line) error {
	if err := json.NewEncoder(out).Encode(l); err != nil {
		return fmt.Errorf("encode record: %w", err)
	}
	return nil
}

// replaceFile puts contents at path, so that a crash leaves the old ones or the
// new ones, and returns the file, open at its end.
func replaceFile(path string, contents []byte) (*os.File, error) {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(contents)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// append writes a line and waits until it is on disk. A line that couldn't be
// written whole is taken back.
func (j *FileJournal) append(l line) error {
	var out bytes.Buffer
	if err := encodeLine(&out, l); err != nil {
		return err
	}
	if j.broken != nil {
		return fmt.Errorf("the journal can't be written any more: %w", j.broken)
	}
	_, err := j.file.WriteAt(out.Bytes(), j.size)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		if undo := j.file.Truncate(j.size); undo != nil {
			j.broken = err
		}
		return err
	}
	j.size += int64(out.Len())
	return nil
}

// Put implements Journal.
func (j *FileJournal) Put(ctx context.Context, r Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if r.ID == "" {
		return errors.New("a record without an ID")
	}
	if err := j.append(line{Record: &r}); err != nil {
		return err
	}
	return j.memory.Put(ctx, r)
}

// Remove implements Journal.
func (j *FileJournal) Remove(ctx context.Context, id string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, ok, err := j.memory.Find(ctx, id); !ok || err != nil {
		return err
	}
	if err := j.append(line{Remove: id}); err != nil {
		return err
	}
	return j.memory.Remove(ctx, id)
}

// Find implements Journal.
func (j *FileJournal) Find(ctx context.Context, id string) (Record, bool, error) {
	return j.memory.Find(ctx, id)
}

// Pending implements Journal.
func (j *FileJournal) Pending(ctx context.Context, chain uint64, account common.Address) ([]Record, error) {
	return j.memory.Pending(ctx, chain, account)
}

// Close closes the file, after the clients that use the journal.
func (j *FileJournal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.broken = errors.New("it is closed")
	flock.Release(j.lock)
	return errors.Join(j.file.Close(), j.lock.Close())
}
