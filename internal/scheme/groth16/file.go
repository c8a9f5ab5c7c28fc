package groth16

import (
	"io"
	"math"

	"provery/internal/container"
	"provery/internal/fault"
	"provery/internal/scheme"
)

// Kind and version of the file that WriteFile makes. docs/formats/container.md
// describes the frame.
const (
	fileKind    = "PKEY"
	fileVersion = 1
)

// schemeCode tells a Groth16 key from those of other schemes in the header.
const schemeCode = 1

// The sections. Points and scalars are in memory form: Montgomery, native
// limbs, infinity as zeros.
const (
	sectionHeader   = iota + 1 // u64: scheme, curve, layout, variables, instance columns, domain
	sectionFixedG1             // alpha, beta, delta
	sectionFixedG2             // beta, gamma, delta
	sectionGammaABC            // points of the instance
	sectionOmega               // one scalar
	sectionA                   // the finite points of A
	sectionColumnsA            // u32: their columns, ascending; empty if there are no others
	sectionB1                  // the finite points of B in G1
	sectionB2                  // and in G2
	sectionColumnsB            // u32: the columns of both
	sectionL                   // the finite points of the private part
	sectionColumnsL            // u32: their columns
	sectionH                   // n-1 points
)

const headerWords = 6

var layoutCodes = []scheme.Layout{"", scheme.LayoutArk, scheme.LayoutBellman, scheme.LayoutNative}

// WriteFile writes the key in Provery's own format, as scheme.ProvingKey says.
func (pk *provingKey[S, A1, A2]) WriteFile(w io.Writer) error {
	b, vk := pk.vk.backend, pk.vk
	header := []uint64{schemeCode, uint64(pk.Curve()), 0, uint64(pk.variables), uint64(pk.instance), uint64(pk.dimensions.domain)}
	for code, layout := range layoutCodes {
		if layout == pk.layout {
			header[2] = uint64(code)
		}
	}
	_, err := container.Write(w, fileKind, fileVersion, []container.Section{
		{ID: sectionHeader, Data: container.Bytes(header)},
		{ID: sectionFixedG1, Data: b.G1.Memory([]A1{vk.alpha, pk.beta, pk.delta})},
		{ID: sectionFixedG2, Data: b.G2.Memory([]A2{vk.beta, vk.gamma, vk.delta})},
		{ID: sectionGammaABC, Data: b.G1.Memory(vk.gammaABC)},
		{ID: sectionOmega, Data: b.Field.Memory([]S{pk.omega})},
		{ID: sectionA, Data: b.G1.Memory(pk.a.points)},
		{ID: sectionColumnsA, Data: container.Bytes(pk.a.columns)},
		{ID: sectionB1, Data: b.G1.Memory(pk.b1.points)},
		{ID: sectionB2, Data: b.G2.Memory(pk.b2.points)},
		{ID: sectionColumnsB, Data: container.Bytes(pk.b1.columns)},
		{ID: sectionL, Data: b.G1.Memory(pk.l.points)},
		{ID: sectionColumnsL, Data: container.Bytes(pk.l.columns)},
		{ID: sectionH, Data: b.G1.Memory(pk.h)},
	})
	return fault.Wrap(err, fault.Internal, "write proving key")
}

// OpenProvingKey opens a key that WriteFile wrote, in place, as scheme.Backend
// says. Nothing is copied but a few points. It checks what a damaged file
// could break in the process, lengths and column numbers, and takes the points
// as they are.
func (b *backend[S, A1, A2]) OpenProvingKey(file []byte) (scheme.ProvingKey, error) {
	f, err := container.Open(file, fileKind, fileVersion)
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, "open proving key")
	}
	pk, err := b.openKey(f)
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, "open proving key")
	}
	return pk, nil
}

func (b *backend[S, A1, A2]) openKey(f *container.File) (*provingKey[S, A1, A2], error) {
	header, err := container.Words[uint64](f, sectionHeader)
	if err != nil {
		return nil, err
	}
	d, layout, err := b.parseHeader(header)
	if err != nil {
		return nil, err
	}
	omega, err := section(f, sectionOmega, 1, b.Field.FromMemory)
	if err != nil {
		return nil, err
	}
	if want, err := b.omega(layout, d.domain); err != nil || !b.Field.Equal(&want, &omega[0]) {
		return nil, fault.New(fault.InvalidArtifact, "root of unity of another domain")
	}
	pk := b.newProvingKey(d, layout, omega[0])
	if err := pk.openPoints(f); err != nil {
		return nil, err
	}
	return pk, nil
}

