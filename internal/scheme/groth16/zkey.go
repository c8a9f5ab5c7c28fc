package groth16

import (
	"context"
	"encoding/binary"
	"io"
	"math/big"
	"slices"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/iden3"
	"provery/internal/parallel"
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

// The sections of a .zkey file of Groth16. Points are in memory form
// (Montgomery, infinity as zeros); a coefficient c of the matrices is stored as
// c·R² for the field's Montgomery constant R.
const (
	zkeyProtocol      = 1  // u32: 1 for groth16
	zkeyHeader        = 2  // field orders, dimensions, alpha_1, beta_1, beta_2, gamma_2, delta_1, delta_2
	zkeyIC            = 3  // gamma_abc
	zkeyCoefficients  = 4  // u32 count; u32 matrix, constraint, column and the coefficient each
	zkeyA             = 5  // a point for each column
	zkeyB1            = 6  // likewise
	zkeyB2            = 7  // likewise
	zkeyC             = 8  // l: a point for each private column
	zkeyH             = 9  // n points in the odd basis
	zkeyContributions = 10 // of the ceremony: not read here
)

const (
	zkeyVersion     = 1
	protocolGroth16 = 1
	protocolPLONK   = 2
	protocolFflonk  = 10
)

// importZKey reads a key of snarkjs.
func (b *backend[S, A1, A2]) importZKey(ctx context.Context, in scheme.ImportInput, d dimensions, dense wire.Density) (*provingKey[S, A1, A2], error) {
	f, err := iden3.Open(in.Data, in.Size, "zkey", zkeyVersion)
	if err != nil {
		return nil, err
	}
	if err := checkProtocol(f); err != nil {
		return nil, err
	}
	z := &zkeyReader[S, A1, A2]{b, ctx, f, in.Threads}
	header, err := z.header(d)
	if err != nil {
		return nil, err
	}
	pk, err := b.newProvingKey(d, scheme.LayoutSnarkJS)
	if err != nil {
		return nil, err
	}
	if err := z.points(pk, header); err != nil {
		return nil, err
	}
	if err := z.sameMatrices(in, d); err != nil {
		return nil, err
	}
	if err := checkDensity(pk, dense); err != nil {
		return nil, err
	}
	return pk, pk.checkPairs(ctx, in.Threads)
}

// checkProtocol makes sure that the file holds a Groth16 key.
func checkProtocol(f *iden3.File) error {
	b, err := f.Bytes(zkeyProtocol, 4)
	if err != nil {
		return err
	}
	if len(b) != 4 {
		return fault.New(fault.InvalidArtifact, "the .zkey file doesn't name its protocol")
	}
	switch binary.LittleEndian.Uint32(b) {
	case protocolGroth16:
		return nil
	case protocolPLONK:
		return fault.New(fault.Unsupported, "the .zkey file is for PLONK; Groth16 is supported")
	case protocolFflonk:
		return fault.New(fault.Unsupported, "the .zkey file is for fflonk; Groth16 is supported")
	}
	return fault.New(fault.Unsupported, "the .zkey file is for a protocol that isn't known; Groth16 is supported")
}

// zkeyReader reads the sections of one file.
type zkeyReader[S, A1, A2 any] struct {
	*backend[S, A1, A2]
	ctx     context.Context
	file    *iden3.File
	threads int
}

// littleEndian returns v in size bytes.
func littleEndian(v *big.Int, size int) []byte {
	b := v.FillBytes(make([]byte, size))
	slices.Reverse(b)
	return b
}

// zkeyFields returns the start of the header: sizes and orders of both fields.
func (b *backend[S, A1, A2]) zkeyFields() []byte {
	p := b.Params
	out := binary.LittleEndian.AppendUint32(nil, uint32(p.BaseBytes))
	out = append(out, littleEndian(p.BaseModulus, p.BaseBytes)...)
	out = binary.LittleEndian.AppendUint32(out, uint32(p.ScalarBytes))
	return append(out, littleEndian(p.ScalarModulus, p.ScalarBytes)...)
}

// header checks the header against the dimensions and returns its points.
func (z *zkeyReader[S, A1, A2]) header(d dimensions) ([]byte, error) {
	fields := z.zkeyFields()
	g1, g2 := z.G1.Bytes(), z.G2.Bytes()
	b, err := z.file.Bytes(zkeyHeader, 1<<12)
	if err != nil {
		return nil, err
	}
	if len(b) < len(fields) || !slices.Equal(b[:len(fields)], fields) {
		return nil, fault.New(fault.InvalidArtifact, "the .zkey file isn't over %v", z.Curve())
	}
	if b = b[len(fields):]; len(b) != 3*4+3*g1+3*g2 {
		return nil, fault.New(fault.InvalidArtifact, "the .zkey file's header has a wrong length")
	}
	word := func(i int) int { return int(binary.LittleEndian.Uint32(b[4*i:])) }
	if got := (dimensions{word(0), word(1) + 1, word(2)}); got != d {
		return nil, fault.New(fault.InvalidArtifact,
			"key for %d variables, %d public inputs and a domain of %d; the program has %d, %d and %d",
			got.variables, got.instance-1, got.domain, d.variables, d.instance-1, d.domain)
	}
	return b[3*4:], nil
}

// points reads all points into pk.
func (z *zkeyReader[S, A1, A2]) points(pk *provingKey[S, A1, A2], header []byte) error {
	g1, g2, vk, d := z.G1, z.G2, pk.vk, pk.dimensions
	rest := header
	var a, b1, l []A1
	var b2 []A2
	return wire.InOrder(
		func() error { return takePoint(z, g1, "alpha_1", &rest, &vk.alpha) },
		func() error { return takePoint(z, g1, "beta_1", &rest, &pk.beta) },
		func() error { return takePoint(z, g2, "beta_2", &rest, &vk.beta) },
		func() error { return takePoint(z, g2, "gamma_2", &rest, &vk.gamma) },
		func() error { return takePoint(z, g1, "delta_1", &rest, &pk.delta) },
		func() error { return takePoint(z, g2, "delta_2", &rest, &vk.delta) },
		func() (err error) { vk.gammaABC, err = zkeyFinite(z, g1, "IC", zkeyIC, d.instance); return },
		func() (err error) { a, err = zkeyPoints(z, g1, "A", zkeyA, d.variables); return },
		func() (err error) { b1, err = zkeyPoints(z, g1, "B1", zkeyB1, d.variables); return },
		func() (err error) { b2, err = zkeyPoints(z, g2, "B2", zkeyB2, d.variables); return },
		func() (err error) { l, err = zkeyPoints(z, g1, "C", zkeyC, d.private()); return },
		func() (err error) { pk.h, err = zkeyFinite(z, g1, "H", zkeyH, pk.quotientSize()); return },
		func() error {
			pk.a, pk.l = wire.DropInfinity(g1, a, 0), wire.DropInfinity(g1, l, pk.instance)
			pk.b1, pk.b2 = wire.DropInfinity(g1, b1, 0), wire.DropInfinity(g2, b2, 0)
			return nil
		},
	)
}

// takePoint takes one finite point off the header's rest.
func takePoint[S, A1, A2, A any](z *zkeyReader[S, A1, A2], g curve.Group[S, A], name string, rest *[]byte, dst *A) error {
	points := make([]A, 1)
	b := g.Memory(points)
	copy(b, *rest)
	*rest = (*rest)[len(b):]
	*dst = points[0]
	return checkMemory(z.ctx, g, littleEndian(z.Params.BaseModulus, z.Params.BaseBytes), name, points, true)
}

// zkeyPoints reads a section of n points, in blocks on all threads.
func zkeyPoints[S, A1, A2, A any](z *zkeyReader[S, A1, A2], g curve.Group[S, A], name string, id uint32, n int) ([]A, error) {
	return readMemory(z, g, name, id, n, false)
}

// zkeyFinite is zkeyPoints for points none of which may be infinity.
func zkeyFinite[S, A1, A2, A any](z *zkeyReader[S, A1, A2], g curve.Group[S, A], name string, id uint32, n int) ([]A, error) {
	return readMemory(z, g, name, id, n, true)
}

func readMemory[S, A1, A2, A any](z *zkeyReader[S, A1, A2], g curve.Group[S, A], name string, id uint32, n int, finite bool) ([]A, error) {
	section, err := z.file.Sized(id, int64(n)*int64(g.Bytes()))
	if err != nil {
		return nil, err
	}
	modulus := littleEndian(z.Params.BaseModulus, z.Params.BaseBytes)
	points := make([]A, n)
	const block = 1024
	return points, parallel.Chunks(z.ctx, z.threads, n, block, func(lo, hi int) error {
		part := points[lo:hi]
		if _, err := section.ReadAt(g.Memory(part), int64(lo)*int64(g.Bytes())); err != nil && err != io.EOF {
			return fault.Wrap(err, fault.Internal, "read %s", name)
		}
		return fault.Wrap(checkMemory(z.ctx, g, modulus, name, part, finite), fault.InvalidArtifact, "from point %d on", lo)
	})
}

// checkMemory checks points in memory form that come from outside: coordinates
// below the modulus, on the curve, in the subgroup; finite if that is wanted.
func checkMemory[S, A any](ctx context.Context, g curve.Group[S, A], modulus []byte, name string, points []A, finite bool) error {
	if !allBelow(g.Memory(points), modulus) {
		return fault.New(fault.InvalidArtifact, "%s: a coordinate isn't below the field's order", name)
	}
	for i := range points {
		if finite && g.IsInfinity(&points[i]) {
			return fault.New(fault.InvalidArtifact, "%s: point %d is infinity", name, i)
		}
	}
	return fault.Wrap(g.Check(ctx, points, 1), fault.InvalidArtifact, "%s", name)
}

// allBelow reports whether each little-endian value of b, of the modulus's
// length, is below the modulus.
func allBelow(b, modulus []byte) bool {
	for ; len(b) > 0; b = b[len(modulus):] {
		i := len(modulus) - 1
		for i > 0 && b[i] == modulus[i] {
			i--
		}
		if b[i] >= modulus[i] {
			return false
		}
	}
	return true
}
