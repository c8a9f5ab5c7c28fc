package hosting

import (
	"errors"
	"io"
	"os"
	"syscall"

	"provery/internal/fault"
)

// maxOutputs bounds the files of a program.
const maxOutputs = 8

// outputs takes what the child sends before its reply: the files of a program.
type outputs struct {
	dir        string
	stage      func(string)
	size, most int64 // of all files together
	files      map[string]*spool
	current    *spool
}

func (o *outputs) enter(stage string) {
	if o.stage != nil {
		o.stage(stage)
	}
}

// begin makes the file of a role.
func (o *outputs) begin(role string) error {
	if o.files == nil {
		o.files = map[string]*spool{}
	}
	if o.files[role] != nil || len(o.files) == maxOutputs {
		return errors.New("an output too many")
	}
	s, err := newSpool(o.dir)
	if err == nil {
		o.files[role], o.current = s, s
	}
	return err
}

// Write appends to the file that was begun last.
func (o *outputs) Write(b []byte) (int, error) {
	if o.current == nil {
		return 0, errors.New("bytes of no output")
	}
	if o.size += int64(len(b)); o.size > o.most {
		return 0, fault.New(fault.TooLarge, "the compiled program has more than %d bytes", o.most)
	}
	return o.current.Write(b)
}

func (o *outputs) readers() map[string]*io.SectionReader {
	out := map[string]*io.SectionReader{}
	for role, s := range o.files {
		out[role] = io.NewSectionReader(s.file, 0, s.size)
	}
	return out
}

// Close removes the files.
func (o *outputs) Close() error {
	var err error
	for _, s := range o.files {
		err = errors.Join(err, s.Close())
	}
	return err
}

// spool is a file of a program, which disappears with the last use of it
// where the system allows that, and at Close elsewhere.
type spool struct {
	file   *os.File
	size   int64
	linked bool
}

func newSpool(dir string) (*spool, error) {
	file, err := os.CreateTemp(dir, "provery-program-*")
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "make a file for the program")
	}
	return &spool{file: file, linked: os.Remove(file.Name()) != nil}, nil
}

// Write appends to the file.
func (s *spool) Write(b []byte) (int, error) {
	s.size += int64(len(b))
	n, err := s.file.Write(b)
	if errors.Is(err, syscall.ENOSPC) {
		err = fault.Wrap(err, fault.InsufficientStorage, "there is no space for the compiled program")
	} else if err != nil {
		err = fault.Wrap(err, fault.Internal, "write the compiled program")
	}
	return n, err
}

// Close removes the file.
func (s *spool) Close() error {
	err := s.file.Close()
	if s.linked {
		err = errors.Join(err, os.Remove(s.file.Name()))
	}
	return err
}
