// Package zkey reads and writes the Groth16 keys of snarkjs, and the contributions
// of the ceremony that made them.
//
// Everything that comes from outside is checked: lengths against the file's,
// coordinates against the field's order, points against their curve and
// subgroup.
package zkey

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math/big"
	"slices"

	"provery/internal/curve"
	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/fault"
	"provery/internal/iden3"
)

// The sections of a file. Points are in memory form (Montgomery, infinity as
// zeros); a coefficient c of the matrices is stored as c·R² for the field's
// Montgomery constant R.
const (
	Protocol      = 1  // u32: 1 for groth16
	HeaderSection = 2  // field orders, dimensions, alpha_1, beta_1, beta_2, gamma_2, delta_1, delta_2
	IC            = 3  // a point for each public column
	Coefficients  = 4  // u32 count; u32 matrix, constraint, column and the coefficient each
	A             = 5  // a point for each column
	B1            = 6  // likewise
	B2            = 7  // likewise
	C             = 8  // a point for each private column
	H             = 9  // a point for each point of the domain
	Contributions = 10 // of the ceremony
)

// Kind and Version are those of the file.
const (
	Kind    = "zkey"
	Version = 1
)

const (
	protocolGroth16 = 1
	protocolPLONK   = 2
	protocolFflonk  = 10
)

// Codec reads and writes keys of one curve.
type Codec[S, A1, A2 any] struct {
	*curve.Suite[S, A1, A2]
}

// Dimensions are those of a key.
type Dimensions struct {
	Variables int // columns of z, the constant included
	Public    int // public columns, without the constant
	Domain    int // points of the evaluation domain
}

// Private is the number of private columns.
func (d Dimensions) Private() int { return d.Variables - d.Public - 1 }

// Header is a key's header. Its points are finite.
type Header[A1, A2 any] struct {
	Dimensions
	Alpha1, Beta1 A1
	Beta2, Gamma2 A2
	Delta1        A1
	Delta2        A2
}

// Open reads the table of the sections of a file, and its protocol. Keys of PLONK
// and fflonk are fault.Unsupported.
func Open(data io.ReaderAt, size int64) (*iden3.File, error) {
	f, err := iden3.Open(data, size, Kind, Version)
	if err != nil {
		return nil, err
	}
	b, err := f.Bytes(Protocol, 4)
	if err != nil {
		return nil, err
	}
	if len(b) != 4 {
		return nil, fault.New(fault.InvalidArtifact, "the .zkey file doesn't name its protocol")
	}
	switch binary.LittleEndian.Uint32(b) {
	case protocolGroth16:
		return f, nil
	case protocolPLONK:
		return nil, fault.New(fault.Unsupported, "the .zkey file is for PLONK; Groth16 is supported")
	case protocolFflonk:
		return nil, fault.New(fault.Unsupported, "the .zkey file is for fflonk; Groth16 is supported")
	}
	return nil, fault.New(fault.Unsupported, "the .zkey file is for a protocol that isn't known; Groth16 is supported")
}

// CurveOf returns the curve of a key by its header.
func CurveOf(f *iden3.File) (curve.ID, error) {
	b, err := f.Bytes(HeaderSection, 1<<12)
	if err != nil {
		return 0, err
	}
	return CurveOfBase(b)
}

// CurveOfBase returns the curve whose base field b starts with: the size of its
// elements, and its order. Another field is fault.Unsupported.
func CurveOfBase(b []byte) (curve.ID, error) {
	for _, p := range []*curve.Params{bn254.NewField().Params(), bls12381.NewField().Params()} {
		if bytes.HasPrefix(b, baseField(p)) {
			return p.ID, nil
		}
	}
	return 0, fault.New(fault.Unsupported, "the file is for another curve than bn128 and bls12_381")
}

// baseField returns how a header names the base field.
func baseField(p *curve.Params) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(p.BaseBytes)), LittleEndian(p.BaseModulus, p.BaseBytes)...)
}

// fields returns the start of a key's header: sizes and orders of both fields.
func fields(p *curve.Params) []byte {
	out := binary.LittleEndian.AppendUint32(baseField(p), uint32(p.ScalarBytes))
	return append(out, LittleEndian(p.ScalarModulus, p.ScalarBytes)...)
}

// LittleEndian returns v in size bytes.
func LittleEndian(v *big.Int, size int) []byte {
	b := v.FillBytes(make([]byte, size))
	slices.Reverse(b)
	return b
}

// Header reads the header.
func (c Codec[S, A1, A2]) Header(ctx context.Context, f *iden3.File) (*Header[A1, A2], error) {
	b, err := f.Bytes(HeaderSection, 1<<12)
	if err != nil {
		return nil, err
	}
	names := fields(c.Params)
	points := 3*c.Params.G1Bytes() + 3*c.Params.G2Bytes()
	const dimensions = 3 * 4
	if len(b) != len(names)+dimensions+points {
		return nil, fault.New(fault.InvalidArtifact, "the header has %d bytes; %d are wanted on %v", len(b), len(names)+dimensions+points, c.Params.ID)
	}
	if !bytes.HasPrefix(b, names) {
		return nil, fault.New(fault.InvalidArtifact, "the key is on another curve than %v", c.Params.ID)
	}
	rest := b[len(names):]
	word := func(i int) int { return int(binary.LittleEndian.Uint32(rest[4*i:])) }
	h := &Header[A1, A2]{Dimensions: Dimensions{word(0), word(1), word(2)}}
	if h.Public >= h.Variables || h.Domain < h.Public+1 || h.Domain&(h.Domain-1) != 0 {
		return nil, fault.New(fault.InvalidArtifact, "impossible numbers of variables, public inputs and points of the domain")
	}
	rest = rest[dimensions:]
	g1, g2 := c.OfG1(1), c.OfG2(1)
	for _, take := range []func() error{
		func() error { return g1.Take(ctx, "alpha_1", &rest, &h.Alpha1) },
		func() error { return g1.Take(ctx, "beta_1", &rest, &h.Beta1) },
		func() error { return g2.Take(ctx, "beta_2", &rest, &h.Beta2) },
		func() error { return g2.Take(ctx, "gamma_2", &rest, &h.Gamma2) },
		func() error { return g1.Take(ctx, "delta_1", &rest, &h.Delta1) },
		func() error { return g2.Take(ctx, "delta_2", &rest, &h.Delta2) },
	} {
		if err := take(); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// Head returns the first two sections of a key with the header.
func (c Codec[S, A1, A2]) Head(h *Header[A1, A2]) []iden3.Section {
	b := fields(c.Params)
	for _, n := range []int{h.Variables, h.Public, h.Domain} {
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	b = append(b, c.G1.Memory([]A1{h.Alpha1, h.Beta1})...)
	b = append(b, c.G2.Memory([]A2{h.Beta2, h.Gamma2})...)
	b = append(b, c.G1.Memory([]A1{h.Delta1})...)
	b = append(b, c.G2.Memory([]A2{h.Delta2})...)
	return []iden3.Section{iden3.Data(Protocol, []byte{protocolGroth16, 0, 0, 0}), iden3.Data(HeaderSection, b)}
}

// New returns the codec of a curve.
func New[S, A1, A2 any](suite *curve.Suite[S, A1, A2]) Codec[S, A1, A2] {
	return Codec[S, A1, A2]{suite}
}
