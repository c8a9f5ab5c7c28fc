// Package ptau reads the powers of tau that a first phase left behind, in the
// .ptau files of snarkjs, and checks what is read of them.
//
// Nothing is read but what a domain needs: of a file for circuits of any size
// the part for the given one.
package ptau

import (
	"context"
	"encoding/binary"
	"io"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/iden3"
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
	"provery/internal/zkey"
)

// The sections of a file. Points are in memory form. From 12 on they are Lagrange
// polynomials at tau, those of 1, 2, 4, … points one after another; in 12 there are
// those of twice as many points, too, made without the highest power unless the file is
// a part of a larger one.
const (
	sectionHeader   = 1  // base field, u32 power, u32 power of the ceremony
	sectionTau1     = 2  // tau^i, for i < 2·2^power - 1
	sectionTau2     = 3  // tau^i in G2, for i < 2^power
	sectionAlpha    = 4  // alpha·tau^i
	sectionBeta     = 5  // beta·tau^i
	sectionBeta2    = 6  // beta in G2
	sectionAuthors  = 7  // u32 number of contributions of the first phase, and those
	sectionLagrange = 12 // of tau
	sectionTau2L    = 13 // of tau in G2
	sectionAlphaL   = 14 // of tau, times alpha
	sectionBetaL    = 15 // of tau, times beta
)

const (
	kind    = "ptau"
	version = 1
	// maxPower is the power of the largest ceremony that there was.
	maxPower = 28
)

// Info is what a file's header tells.
type Info struct {
	Curve    curve.ID
	Power    int // the file is for domains of up to 2^Power points
	Ceremony int // power of the ceremony that it is a part of
	Prepared bool
	// Contributions is the number of those of the first phase, as the file says.
	Contributions int
}

// Describe reads a file's header.
func Describe(data io.ReaderAt, size int64) (Info, error) {
	f, err := iden3.Open(data, size, kind, version)
	if err != nil {
		return Info{}, fault.Wrap(err, fault.InvalidArtifact, "read powers of tau")
	}
	info, err := describe(f)
	return info, fault.Wrap(err, fault.InvalidArtifact, "read powers of tau")
}

func describe(f *iden3.File) (Info, error) {
	b, err := f.Bytes(sectionHeader, 1<<10)
	if err != nil {
		return Info{}, err
	}
	id, err := zkey.CurveOfBase(b)
	if err != nil {
		return Info{}, err
	}
	const words = 2 * 4
	size := 4 + int(binary.LittleEndian.Uint32(b)) + words
	if len(b) != size {
		return Info{}, fault.New(fault.InvalidArtifact, "header of %d bytes; %d are wanted", len(b), size)
	}
	power, ceremony := binary.LittleEndian.Uint32(b[size-8:]), binary.LittleEndian.Uint32(b[size-4:])
	if power < 1 || power > maxPower || ceremony < power || ceremony > maxPower {
		return Info{}, fault.New(fault.InvalidArtifact, "powers of 2^%d from a ceremony for 2^%d: at most 2^%d are read", power, ceremony, maxPower)
	}
	info := Info{Curve: id, Power: int(power), Ceremony: int(ceremony), Prepared: f.Has(sectionLagrange)}
	if f.Has(sectionAuthors) {
		var n [4]byte
		if err := f.ReadAt(sectionAuthors, n[:], 0); err != nil {
			return Info{}, err
		}
		info.Contributions = int(binary.LittleEndian.Uint32(n[:]))
	}
	return info, nil
}

// File is an opened file.
type File[S, A1, A2 any] struct {
	zkey.Codec[S, A1, A2]
	Info
	base    *wire.Base[S, A1, A2]
	file    *iden3.File
	threads int
}

// Open opens a file that is prepared for the second phase. One that isn't is
// fault.InvalidArtifact, as is one whose sections don't have their lengths.
func Open[S, A1, A2 any](c zkey.Codec[S, A1, A2], data io.ReaderAt, size int64, threads int) (*File[S, A1, A2], error) {
	f, err := open(c, data, size, threads)
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, "read powers of tau")
	}
	return f, nil
}

