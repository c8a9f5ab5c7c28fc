// Package groth16 is the proving scheme of [Groth16], written once for all
// curves: set-up, proofs, verification, and the files of ZoKrates.
//
// For z = (1, public, private) and a constraint system of m rows and l = 1 +
// public columns, the domain has n = 2^k >= m + l points: rows m to m+l-1 of A
// hold the instance columns, one each, which makes their polynomials
// independent; the rest is zero. With u_j, v_j, w_j interpolating column j of
// A, B, C over the domain and Z(X) = X^n - 1, a proof is
//
//	A = alpha + sum_j z_j·u_j(tau) + r·delta
//	B = beta  + sum_j z_j·v_j(tau) + s·delta
//	C = sum_private z_j·l_j + h(tau)·Z(tau)/delta + s·A + r·B - r·s·delta
//
// with h = (A·B - C)/Z, and it holds if
//
//	e(A, B) = e(alpha, beta) · e(sum_public x_j·gamma_abc_j, gamma) · e(C, delta).
//
// Prove reports the stages StageEvaluate, StageA, StageB1, StageL, StageB2,
// StageQuotient and StageH, in this order. The sums from StageA to StageB2 share
// one queue of work: on several threads one begins while the last parts of
// another run.
//
// [Groth16]: https://eprint.iacr.org/2016/260
package groth16

import (
	"provery/internal/curve"
	"provery/internal/curve/bls12377"
	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/curve/bw6761"
	"provery/internal/fault"
	"provery/internal/r1cs"
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

// The stages of Prove, as reported through scheme.ProveInput.Stage.
const (
	StageEvaluate = "prove.evaluate" // A·z, B·z, C·z where the witness lacks them; satisfaction
	StageA        = "prove.a"        // the multi-scalar multiplication of A
	StageB1       = "prove.b1"       // that of B in G1, for C
	StageL        = "prove.l"        // the private part of C
	StageB2       = "prove.b2"       // B in G2
	StageQuotient = "prove.quotient" // the coefficients of h
	StageH        = "prove.h"        // h(tau)·Z(tau)/delta
)

// New returns the scheme on the curve. An unknown curve is fault.Unsupported.
func New(id curve.ID) (scheme.Backend, error) {
	switch id {
	case curve.BN128:
		return newBackend(bn254.Suite()), nil
	case curve.BLS12381:
		return newBackend(bls12381.Suite()), nil
	case curve.BLS12377:
		return newBackend(bls12377.Suite()), nil
	case curve.BW6761:
		return newBackend(bw6761.Suite()), nil
	}
	return nil, fault.New(fault.Unsupported, "groth16 on %v", id)
}

// backend implements scheme.Backend on one curve. It has no state but its
// base.
type backend[S, A1, A2 any] struct {
	*wire.Base[S, A1, A2]
}

func newBackend[S, A1, A2 any](suite *curve.Suite[S, A1, A2]) *backend[S, A1, A2] {
	return &backend[S, A1, A2]{wire.NewBase(suite, scheme.Groth16, "g16")}
}

// dimensions are what a key and a constraint system must agree on.
type dimensions struct {
	variables int // columns of z: l plus the private ones
	instance  int // l: the constant and the public inputs
	domain    int // n
}

func dimensionsOf(s *r1cs.System) dimensions {
	instance := s.NumPublic + 1
	n := 1
	for n < s.NumConstraints()+instance {
		n *= 2
	}
	return dimensions{s.NumVariables, instance, n}
}

func (d dimensions) private() int { return d.variables - d.instance }
