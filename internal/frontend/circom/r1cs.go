package circom

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math"
	"math/big"
	"slices"

	"provery/internal/curve"
	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/fault"
	"provery/internal/iden3"
	"provery/internal/r1cs"
)

// The sections of an .r1cs file.
const (
	r1csHeader      = 1
	r1csConstraints = 2
	r1csLabels      = 3
	r1csGates       = 4
	r1csGateUses    = 5

	r1csVersion    = 1
	r1csHeaderSize = 4 + scalarBytes + 4*4 + 8 + 4
)

// scalarBytes is the size of a scalar in the files of the curves that are read.
const scalarBytes = 32

// Header is what the header of an .r1cs file tells.
type Header struct {
	Curve         curve.ID
	Wires         int // columns of z: the constant, outputs, public inputs, others
	Outputs       int
	PublicInputs  int
	PrivateInputs int    // those that no constraint uses included
	Labels        uint64 // signals, the constant included
	Constraints   int
}

// public is the number of public wires.
func (h *Header) public() int { return h.Outputs + h.PublicInputs }

// DescribeR1CS reads the header of an .r1cs file without reading the rest. A
// prime that is no supported curve's order, and custom gates, which PLONK alone
// has, are fault.Unsupported.
func DescribeR1CS(file *io.SectionReader) (*Header, error) {
	_, h, err := openR1CS(file)
	return h, err
}

func openR1CS(file *io.SectionReader) (*iden3.File, *Header, error) {
	f, err := iden3.Open(file, file.Size(), "r1cs", r1csVersion)
	if err != nil {
		return nil, nil, fault.Wrap(err, fault.InvalidArtifact, "read constraint system")
	}
	h, err := readHeader(f)
	if err != nil {
		return nil, nil, fault.Wrap(err, fault.InvalidArtifact, "read constraint system")
	}
	return f, h, nil
}

func readHeader(f *iden3.File) (*Header, error) {
	b, err := f.Bytes(r1csHeader, 1<<10)
	if err != nil {
		return nil, err
	}
	id, rest, err := readPrime(b)
	if err != nil {
		return nil, err
	}
	if len(b) != r1csHeaderSize {
		return nil, fault.New(fault.InvalidArtifact, "header of %d bytes; %d are wanted", len(b), r1csHeaderSize)
	}
	word := func(i int) int { return int(binary.LittleEndian.Uint32(rest[4*i:])) }
	h := &Header{
		Curve: id, Wires: word(0), Outputs: word(1), PublicInputs: word(2), PrivateInputs: word(3),
		Labels: binary.LittleEndian.Uint64(rest[16:]), Constraints: word(6),
	}
	if h.Wires < 1 || h.public() >= h.Wires || h.Wires > math.MaxInt32 || uint64(h.Wires) > h.Labels || h.Labels > math.MaxUint32 {
		return nil, fault.New(fault.InvalidArtifact, "impossible numbers of wires, inputs and labels")
	}
	for _, id := range []uint32{r1csGates, r1csGateUses} {
		if f.Has(id) {
			gates, err := f.Section(id)
			if err != nil {
				return nil, err
			}
			var count [4]byte
			if n, _ := gates.ReadAt(count[:], 0); n < 4 || count != [4]byte{} {
				return nil, fault.New(fault.Unsupported, "the circuit has custom gates, which Groth16 can't prove")
			}
		}
	}
	return h, nil
}

// readPrime reads the size of a field's elements and its order, with which the
// headers of .r1cs and .wtns files start, and returns the curve and the rest.
func readPrime(b []byte) (curve.ID, []byte, error) {
	if len(b) < 4 {
		return 0, nil, fault.New(fault.InvalidArtifact, "the header is too short")
	}
	n8 := binary.LittleEndian.Uint32(b)
	if n8 == 0 || n8%8 != 0 || uint64(len(b)) < 4+uint64(n8) {
		return 0, nil, fault.New(fault.InvalidArtifact, "the header is too short for its field")
	}
	prime := slices.Clone(b[4 : 4+n8])
	slices.Reverse(prime)
	p := new(big.Int).SetBytes(prime)
	for _, params := range []*curve.Params{bn254.NewField().Params(), bls12381.NewField().Params()} {
		if n8 == scalarBytes && p.Cmp(params.ScalarModulus) == 0 {
			return params.ID, b[4+n8:], nil
		}
	}
	return 0, nil, fault.New(fault.Unsupported, "the prime is no scalar field's that can be proven over: compile with --prime bn128 or bls12381")
}

// readLabels reads the label of each wire.
func readLabels(f *iden3.File, h *Header) ([]uint32, error) {
	s, err := f.Sized(r1csLabels, 8*int64(h.Wires))
	if err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(s, 1<<16)
	labels := make([]uint32, h.Wires)
	var b [8]byte
	for i := range labels {
		if _, err := io.ReadFull(in, b[:]); err != nil {
			return nil, fault.Wrap(err, fault.Internal, "read labels")
		}
		v := binary.LittleEndian.Uint64(b[:])
		if v >= h.Labels || i == 0 && v != 0 || i > 0 && v == 0 {
			return nil, fault.New(fault.InvalidArtifact, "wire %d has a label that isn't there", i)
		}
		labels[i] = uint32(v)
	}
	return labels, nil
}

