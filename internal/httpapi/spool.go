package httpapi

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"provery/internal/fault"
)

// spoolPattern names the files of uploads, and nothing else, in the spool
// directory.
const spoolPattern = "upload-*.part"

// spool is the directory that holds uploads while their request lasts.
type spool struct{ dir string }

// openSpool makes the directory, for this user only, and removes the uploads
// that a killed process left in it.
func openSpool(dir string) (*spool, error) {
	if dir == "" {
		return nil, errors.New("no spool directory")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, err
	}
	left, err := filepath.Glob(filepath.Join(dir, spoolPattern))
	if err != nil {
		return nil, err
	}
	for _, name := range left {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return &spool{dir}, nil
}

// spooled are the uploads of one request.
type spooled struct {
	spool *spool
	files []*os.File
}

// store copies r, at most limit bytes of it, to a new file. More bytes than
// that are fault.TooLarge, a full disk is fault.InsufficientStorage.
func (s *spooled) store(r io.Reader, limit int64) (Upload, error) {
	f, err := os.CreateTemp(s.spool.dir, spoolPattern)
	if err != nil {
		return Upload{}, diskError(err)
	}
	s.files = append(s.files, f)
	hash := sha256.New()
	n, err := io.CopyBuffer(&fileWriter{f, hash}, io.LimitReader(r, limit+1), make([]byte, 256<<10))
	if err != nil {
		return Upload{}, err
	}
	if n > limit {
		return Upload{}, fault.New(fault.TooLarge, "the part is over %d bytes", limit)
	}
	u := Upload{Size: n, Reader: io.NewSectionReader(f, 0, n)}
	hash.Sum(u.Digest[:0])
	return u, nil
}

// remove closes and removes the files.
func (s *spooled) remove() error {
	var errs []error
	for _, f := range s.files {
		errs = append(errs, f.Close(), os.Remove(f.Name()))
	}
	s.files = nil
	return errors.Join(errs...)
}

// fileWriter writes to a file and a hash, and tells the disk's errors from
// those of the reader.
type fileWriter struct {
	file *os.File
	hash io.Writer
}

func (w *fileWriter) Write(b []byte) (int, error) {
	n, err := w.file.Write(b)
	_, _ = w.hash.Write(b[:n]) // never fails
	return n, diskError(err)
}

func diskError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return &fault.Error{Code: fault.InsufficientStorage, Detail: "the disk is full", Err: err}
	}
	return fmt.Errorf("spool upload: %w", err)
}
