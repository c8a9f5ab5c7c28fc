// Package container reads and writes Provery's own binary files: compact
// programs and proving keys. A file is a header, a table of sections and the
// sections themselves, each aligned to 64 bytes, so that a mapped file can be
// used in place. docs/formats/container.md describes it.
//
//	0   8  magic "provery" and a zero byte
//	8   4  kind, four ASCII letters
//	12  4  version of the kind's format
//	16  4  number of sections
//	20  4  zero
//	24 24n section records: u32 id, u32 zero, u64 offset, u64 length
//
// All integers are little-endian. Files are opened on little-endian machines
// only, since sections hold arrays in memory layout.
package container

import (
	"encoding/binary"
	"fmt"
	"io"
	"unsafe"

	"provery/internal/fault"
)

const (
	magic       = "provery\x00"
	headerSize  = 24
	recordSize  = 24
	alignment   = 64
	maxSections = 64
)

// Section is one part of a file. Its bytes are written as they are.
type Section struct {
	ID   uint32
	Data []byte
}

// Write writes a file of the kind (four ASCII letters) and version with the
// sections in the given order, and returns its size in bytes.
func Write(w io.Writer, kind string, version uint32, sections []Section) (int64, error) {
	if len(kind) != 4 || len(sections) > maxSections {
		panic("container: kind isn't four letters, or too many sections")
	}
	head := make([]byte, headerSize+recordSize*len(sections))
	copy(head, magic)
	copy(head[8:], kind)
	binary.LittleEndian.PutUint32(head[12:], version)
	binary.LittleEndian.PutUint32(head[16:], uint32(len(sections)))
	offset := align(int64(len(head)))
	for i, s := range sections {
		rec := head[headerSize+recordSize*i:]
		binary.LittleEndian.PutUint32(rec, s.ID)
		binary.LittleEndian.PutUint64(rec[8:], uint64(offset))
		binary.LittleEndian.PutUint64(rec[16:], uint64(len(s.Data)))
		offset = align(offset + int64(len(s.Data)))
	}
	written := int64(0)
	put := func(b []byte) error {
		n, err := w.Write(b)
		written += int64(n)
		return err
	}
	var zeros [alignment]byte
	if err := put(head); err != nil {
		return written, err
	}
	for _, s := range sections {
		if err := put(zeros[:align(written)-written]); err != nil {
			return written, err
		}
		if err := put(s.Data); err != nil {
			return written, err
		}
	}
	return written, nil
}

func align(n int64) int64 { return (n + alignment - 1) &^ (alignment - 1) }

// File is an opened container. Its sections are views into the bytes it was
// opened from.
type File struct {
	Kind     string
	Version  uint32
	sections map[uint32][]byte
}

// Open reads the header and the section table of data, which must start at an
// address that is a multiple of 8. A file of another kind, a newer version,
// or with a damaged table is fault.InvalidArtifact.
func Open(data []byte, kind string, maxVersion uint32) (*File, error) {
	if len(data) < headerSize || string(data[:8]) != magic {
		return nil, bad("not a Provery file")
	}
	f := &File{Kind: string(data[8:12]), Version: binary.LittleEndian.Uint32(data[12:])}
	if f.Kind != kind {
		return nil, bad("file of kind %q where %q is wanted", f.Kind, kind)
	}
	if f.Version == 0 || f.Version > maxVersion {
		return nil, bad("format version %d; this release reads 1 to %d", f.Version, maxVersion)
	}
	n := int(binary.LittleEndian.Uint32(data[16:]))
	if n > maxSections || len(data) < headerSize+recordSize*n {
		return nil, bad("section table of %d records is damaged", n)
	}
	if !littleEndian() || uintptr(unsafe.Pointer(unsafe.SliceData(data)))%8 != 0 {
		return nil, fault.New(fault.Unsupported, "open file: needs a little-endian machine and aligned memory")
	}
	f.sections = make(map[uint32][]byte, n)
	for i := range n {
		rec := data[headerSize+recordSize*i:]
		id := binary.LittleEndian.Uint32(rec)
		offset, length := binary.LittleEndian.Uint64(rec[8:]), binary.LittleEndian.Uint64(rec[16:])
		if offset%alignment != 0 || offset > uint64(len(data)) || length > uint64(len(data))-offset {
			return nil, bad("section %d lies outside of the file", id)
		}
		if _, twice := f.sections[id]; twice {
			return nil, bad("section %d occurs twice", id)
		}
		f.sections[id] = data[offset : offset+length : offset+length]
	}
	return f, nil
}

// KindOf returns the kind of the file that starts with head, or "" if it
// isn't a container.
func KindOf(head []byte) string {
	if len(head) < headerSize || string(head[:8]) != magic {
		return ""
	}
	return string(head[8:12])
}

// Has reports whether there is a section.
func (f *File) Has(id uint32) bool {
	_, ok := f.sections[id]
	return ok
}

// Section returns the bytes of a section; fault.InvalidArtifact if there is none.
func (f *File) Section(id uint32) ([]byte, error) {
	s, ok := f.sections[id]
	if !ok {
		return nil, bad("section %d is missing", id)
	}
	return s, nil
}

// Word is an unsigned integer that arrays in sections are made of.
type Word interface{ ~uint16 | ~uint32 | ~uint64 }

// Words views a section as an array of integers, without copying.
func Words[W Word](f *File, id uint32) ([]W, error) {
	s, err := f.Section(id)
	if err != nil {
		return nil, err
	}
	size := int(unsafe.Sizeof(W(0)))
	if len(s)%size != 0 {
		return nil, bad("section %d isn't a whole number of %d-byte words", id, size)
	}
	if len(s) == 0 {
		return []W{}, nil
	}
	return unsafe.Slice((*W)(unsafe.Pointer(unsafe.SliceData(s))), len(s)/size), nil
}

// Bytes views an array of integers as the bytes of a section, without copying.
func Bytes[W Word](v []W) []byte {
	if len(v) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v)*int(unsafe.Sizeof(v[0])))
}

func littleEndian() bool {
	x := uint16(1)
	return *(*byte)(unsafe.Pointer(&x)) == 1
}

func bad(format string, args ...any) *fault.Error {
	return fault.New(fault.InvalidArtifact, "open file: %s", fmt.Sprintf(format, args...))
}
