package circom

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/iden3"
)

// Witness is the format of witness files, the .wtns of snarkjs.
const Witness = "wtns"

// The sections of a .wtns file.
const (
	wtnsHeader = 1
	wtnsValues = 2

	wtnsVersion = 2
)

// DescribeWitness returns the curve of a witness file and how many values it has,
// without reading them.
func DescribeWitness(file *io.SectionReader) (curve.ID, int, error) {
	f, id, values, err := openWitness(file)
	if err == nil {
		_, err = f.Sized(wtnsValues, int64(values)*scalarBytes)
	}
	return id, values, fault.Wrap(err, fault.InvalidArtifact, "read witness")
}

// openWitness reads the header of a witness file.
func openWitness(file *io.SectionReader) (*iden3.File, curve.ID, int, error) {
	f, err := iden3.Open(file, file.Size(), "wtns", wtnsVersion)
	if err != nil {
		return nil, 0, 0, err
	}
	b, err := f.Bytes(wtnsHeader, 1<<10)
	if err != nil {
		return nil, 0, 0, err
	}
	id, rest, err := readPrime(b)
	if err == nil && len(rest) != 4 {
		err = fault.New(fault.InvalidArtifact, "header of %d bytes; %d are wanted", len(b), len(b)-len(rest)+4)
	}
	if err != nil {
		return nil, 0, 0, err
	}
	return f, id, int(binary.LittleEndian.Uint32(rest)), nil
}

// readWitness reads the values of a witness file.
func (p *program[S]) readWitness(file *io.SectionReader) ([]S, error) {
	f, id, values, err := openWitness(file)
	if err != nil {
		return nil, err
	}
	if id != p.Curve() || values != p.header.Wires {
		return nil, fault.New(fault.InvalidArtifact, "not a witness of this circuit, which has %d values over %v", p.header.Wires, p.Curve())
	}
	s, err := f.Sized(wtnsValues, int64(p.header.Wires)*scalarBytes)
	if err != nil {
		return nil, err
	}
	words := make([]byte, s.Size())
	if _, err := io.ReadFull(s, words); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "read values")
	}
	defer clear(words)
	z := make([]S, p.header.Wires)
	if err := p.field.Decode(z, words); err != nil {
		return nil, err
	}
	if !p.field.IsOne(&z[0]) {
		return nil, fault.New(fault.InvalidArtifact, "the first value isn't 1")
	}
	return z, nil
}

// CheckWitness implements frontend.WitnessFiles.
func (p *program[S]) CheckWitness(file *io.SectionReader) error {
	_, err := p.readWitness(file)
	return fault.Wrap(err, fault.InvalidArtifact, "read witness")
}

// ReadWitness implements frontend.WitnessFiles.
func (p *program[S]) ReadWitness(ctx context.Context, file *io.SectionReader) (*frontend.Solution, error) {
	z, err := p.readWitness(file)
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, "read witness")
	}
	return p.solution(ctx, z)
}

// WriteWitness implements frontend.WitnessFiles. The file is byte for byte that
// of Circom's own tools.
func (p *program[S]) WriteWitness(w io.Writer, s *frontend.Solution, format string) error {
	if format != Witness {
		return fault.New(fault.Unsupported, "unknown witness format; known is %s", Witness)
	}
	z, err := curve.Elements[S](p.Curve(), s.Witness.Z)
	if err != nil {
		return err
	}
	var header bytes.Buffer
	header.Write(binary.LittleEndian.AppendUint32(nil, scalarBytes))
	header.Write(modulusBytes(p.field.Params()))
	header.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(z))))
	err = iden3.Write(w, "wtns", wtnsVersion, []iden3.Section{
		iden3.Data(wtnsHeader, header.Bytes()),
		{ID: wtnsValues, Length: int64(len(z)) * scalarBytes, Write: func(w io.Writer) error { return p.writeValues(w, z) }},
	})
	return fault.Wrap(err, fault.Internal, "write witness")
}

func (p *program[S]) writeValues(w io.Writer, z []S) error {
	const block = 1024
	b := make([]byte, block*scalarBytes)
	defer clear(b)
	for lo := 0; lo < len(z); lo += block {
		part := z[lo:min(lo+block, len(z))]
		p.field.Encode(b[:len(part)*scalarBytes], part)
		if _, err := w.Write(b[:len(part)*scalarBytes]); err != nil {
			return err
		}
	}
	return nil
}

// WitnessSize implements frontend.WitnessFiles.
func (p *program[S]) WitnessSize(string) int64 {
	const frame = 12 + 2*12 + 4 + scalarBytes + 4
	return frame + int64(p.header.Wires)*scalarBytes
}
