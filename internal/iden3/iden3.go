// Package iden3 reads and writes the frame of the binary files of Circom and
// snarkjs: .r1cs, .wtns, .zkey and .ptau. It knows nothing of what is in them.
//
//	0  4  kind, four ASCII letters
//	4  4  version of the kind's format
//	8  4  number of sections
//	12    sections: u32 id, u64 length, the bytes
//
// All integers are little-endian. Sections come in any order and without
// alignment.
package iden3

import (
	"encoding/binary"
	"fmt"
	"io"

	"provery/internal/fault"
)

const (
	headerSize  = 12
	recordSize  = 12
	maxSections = 256
)

// File is the table of a file's sections.
type File struct {
	Kind     string
	Version  uint32
	data     io.ReaderAt
	sections map[uint32]section
}

type section struct {
	offset, length int64
	twice          bool
}

// KindOf returns the kind of the file that starts with head, or "" if it is
// none of the four.
func KindOf(head []byte) string {
	if len(head) >= headerSize {
		switch kind := string(head[:4]); kind {
		case "r1cs", "wtns", "zkey", "ptau":
			return kind
		}
	}
	return ""
}

// Open reads the table of a file of size bytes. A file of another kind or a
// later version, or whose sections don't follow each other up to its end, is
// fault.InvalidArtifact.
func Open(data io.ReaderAt, size int64, kind string, maxVersion uint32) (*File, error) {
	var head [headerSize]byte
	if err := readAt(data, head[:], 0); err != nil {
		return nil, err
	}
	f := &File{Kind: string(head[:4]), Version: binary.LittleEndian.Uint32(head[4:]), data: data, sections: map[uint32]section{}}
	n := binary.LittleEndian.Uint32(head[8:])
	switch {
	case f.Kind != kind:
		return nil, bad("not a .%s file", kind)
	case f.Version == 0 || f.Version > maxVersion:
		return nil, bad(".%s file of version %d; 1 to %d are read", kind, f.Version, maxVersion)
	case n > maxSections:
		return nil, bad("%d sections are more than a .%s file has", n, kind)
	}
	offset := int64(headerSize)
	for range n {
		var record [recordSize]byte
		if err := readAt(data, record[:], offset); err != nil {
			return nil, err
		}
		offset += recordSize
		id, length := binary.LittleEndian.Uint32(record[:]), binary.LittleEndian.Uint64(record[4:])
		if length > uint64(max(size-offset, 0)) {
			return nil, bad("section %d reaches beyond the end of the .%s file", id, kind)
		}
		_, twice := f.sections[id]
		f.sections[id] = section{offset, int64(length), twice}
		offset += int64(length)
	}
	if offset != size {
		return nil, bad("%d bytes follow the last section of the .%s file", size-offset, kind)
	}
	return f, nil
}

// Has reports whether the file has a section.
func (f *File) Has(id uint32) bool {
	_, ok := f.sections[id]
	return ok
}

// Section returns the bytes of a section. One that is missing or occurs twice
// is fault.InvalidArtifact.
func (f *File) Section(id uint32) (*io.SectionReader, error) {
	s, ok := f.sections[id]
	if !ok || s.twice {
		return nil, bad("the .%s file doesn't have exactly one section %d", f.Kind, id)
	}
	return io.NewSectionReader(f.data, s.offset, s.length), nil
}

// Sized is Section for one of a known length; another length is
// fault.InvalidArtifact.
func (f *File) Sized(id uint32, length int64) (*io.SectionReader, error) {
	s, err := f.Section(id)
	if err == nil && s.Size() != length {
		err = bad("section %d of the .%s file has %d bytes; %d are wanted", id, f.Kind, s.Size(), length)
	}
	return s, err
}

// Bytes reads a whole section of at most limit bytes.
func (f *File) Bytes(id uint32, limit int64) ([]byte, error) {
	s, err := f.Section(id)
	if err != nil {
		return nil, err
	}
	if s.Size() > limit {
		return nil, bad("section %d of the .%s file has %d bytes; at most %d are wanted", id, f.Kind, s.Size(), limit)
	}
	b := make([]byte, s.Size())
	return b, readAt(s, b, 0)
}

// ReadAt fills b with the file's bytes from an offset on that is counted from the
// start of a section, whatever lies there. A file that ends before is
// fault.InvalidArtifact.
func (f *File) ReadAt(id uint32, b []byte, offset int64) error {
	if _, err := f.Section(id); err != nil {
		return err
	}
	return readAt(f.data, b, f.sections[id].offset+offset)
}

// readAt fills b. Data that ends early is fault.InvalidArtifact.
func readAt(data io.ReaderAt, b []byte, offset int64) error {
	n, err := data.ReadAt(b, offset)
	switch {
	case n == len(b):
		return nil
	case err == io.EOF:
		return bad("the file ends early")
	}
	return fault.Wrap(err, fault.Internal, "read file")
}

func bad(format string, args ...any) error {
	return fault.New(fault.InvalidArtifact, "%s", fmt.Sprintf(format, args...))
}

// Section is a section to write: Length bytes, which Write writes.
type Section struct {
	ID     uint32
	Length int64
	Write  func(io.Writer) error
}

// Data returns a section of these bytes.
func Data(id uint32, b []byte) Section {
	return Section{id, int64(len(b)), func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	}}
}

// Write writes a file with the sections in the given order. A section that
// doesn't have its length is fault.Internal.
func Write(w io.Writer, kind string, version uint32, sections []Section) error {
	head := binary.LittleEndian.AppendUint32([]byte(kind), version)
	head = binary.LittleEndian.AppendUint32(head, uint32(len(sections)))
	if _, err := w.Write(head); err != nil {
		return err
	}
	for _, s := range sections {
		record := binary.LittleEndian.AppendUint32(nil, s.ID)
		record = binary.LittleEndian.AppendUint64(record, uint64(s.Length))
		if _, err := w.Write(record); err != nil {
			return err
		}
		c := &counter{w: w}
		if err := s.Write(c); err != nil {
			return err
		}
		if c.n != s.Length {
			return fault.New(fault.Internal, "section %d of %d bytes was announced with %d", s.ID, c.n, s.Length)
		}
	}
	return nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}
