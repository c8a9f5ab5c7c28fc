// Package gm17 is the proving scheme of [GM17], written once for all curves:
// set-up, proofs, verification, and the files of ZoKrates. Its proofs are
// simulation-extractable: nobody who has seen one can make another one of it.
//
// The scheme proves square arithmetic programs. A constraint system of m rows
// and l = 1 + public columns becomes one of N = 2^k >= 2m + 2(l-1) + 1 rows
// (sap.go), as ark-gm17 0.3 does it: f extends z = (1, public, private) by a
// square for each constraint and each public input, and (U·f)² = W·f. With
// u_j, w_j interpolating the columns of U and W over the domain and Z(X) =
// X^N - 1, g and h generators, a proof is
//
//	A = g·(gamma·sum_j f_j·u_j(tau) + rho·gamma·Z(tau))
//	B = h·(gamma·sum_j f_j·u_j(tau) + rho·gamma·Z(tau))
//	C = sum_private f_j·c1_j + rho·(alpha+beta)·gamma·Z(tau)·g + q(tau)·gamma²·Z(tau)·g
//
// with c1_j = (gamma²·w_j(tau) + (alpha+beta)·gamma·u_j(tau))·g and q =
// ((u + rho·Z)² - w)/Z for u = sum_j f_j·u_j, w = sum_j f_j·w_j. It holds if
//
//	e(A + alpha·g, B + beta·h) = e(alpha·g, beta·h) · e(sum_public x_j·query_j, gamma·h) · e(C, h)
//	e(A, gamma·h) = e(gamma·g, B)
//
// with query_j = (gamma·w_j(tau) + (alpha+beta)·u_j(tau))·g.
//
// ark-gm17 blinds a proof with two scalars r and d1 (its d2 cancels). Only
// their sum enters the three points, so that rho = r + d1 alone, uniform, gives
// the same distribution of proofs; taken as d1 it goes into q, and the sum over
// c_query_2 that r would be multiplied by is never computed.
//
// Prove reports the stages StageEvaluate, StageA, StageC, StageB,
// StageQuotient and StageH, in this order. The sums from StageA to StageB share
// one queue of work: on several threads one begins while the last parts of
// another run.
//
// [GM17]: https://eprint.iacr.org/2017/540
package gm17

import (
	"provery/internal/curve"
	"provery/internal/curve/bls12377"
	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/curve/bw6761"
	"provery/internal/fault"
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

// The stages of Prove, as reported through scheme.ProveInput.Stage.
const (
	StageEvaluate = "prove.evaluate" // A·z, B·z, C·z where the witness lacks them; satisfaction; the squares of f
	StageA        = "prove.a"        // the multi-scalar multiplication of A
	StageC        = "prove.c"        // the private part of C
	StageB        = "prove.b"        // B, in G2
	StageQuotient = "prove.quotient" // the coefficients of q
	StageH        = "prove.h"        // q(tau)·gamma²·Z(tau)
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
	return nil, fault.New(fault.Unsupported, "gm17 on %v", id)
}

// backend implements scheme.Backend on one curve. It has no state but its
// base.
type backend[S, A1, A2 any] struct {
	*wire.Base[S, A1, A2]
}

func newBackend[S, A1, A2 any](suite *curve.Suite[S, A1, A2]) *backend[S, A1, A2] {
	return &backend[S, A1, A2]{wire.NewBase(suite, scheme.GM17, "gm17")}
}