func open[S, A1, A2 any](c zkey.Codec[S, A1, A2], data io.ReaderAt, size int64, threads int) (*File[S, A1, A2], error) {
	frame, err := iden3.Open(data, size, kind, version)
	if err != nil {
		return nil, err
	}
	info, err := describe(frame)
	if err != nil {
		return nil, err
	}
	switch {
	case info.Curve != c.Params.ID:
		return nil, fault.New(fault.InvalidArtifact, "the file is for %v, not for %v", info.Curve, c.Params.ID)
	case !info.Prepared:
		return nil, fault.New(fault.InvalidArtifact, "the file isn't prepared for the second phase: run 'snarkjs powersoftau prepare phase2' on it, and use the file that it writes")
	}
	n := int64(1) << info.Power
	g1, g2 := int64(c.G1.Bytes()), int64(c.G2.Bytes())
	for _, s := range []struct {
		id    uint32
		bytes int64
	}{
		{sectionTau1, (2*n - 1) * g1}, {sectionTau2, n * g2}, {sectionAlpha, n * g1}, {sectionBeta, n * g1}, {sectionBeta2, g2},
		{sectionLagrange, (4*n - 1) * g1}, {sectionTau2L, (2*n - 1) * g2}, {sectionAlphaL, (2*n - 1) * g1}, {sectionBetaL, (2*n - 1) * g1},
	} {
		if _, err := frame.Sized(s.id, s.bytes); err != nil {
			return nil, err
		}
	}
	return &File[S, A1, A2]{c, info, wire.NewBase(c.Suite, scheme.Groth16, "g16"), frame, threads}, nil
}

// Fits checks that the file is large enough for a domain of n points.
func (f *File[S, A1, A2]) Fits(n int) error {
	switch {
	case n > 1<<f.Power:
		return fault.New(fault.TooLarge, "the circuit needs powers of tau for %d points; the file has them for 2^%d", n, f.Power)
	case 2*n > 1<<f.Params.TwoAdicity:
		return fault.New(fault.TooLarge, "a domain of %d points is too large for %v", n, f.Params.ID)
	}
	return nil
}

// Fixed returns alpha and beta in G1 and beta in G2.
func (f *File[S, A1, A2]) Fixed(ctx context.Context) (alpha, beta A1, beta2 A2, err error) {
	a, err := f.g1(ctx, "alpha", sectionAlpha, 0, 1)
	if err != nil {
		return alpha, beta, beta2, err
	}
	b, err := f.g1(ctx, "beta", sectionBeta, 0, 1)
	if err != nil {
		return alpha, beta, beta2, err
	}
	b2, err := f.g2(ctx, "beta_2", sectionBeta2, 0, 1)
	if err != nil {
		return alpha, beta, beta2, err
	}
	return a[0], b[0], b2[0], nil
}

// Lagrange returns the Lagrange polynomials of n points.
func (f *File[S, A1, A2]) Lagrange(ctx context.Context, n int, which Which) ([]A1, error) {
	section := map[Which]uint32{Plain: sectionLagrange, TimesAlpha: sectionAlphaL, TimesBeta: sectionBetaL}[which]
	return f.g1(ctx, string(which)+" in Lagrange form", section, n-1, n)
}

// Which says by what a polynomial's value is multiplied.
type Which string

// The factors.
const (
	Plain      Which = "tau"
	TimesAlpha Which = "alpha·tau"
	TimesBeta  Which = "beta·tau"
)

// Lagrange2 returns the Lagrange polynomials of n points in G2.
func (f *File[S, A1, A2]) Lagrange2(ctx context.Context, n int) ([]A2, error) {
	return f.g2(ctx, "tau in G2 in Lagrange form", sectionTau2L, n-1, n)
}

// Odd returns k of the Lagrange polynomials of 2n points, those of the odd points
// from the first one on.
func (f *File[S, A1, A2]) Odd(ctx context.Context, n, first, k int) ([]A1, error) {
	all, err := f.g1(ctx, "tau in Lagrange form", sectionLagrange, 2*n-1+2*first, 2*k)
	if err != nil {
		return nil, err
	}
	for i := range k {
		all[i] = all[2*i+1]
	}
	return all[:k], nil
}

// Powers returns k powers of tau from the first one on.
func (f *File[S, A1, A2]) Powers(ctx context.Context, first, k int) ([]A1, error) {
	return f.g1(ctx, "tau", sectionTau1, first, k)
}

// NumPowers is the number of powers of tau in G1.
func (f *File[S, A1, A2]) NumPowers() int { return 2<<f.Power - 1 }

// BehindPowers returns the bytes of the file that follow the powers of tau in
// G1, as many as a point has.
func (f *File[S, A1, A2]) BehindPowers() ([]byte, error) {
	b := make([]byte, f.G1.Bytes())
	return b, f.file.ReadAt(sectionTau1, b, int64(f.NumPowers())*int64(len(b)))
}

func (f *File[S, A1, A2]) g1(ctx context.Context, name string, id uint32, first, n int) ([]A1, error) {
	s, err := f.file.Section(id)
	if err != nil {
		return nil, err
	}
	return f.OfG1(f.threads).ReadFinite(ctx, name, s, first, n)
}

func (f *File[S, A1, A2]) g2(ctx context.Context, name string, id uint32, first, n int) ([]A2, error) {
	s, err := f.file.Section(id)
	if err != nil {
		return nil, err
	}
	return f.OfG2(f.threads).ReadFinite(ctx, name, s, first, n)
}
