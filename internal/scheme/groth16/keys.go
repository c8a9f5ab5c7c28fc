package groth16

import (
	"bytes"
	"io"
	"sync"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/r1cs"
	"provery/internal/scheme"
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

// query is one list of a proving key: a point for each column of z that has
// one. Points at infinity, a third to two thirds of B in real programs, are
// left out.
type query[A any] struct {
	points []A
	// columns names, in ascending order, the column of z that each point
	// belongs to. It is nil if the points belong to columns first, first+1, ….
	columns []uint32
	first   int
}

// provingKey implements scheme.ProvingKey. Its points may lie in a mapped file.
type provingKey[S, A1, A2 any] struct {
	dimensions
	vk      *verifyingKey[S, A1, A2]
	layout  scheme.Layout
	omega   S
	beta    A1
	delta   A1
	a       query[A1]
	b1      query[A1]
	b2      query[A2] // shares columns with b1
	l       query[A1] // private columns only
	h       []A1      // n-1 points: tau^i·Z(tau)/delta
	domain  func() (curve.Domain[S], error)
	scratch sync.Pool // *[]S of n elements
}

// newProvingKey returns an empty key whose domain is built at its first use.
func (b *backend[S, A1, A2]) newProvingKey(d dimensions, layout scheme.Layout, omega S) *provingKey[S, A1, A2] {
	pk := &provingKey[S, A1, A2]{
		dimensions: d, layout: layout, omega: omega,
		vk: &verifyingKey[S, A1, A2]{backend: b},
	}
	pk.domain = sync.OnceValues(func() (curve.Domain[S], error) { return b.NewDomain(d.domain, &pk.omega) })
	pk.scratch.New = func() any {
		v := make([]S, d.domain)
		return &v
	}
	return pk
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
	if err := pk.vk.backend.checkSystem(s); err != nil {
		return err
	}
	if d := dimensionsOf(s); d != pk.dimensions {
		return fault.New(fault.InvalidArtifact,
			"key for %d variables, %d public inputs and a domain of %d; the program has %d, %d and %d",
			pk.variables, pk.instance-1, pk.dimensions.domain, d.variables, d.instance-1, d.domain)
	}
	return nil
}

// Export writes the key in the ark layout of ZoKrates. A bellman key is
// fault.Unsupported: it uses another root of unity, which the file can't say.
func (pk *provingKey[S, A1, A2]) Export(w io.Writer) error {
	if pk.layout == scheme.LayoutBellman {
		return fault.New(fault.Unsupported, "export proving key: a bellman key has no ark form")
	}
	return pk.writeArk(w)
}

// dropInfinity returns the finite points of p, which belong to the columns
// from first on. It moves them within p.
func dropInfinity[S, A any](g curve.Group[S, A], p []A, first int) query[A] {
	finite := 0
	for i := range p {
		if !g.IsInfinity(&p[i]) {
			finite++
		}
	}
	if finite == len(p) {
		return query[A]{points: p, first: first}
	}
	q := query[A]{points: p[:0], columns: make([]uint32, 0, finite)}
	for i := range p {
		if !g.IsInfinity(&p[i]) {
			q.points = append(q.points, p[i])
			q.columns = append(q.columns, uint32(first+i))
		}
	}
	return q
}