// openPoints views the sections of points.
func (pk *provingKey[S, A1, A2]) openPoints(f *container.File) error {
	g1, g2, d := pk.vk.backend.G1, pk.vk.backend.G2, pk.dimensions
	var fixed1 []A1
	var fixed2 []A2
	err := inOrder(
		func() (err error) { fixed1, err = section(f, sectionFixedG1, 3, g1.FromMemory); return },
		func() (err error) { fixed2, err = section(f, sectionFixedG2, 3, g2.FromMemory); return },
		func() (err error) {
			pk.vk.gammaABC, err = section(f, sectionGammaABC, d.instance, g1.FromMemory)
			return
		},
		func() (err error) { pk.h, err = section(f, sectionH, d.domain-1, g1.FromMemory); return },
		func() (err error) { pk.a, err = openQuery(f, sectionA, sectionColumnsA, g1.FromMemory, 0, d); return },
		func() (err error) { pk.b1, err = openQuery(f, sectionB1, sectionColumnsB, g1.FromMemory, 0, d); return },
		func() (err error) { pk.b2, err = openQuery(f, sectionB2, sectionColumnsB, g2.FromMemory, 0, d); return },
		func() (err error) {
			pk.l, err = openQuery(f, sectionL, sectionColumnsL, g1.FromMemory, d.instance, d)
			return
		},
	)
	if err != nil {
		return err
	}
	pk.vk.alpha, pk.beta, pk.delta = fixed1[0], fixed1[1], fixed1[2]
	pk.vk.beta, pk.vk.gamma, pk.vk.delta = fixed2[0], fixed2[1], fixed2[2]
	return nil
}

// parseHeader checks the header's words.
func (b *backend[S, A1, A2]) parseHeader(header []uint64) (dimensions, scheme.Layout, error) {
	bad := func(what string) (dimensions, scheme.Layout, error) {
		return dimensions{}, "", fault.New(fault.InvalidArtifact, "%s", what)
	}
	switch {
	case len(header) != headerWords:
		return bad("header of a wrong length")
	case header[0] != schemeCode:
		return bad("not a groth16 key")
	case header[1] != uint64(b.Curve()):
		return bad("key on another curve than " + b.Curve().String())
	case header[2] == 0 || header[2] >= uint64(len(layoutCodes)):
		return bad("unknown layout")
	}
	variables, instance, domain := header[3], header[4], header[5]
	if variables > math.MaxUint32 || instance < 1 || instance > variables || domain > 1<<40 || domain < instance || domain&(domain-1) != 0 {
		return bad("impossible dimensions")
	}
	return dimensions{int(variables), int(instance), int(domain)}, layoutCodes[header[2]], nil
}

// section views a section of n elements.
func section[T any](f *container.File, id uint32, n int, view func([]byte) ([]T, error)) ([]T, error) {
	data, err := f.Section(id)
	if err != nil {
		return nil, err
	}
	v, err := view(data)
	if err == nil && len(v) != n {
		err = fault.New(fault.InvalidArtifact, "section %d: %d elements where %d are wanted", id, len(v), n)
	}
	return v, err
}

// openQuery views a query of points for columns from first on.
func openQuery[A any](f *container.File, points, columns uint32, view func([]byte) ([]A, error), first int, d dimensions) (query[A], error) {
	q := query[A]{first: first}
	var err error
	if q.columns, err = container.Words[uint32](f, columns); err != nil {
		return q, err
	}
	data, err := f.Section(points)
	if err != nil {
		return q, err
	}
	n := len(q.columns)
	if n == 0 && len(data) > 0 {
		q.columns, n = nil, d.variables-first
	}
	next := uint64(first)
	for _, j := range q.columns {
		if uint64(j) < next || int(j) >= d.variables {
			return q, fault.New(fault.InvalidArtifact, "section %d: columns out of order or range", columns)
		}
		next = uint64(j) + 1
	}
	q.points, err = section(f, points, n, view)
	return q, err
}
