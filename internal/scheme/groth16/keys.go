package groth16

import (
	"bytes"
	"io"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/r1cs"
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

// verifyingKey implements scheme.VerifyingKey.
type verifyingKey[S, A1, A2 any] struct {
	backend  *backend[S, A1, A2]
	alpha    A1
	beta     A2
	gamma    A2
	delta    A2
	gammaABC []A1 // one for each instance column
}

// Scheme returns scheme.Groth16.
func (vk *verifyingKey[S, A1, A2]) Scheme() scheme.ID { return scheme.Groth16 }

// Curve returns the key's curve.
func (vk *verifyingKey[S, A1, A2]) Curve() curve.ID { return vk.backend.Curve() }

// NumPublic is the number of public inputs, without the constant 1.
func (vk *verifyingKey[S, A1, A2]) NumPublic() int { return len(vk.gammaABC) - 1 }

// Equal reports whether other is a key of this scheme and curve with the same points.
func (vk *verifyingKey[S, A1, A2]) Equal(other scheme.VerifyingKey) bool {
	o, ok := other.(*verifyingKey[S, A1, A2])
	if !ok || o.Curve() != vk.Curve() || len(o.gammaABC) != len(vk.gammaABC) {
		return false
	}
	g1, g2 := vk.backend.G1, vk.backend.G2
	return g1.Equal(&vk.alpha, &o.alpha) && g2.Equal(&vk.beta, &o.beta) &&
		g2.Equal(&vk.gamma, &o.gamma) && g2.Equal(&vk.delta, &o.delta) &&
		bytes.Equal(g1.Memory(vk.gammaABC), g1.Memory(o.gammaABC))
}

// provingKey implements scheme.ProvingKey. Its points may lie in a mapped file.
type provingKey[S, A1, A2 any] struct {
	dimensions
	vk     *verifyingKey[S, A1, A2]
	layout scheme.Layout
	beta   A1
	delta  A1
	a      wire.Query[A1]
	b1     wire.Query[A1]
	b2     wire.Query[A2] // shares columns with b1
	l      wire.Query[A1] // private columns only
	h      []A1           // the quotient's basis: see quotientBasis
	odd    S              // root of the odd powers, in snarkjs's layout
	work   *wire.Workspace[S]

	// Of a key that was read from a .zkey file, otherwise nil:
	contributions []byte   // those of its ceremony, section 10
	order         []uint32 // the columns of A's and B's terms, in the file's order
}

// newProvingKey returns an empty key for the root of unity of the layout.
func (b *backend[S, A1, A2]) newProvingKey(d dimensions, layout scheme.Layout) (*provingKey[S, A1, A2], error) {
	omega, err := b.Omega(layout, d.domain)
	if err != nil {
		return nil, err
	}
	pk := &provingKey[S, A1, A2]{
		dimensions: d, layout: layout,
		vk:   &verifyingKey[S, A1, A2]{backend: b},
		work: b.NewWorkspace(d.domain, omega, d.domain),
	}
	if pk.inOddBasis() {
		pk.odd, err = b.Omega(layout, 2*d.domain)
	}
	return pk, err
}

// Scheme returns scheme.Groth16.
func (pk *provingKey[S, A1, A2]) Scheme() scheme.ID { return scheme.Groth16 }

// Curve returns the key's curve.
func (pk *provingKey[S, A1, A2]) Curve() curve.ID { return pk.vk.Curve() }

// Layout returns the layout that the key was imported from, or
// scheme.LayoutNative.
func (pk *provingKey[S, A1, A2]) Layout() scheme.Layout { return pk.layout }

// VerifyingKey returns the verifying part.
func (pk *provingKey[S, A1, A2]) VerifyingKey() scheme.VerifyingKey { return pk.vk }

// Fits checks that the key was made for a system of s's dimensions; if not it
// is fault.InvalidArtifact. Which system it was made for, a key doesn't say.
func (pk *provingKey[S, A1, A2]) Fits(s *r1cs.System) error {
	if err := pk.vk.backend.CheckSystem(s); err != nil {
		return err
	}
	if d := dimensionsOf(s); d != pk.dimensions {
		return fault.New(fault.InvalidArtifact,
			"key for %d variables, %d public inputs and a domain of %d; the program has %d, %d and %d",
			pk.variables, pk.instance-1, pk.domain, d.variables, d.instance-1, d.domain)
	}
	return nil
}

// Export writes the key in its layout, as scheme.ProvingKey says: a native key
// as ark. Ark's and bellman's can't be turned into each other: they use different
// roots of unity, which the points depend on.
func (pk *provingKey[S, A1, A2]) Export(w io.Writer, s *r1cs.System) error {
	switch pk.layout {
	case scheme.LayoutBellman:
		return pk.writeBellman(w)
	case scheme.LayoutSnarkJS:
		return pk.writeZKey(w, s)
	}
	return pk.writeArk(w)
}
