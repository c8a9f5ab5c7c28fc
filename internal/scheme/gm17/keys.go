package gm17

import (
	"bytes"
	"io"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/r1cs"
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

// verifyingKey implements scheme.VerifyingKey. The names are those of the
// package's documentation; g itself isn't in the key.
type verifyingKey[S, A1, A2 any] struct {
	backend *backend[S, A1, A2]
	h       A2
	gAlpha  A1
	hBeta   A2
	gGamma  A1
	hGamma  A2
	query   []A1 // one for each instance column
}

// Scheme returns scheme.GM17.
func (vk *verifyingKey[S, A1, A2]) Scheme() scheme.ID { return scheme.GM17 }

// Curve returns the key's curve.
func (vk *verifyingKey[S, A1, A2]) Curve() curve.ID { return vk.backend.Curve() }

// NumPublic is the number of public inputs, without the constant 1.
func (vk *verifyingKey[S, A1, A2]) NumPublic() int { return len(vk.query) - 1 }

// Equal reports whether other is a key of this scheme and curve with the same points.
func (vk *verifyingKey[S, A1, A2]) Equal(other scheme.VerifyingKey) bool {
	o, ok := other.(*verifyingKey[S, A1, A2])
	if !ok || o.Curve() != vk.Curve() || len(o.query) != len(vk.query) {
		return false
	}
	g1, g2 := vk.backend.G1, vk.backend.G2
	return g2.Equal(&vk.h, &o.h) && g1.Equal(&vk.gAlpha, &o.gAlpha) && g2.Equal(&vk.hBeta, &o.hBeta) &&
		g1.Equal(&vk.gGamma, &o.gGamma) && g2.Equal(&vk.hGamma, &o.hGamma) &&
		bytes.Equal(g1.Memory(vk.query), g1.Memory(o.query))
}

// provingKey implements scheme.ProvingKey. Its points may lie in a mapped file.
type provingKey[S, A1, A2 any] struct {
	dimensions
	vk      *verifyingKey[S, A1, A2]
	layout  scheme.Layout
	a       wire.Query[A1] // gamma·u_j(tau), in G1
	b       wire.Query[A2] // and in G2; shares columns with a
	c1      wire.Query[A1] // from column l on
	c2      wire.Query[A1] // 2·gamma²·Z(tau)·u_j(tau): for Export only; shares columns with a
	gGammaZ A1             // gamma·Z(tau)
	hGammaZ A2
	gABZ    A1   // (alpha+beta)·gamma·Z(tau)
	gZ2     A1   // gamma²·Z(tau)²: for Export only
	powers  []A1 // N+1 points: tau^i·gamma²·Z(tau)
	work    *wire.Workspace[S]
}

// newProvingKey returns an empty key for arkworks's root of unity.
func (b *backend[S, A1, A2]) newProvingKey(d dimensions, layout scheme.Layout) (*provingKey[S, A1, A2], error) {
	omega, err := b.Omega(layout, d.domain())
	if err != nil {
		return nil, err
	}
	return &provingKey[S, A1, A2]{
		dimensions: d, layout: layout,
		vk:   &verifyingKey[S, A1, A2]{backend: b},
		work: b.NewWorkspace(d.domain(), omega, d.domain()+1),
	}, nil
}

// Scheme returns scheme.GM17.
func (pk *provingKey[S, A1, A2]) Scheme() scheme.ID { return scheme.GM17 }

// Curve returns the key's curve.
func (pk *provingKey[S, A1, A2]) Curve() curve.ID { return pk.vk.Curve() }

// Layout returns scheme.LayoutArk for an imported key, or scheme.LayoutNative.
func (pk *provingKey[S, A1, A2]) Layout() scheme.Layout { return pk.layout }

// VerifyingKey returns the verifying part.
func (pk *provingKey[S, A1, A2]) VerifyingKey() scheme.VerifyingKey { return pk.vk }

// Fits checks that the key was made for a system of s's dimensions; if not it
// is fault.InvalidArtifact. Which system it was made for, ImportProvingKey
// checks.
func (pk *provingKey[S, A1, A2]) Fits(s *r1cs.System) error {
	if err := pk.vk.backend.CheckSystem(s); err != nil {
		return err
	}
	if d := dimensionsOf(s); d != pk.dimensions {
		return fault.New(fault.InvalidArtifact,
			"key for %d variables, %d public inputs and %d constraints; the program has %d, %d and %d",
			pk.variables, pk.instance-1, pk.constraints, d.variables, d.instance-1, d.constraints)
	}
	return nil
}

// Export writes the key in the ark layout of ZoKrates.
func (pk *provingKey[S, A1, A2]) Export(w io.Writer, _ *r1cs.System) error { return pk.writeArk(w) }

// Origin says nothing: the layouts of these keys have no room for it.
func (pk *provingKey[S, A1, A2]) Origin() (scheme.Origin, error) { return scheme.Origin{}, nil }
