package zokrates

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math"
	"math/big"
	"slices"

	"provery/internal/curve"
	"provery/internal/fault"
)

const (
	programMagic   = "ZOK\x00"
	programVersion = 3
	headerSize     = 120 // 20 of them padding
	numSections    = 4
)

// curveIDs are the first four bytes of SHA-256 over the scalar modulus,
// little-endian, by which a program names its curve.
var curveIDs = map[[4]byte]curve.ID{
	{0xb4, 0xf7, 0xb5, 0xbd}: curve.BN128,
	{0x40, 0xd8, 0xc1, 0xf9}: curve.BLS12381,
	{0xc2, 0x95, 0x5a, 0xb5}: curve.BLS12377,
	{0xed, 0xec, 0x80, 0xac}: curve.BW6761,
}

// curveTag computes the key of curveIDs for a scalar modulus.
func curveTag(modulus *big.Int, scalarBytes int) (tag [4]byte) {
	b := modulus.FillBytes(make([]byte, scalarBytes))
	slices.Reverse(b)
	sum := sha256.Sum256(b)
	copy(tag[:], sum[:])
	return tag
}

// Range is a part of a file, in bytes.
type Range struct {
	Offset int64
	Length int64
}

// Header is what the first 120 bytes of a compiled program tell.
type Header struct {
	Curve curve.ID
	// Constraints counts the constraint statements, Outputs the field
	// elements that the program returns.
	Constraints int
	Outputs     int
	// The program's four sections, in file order.
	Parameters Range
	Statements Range
	Solvers    Range
	ModuleMap  Range
}

// IsProgram reports whether a file that starts with head is a compiled
// ZoKrates program of any version.
func IsProgram(head []byte) bool {
	return len(head) >= len(programMagic) && string(head[:len(programMagic)]) == programMagic
}

// Describe reads and checks the header of a compiled program ("out") without
// reading the rest. A file of another kind or version, of a curve that isn't
// known, or whose sections don't follow each other up to the file's end is
// fault.InvalidArtifact.
func Describe(program *io.SectionReader) (*Header, error) {
	var b [headerSize]byte
	if n, err := program.ReadAt(b[:], 0); n < headerSize {
		if err != nil && err != io.EOF {
			return nil, fault.Wrap(err, fault.Internal, "read program")
		}
		return nil, badHeader("%d bytes are no program", n)
	}
	if !IsProgram(b[:]) {
		return nil, badHeader("not a compiled ZoKrates program")
	}
	if v := binary.LittleEndian.Uint32(b[4:]); v != programVersion {
		return nil, badHeader("format version %d; only %d (ZoKrates 0.8.x) is read", v, programVersion)
	}
	id, ok := curveIDs[[4]byte(b[8:12])]
	if !ok {
		return nil, badHeader("curve with the identifier %x isn't known", b[8:12])
	}
	h := &Header{
		Curve:       id,
		Constraints: int(binary.LittleEndian.Uint32(b[12:])),
		Outputs:     int(binary.LittleEndian.Uint32(b[16:])),
	}
	if err := h.readSections(b[20:], program.Size()); err != nil {
		return nil, err
	}
	if !bytes.Equal(b[100:], make([]byte, headerSize-100)) {
		return nil, badHeader("padding isn't zero")
	}
	return h, nil
}

// readSections reads the four records. The module map's type is 3, as the
// solvers' is, in every file that the compiler writes; 4 was meant.
func (h *Header) readSections(records []byte, size int64) error {
	end := uint64(headerSize)
	for i, dst := range [numSections]*Range{&h.Parameters, &h.Statements, &h.Solvers, &h.ModuleMap} {
		rec := records[20*i:]
		kind := binary.LittleEndian.Uint32(rec)
		offset, length := binary.LittleEndian.Uint64(rec[4:]), binary.LittleEndian.Uint64(rec[12:])
		if kind != uint32(i+1) && !(i == numSections-1 && kind == numSections-1) {
			return badHeader("section %d has the type %d", i+1, kind)
		}
		if offset != end || length > uint64(size)-min(offset, uint64(size)) || offset > math.MaxInt64 {
			return badHeader("section %d lies outside of the file or doesn't follow the one before", i+1)
		}
		end = offset + length
		*dst = Range{int64(offset), int64(length)}
	}
	if end != uint64(size) {
		return badHeader("%d bytes follow the last section", uint64(size)-end)
	}
	return nil
}

func badHeader(format string, args ...any) error {
	return fault.Wrap(fault.New(fault.InvalidArtifact, format, args...), fault.InvalidArtifact, "read program header")
}
