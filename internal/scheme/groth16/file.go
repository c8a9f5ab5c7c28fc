package groth16

import (
	"io"
	"math"

	"provery/internal/container"
	"provery/internal/fault"
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

// Kind and version of the file that WriteFile makes. docs/formats/container.md
// describes the frame.
const (
	fileKind    = "PKEY"
	fileVersion = 1
)

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
	sectionH                   // n-1 points; n in the layout of snarkjs

	sectionContributions // bytes: section 10 of a .zkey file, if the key came from one
	sectionOrder         // u32: columns of the terms of A and B in that file's order
)

// WriteFile writes the key in Provery's own format, as scheme.ProvingKey says.
func (pk *provingKey[S, A1, A2]) WriteFile(w io.Writer) error {
	b, vk := pk.vk.backend, pk.vk
	header := b.Header(pk.layout, pk.variables, pk.instance, pk.domain)
	sections := []container.Section{
		{ID: sectionHeader, Data: container.Bytes(header)},
		{ID: sectionFixedG1, Data: b.G1.Memory([]A1{vk.alpha, pk.beta, pk.delta})},
		{ID: sectionFixedG2, Data: b.G2.Memory([]A2{vk.beta, vk.gamma, vk.delta})},
		{ID: sectionGammaABC, Data: b.G1.Memory(vk.gammaABC)},
		{ID: sectionOmega, Data: b.Field.Memory([]S{pk.work.Omega})},
		{ID: sectionA, Data: b.G1.Memory(pk.a.Points)},
		{ID: sectionColumnsA, Data: container.Bytes(pk.a.Columns)},
		{ID: sectionB1, Data: b.G1.Memory(pk.b1.Points)},
		{ID: sectionB2, Data: b.G2.Memory(pk.b2.Points)},
		{ID: sectionColumnsB, Data: container.Bytes(pk.b1.Columns)},
		{ID: sectionL, Data: b.G1.Memory(pk.l.Points)},
		{ID: sectionColumnsL, Data: container.Bytes(pk.l.Columns)},
		{ID: sectionH, Data: b.G1.Memory(pk.h)},
	}
	if pk.contributions != nil {
		sections = append(sections, container.Section{ID: sectionContributions, Data: pk.contributions})
	}
	if pk.order != nil {
		sections = append(sections, container.Section{ID: sectionOrder, Data: container.Bytes(pk.order)})
	}
	_, err := container.Write(w, fileKind, fileVersion, sections)
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
	pk, err := b.newProvingKey(d, layout)
	if err != nil {
		return nil, fault.New(fault.InvalidArtifact, "%s", err)
	}
	omega, err := wire.OpenElements(f, sectionOmega, 1, b.Field.FromMemory)
	if err != nil {
		return nil, err
	}
	if !b.Field.Equal(&pk.work.Omega, &omega[0]) {
		return nil, fault.New(fault.InvalidArtifact, "root of unity of another domain")
	}
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
	err := wire.InOrder(
		func() (err error) { fixed1, err = wire.OpenElements(f, sectionFixedG1, 3, g1.FromMemory); return },
		func() (err error) { fixed2, err = wire.OpenElements(f, sectionFixedG2, 3, g2.FromMemory); return },
		func() (err error) {
			pk.vk.gammaABC, err = wire.OpenElements(f, sectionGammaABC, d.instance, g1.FromMemory)
			return
		},
		func() (err error) {
			pk.h, err = wire.OpenElements(f, sectionH, pk.quotientSize(), g1.FromMemory)
			return
		},
		func() (err error) {
			pk.a, err = wire.OpenQuery(f, sectionA, sectionColumnsA, g1.FromMemory, 0, d.variables)
			return
		},
		func() (err error) {
			pk.b1, err = wire.OpenQuery(f, sectionB1, sectionColumnsB, g1.FromMemory, 0, d.variables)
			return
		},
		func() (err error) {
			pk.b2, err = wire.OpenQuery(f, sectionB2, sectionColumnsB, g2.FromMemory, 0, d.variables)
			return
		},
		func() (err error) {
			pk.l, err = wire.OpenQuery(f, sectionL, sectionColumnsL, g1.FromMemory, d.instance, d.variables)
			return
		},
		func() (err error) {
			if f.Has(sectionContributions) {
				pk.contributions, err = f.Section(sectionContributions)
			}
			return
		},
		func() (err error) {
			if f.Has(sectionOrder) {
				pk.order, err = container.Words[uint32](f, sectionOrder)
			}
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
	layout, words, err := b.ParseHeader(header, 3)
	if err != nil {
		return dimensions{}, "", err
	}
	variables, instance, domain := words[0], words[1], words[2]
	if variables > math.MaxUint32 || instance < 1 || instance > variables || domain > 1<<40 || domain < instance || domain&(domain-1) != 0 {
		return dimensions{}, "", fault.New(fault.InvalidArtifact, "impossible dimensions")
	}
	return dimensions{int(variables), int(instance), int(domain)}, layout, nil
}