// constraintReader reads the terms of constraints into a pool.
type constraintReader struct {
	in    *bufio.Reader
	left  int64 // bytes
	wires uint32
	pool  *r1cs.Pool
	terms r1cs.Combination
}

const termSize = 4 + scalarBytes

func newConstraintReader(p *curve.Params, file *iden3.File, h *Header) (*constraintReader, error) {
	s, err := file.Section(r1csConstraints)
	if err != nil {
		return nil, err
	}
	const least = 3 * 4 // bytes of a constraint
	if int64(h.Constraints) > s.Size()/least {
		return nil, fault.New(fault.InvalidArtifact, "%d constraints in a section of %d bytes", h.Constraints, s.Size())
	}
	return &constraintReader{bufio.NewReaderSize(s, 1<<16), s.Size(), uint32(h.Wires), r1cs.NewPool(p), r1cs.Combination{}}, nil
}

// each calls read for the combinations of each constraint: those of A (0), B and C.
func (r *constraintReader) each(ctx context.Context, h *Header, read func(matrix, constraint int) error) error {
	for i := range h.Constraints {
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		for m := range 3 {
			if err := read(m, i); err != nil {
				return fault.Wrap(err, fault.InvalidArtifact, "constraint %d", i)
			}
		}
	}
	if r.left != 0 {
		return fault.New(fault.InvalidArtifact, "%d bytes follow the last constraint", r.left)
	}
	return nil
}

// readSystem reads the constraints. It allocates in proportion to the
// section's bytes, whatever the counts in it say.
func readSystem[S any](ctx context.Context, f curve.Field[S], file *iden3.File, h *Header) (*r1cs.System, error) {
	r, err := newConstraintReader(f.Params(), file, h)
	if err != nil {
		return nil, err
	}
	system := &r1cs.System{Curve: h.Curve, NumPublic: h.public(), NumVariables: h.Wires}
	matrices := [3]*[]uint32{&system.A, &system.B, &system.C}
	for _, m := range matrices {
		*m = make([]uint32, h.Constraints)
	}
	err = r.each(ctx, h, func(matrix, i int) (err error) {
		(*matrices[matrix])[i], err = r.row()
		return err
	})
	if err != nil {
		return nil, err
	}
	if system.Table, err = r1cs.InternTable(f, r.pool); err != nil {
		return nil, err
	}
	rows := curve.Sparse{Start: r.pool.Start, Columns: r.pool.Columns, Coef32: r.pool.Terms}
	system.Rows = r1cs.Narrow(rows, r.pool.Coefs.Len())
	return system, nil
}

// row reads one linear combination and returns its row in the pool.
func (r *constraintReader) row() (uint32, error) {
	if err := r.combination(); err != nil {
		return 0, err
	}
	if r.pool.Full(&r.terms) {
		return 0, fault.New(fault.TooLarge, "the constraint system has too many terms")
	}
	return r.pool.Add(&r.terms), nil
}

// combination reads one linear combination into terms.
func (r *constraintReader) combination() error {
	var b [termSize]byte
	if err := r.read(b[:4]); err != nil {
		return err
	}
	n := binary.LittleEndian.Uint32(b[:])
	if int64(n) > r.left/termSize {
		return fault.New(fault.InvalidArtifact, "%d terms in the remaining %d bytes", n, r.left)
	}
	r.terms.Reset()
	for range n {
		if err := r.read(b[:]); err != nil {
			return err
		}
		wire := binary.LittleEndian.Uint32(b[:])
		coef, ok := r.pool.Coefs.Number(b[4:])
		if wire >= r.wires || !ok {
			return fault.New(fault.InvalidArtifact, "a term of a wire that isn't there, or with a coefficient outside of the field")
		}
		r.terms.Columns, r.terms.Terms = append(r.terms.Columns, wire), append(r.terms.Terms, coef)
	}
	return nil
}

func (r *constraintReader) read(b []byte) error {
	if int64(len(b)) > r.left {
		return fault.New(fault.InvalidArtifact, "the section ends early")
	}
	r.left -= int64(len(b))
	_, err := io.ReadFull(r.in, b)
	return fault.Wrap(err, fault.Internal, "read constraints")
}

// modulusBytes returns the order of the field, little-endian.
func modulusBytes(p *curve.Params) []byte {
	b := p.ScalarModulus.FillBytes(make([]byte, p.ScalarBytes))
	slices.Reverse(b)
	return b
}

func sameModulus(b []byte, p *curve.Params) bool { return bytes.Equal(b, modulusBytes(p)) }
