package gm17

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
	fileKind    = "PK17"
	fileVersion = 1
)

// The sections. Points and scalars are in memory form: Montgomery, native
// limbs, infinity as zeros.
const (
	sectionHeader    = iota + 1 // u64: scheme, curve, layout, variables, instance columns, constraints
	sectionFixedG1              // g_alpha, g_gamma, g_gamma_z, g_ab_gamma_z, g_gamma2_z2
	sectionFixedG2              // h, h_beta, h_gamma, h_gamma_z
	sectionQuery                // points of the instance
	sectionOmega                // one scalar
	sectionA                    // the finite points of a_query
	sectionB                    // those of b_query
	sectionC2                   // those of c_query_2
	sectionColumnsA             // u32: the columns of all three, ascending; empty if there are no others
	sectionC1                   // the finite points of c_query_1
	sectionColumnsC1            // u32: their columns
	sectionPowers               // N+1 points of g_gamma2_z_t
)

// WriteFile writes the key in Provery's own format, as scheme.ProvingKey says;
// its kind is "PK17".
func (pk *provingKey[S, A1, A2]) WriteFile(w io.Writer) error {
	b, vk := pk.vk.backend, pk.vk
	header := b.Header(pk.layout, pk.variables, pk.instance, pk.constraints)
	_, err := container.Write(w, fileKind, fileVersion, []container.Section{
		{ID: sectionHeader, Data: container.Bytes(header)},
		{ID: sectionFixedG1, Data: b.G1.Memory([]A1{vk.gAlpha, vk.gGamma, pk.gGammaZ, pk.gABZ, pk.gZ2})},
		{ID: sectionFixedG2, Data: b.G2.Memory([]A2{vk.h, vk.hBeta, vk.hGamma, pk.hGammaZ})},
		{ID: sectionQuery, Data: b.G1.Memory(vk.query)},
		{ID: sectionOmega, Data: b.Field.Memory([]S{pk.work.Omega})},
		{ID: sectionA, Data: b.G1.Memory(pk.a.Points)},
		{ID: sectionB, Data: b.G2.Memory(pk.b.Points)},
		{ID: sectionC2, Data: b.G1.Memory(pk.c2.Points)},
		{ID: sectionColumnsA, Data: container.Bytes(pk.a.Columns)},
		{ID: sectionC1, Data: b.G1.Memory(pk.c1.Points)},
		{ID: sectionColumnsC1, Data: container.Bytes(pk.c1.Columns)},
		{ID: sectionPowers, Data: b.G1.Memory(pk.powers)},
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
	g1, g2, n := pk.vk.backend.G1, pk.vk.backend.G2, pk.columns()
	var fixed1 []A1
	var fixed2 []A2
	err := wire.InOrder(
		func() (err error) { fixed1, err = wire.OpenElements(f, sectionFixedG1, 5, g1.FromMemory); return },
		func() (err error) { fixed2, err = wire.OpenElements(f, sectionFixedG2, 4, g2.FromMemory); return },
		func() (err error) {
			pk.vk.query, err = wire.OpenElements(f, sectionQuery, pk.instance, g1.FromMemory)
			return
		},
		func() (err error) {
			pk.powers, err = wire.OpenElements(f, sectionPowers, pk.domain()+1, g1.FromMemory)
			return
		},
		func() (err error) {
			pk.a, err = wire.OpenQuery(f, sectionA, sectionColumnsA, g1.FromMemory, 0, n)
			return
		},
		func() (err error) {
			pk.b, err = wire.OpenQuery(f, sectionB, sectionColumnsA, g2.FromMemory, 0, n)
			return
		},
		func() (err error) {
			pk.c2, err = wire.OpenQuery(f, sectionC2, sectionColumnsA, g1.FromMemory, 0, n)
			return
		},
		func() (err error) {
			pk.c1, err = wire.OpenQuery(f, sectionC1, sectionColumnsC1, g1.FromMemory, pk.instance, n)
			return
		},
	)
	if err != nil {
		return err
	}
	pk.vk.gAlpha, pk.vk.gGamma, pk.gGammaZ, pk.gABZ, pk.gZ2 = fixed1[0], fixed1[1], fixed1[2], fixed1[3], fixed1[4]
	pk.vk.h, pk.vk.hBeta, pk.vk.hGamma, pk.hGammaZ = fixed2[0], fixed2[1], fixed2[2], fixed2[3]
	return nil
}

// parseHeader checks the header's words.
func (b *backend[S, A1, A2]) parseHeader(header []uint64) (dimensions, scheme.Layout, error) {
	layout, words, err := b.ParseHeader(header, 3)
	if err != nil {
		return dimensions{}, "", err
	}
	variables, instance, constraints := words[0], words[1], words[2]
	if instance < 1 || instance > variables || max(variables, constraints) > math.MaxUint32/4 {
		return dimensions{}, "", fault.New(fault.InvalidArtifact, "impossible dimensions")
	}
	return dimensions{int(variables), int(instance), int(constraints)}, layout, nil
}
