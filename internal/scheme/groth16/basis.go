package groth16

import (
	"provery/internal/scheme"
	"provery/internal/scheme/wire"
)

// A key holds h(tau)·Z(tau)/delta by one of two bases of the polynomials of
// degree n-1:
//
//   - X^i·Z for i < n-1, so that a proof needs h's coefficients (ZoKrates);
//   - the Lagrange polynomials of 2n points at the odd powers of a root of order
//     2n (snarkjs). h·Z = A·B - C is 0 at the even ones, so that a proof needs
//     its n values at the odd ones, and no division.

// inOddBasis reports whether the key's is the second one.
func (pk *provingKey[S, A1, A2]) inOddBasis() bool { return pk.layout == scheme.LayoutSnarkJS }

// quotientSize returns the number of points of h.
func (pk *provingKey[S, A1, A2]) quotientSize() int {
	if pk.inOddBasis() {
		return pk.domain
	}
	return pk.domain - 1
}

// quotientBasis returns the logarithms of h: tau^i·Z(tau)/delta, or
// L_(2i+1)(tau)/delta with
//
//	L_k(tau) = (tau^2n - 1)/2n · w^k/(tau - w^k)
//
// for the root w, whose square is omega. For k = 2i+1 the second factor is
// omega^i/(tau/w - omega^i), and the first one is Z·(Z + 2)/2n.
func (pk *provingKey[S, A1, A2]) quotientBasis(secret *secrets[S]) []S {
	f := pk.vk.backend.Field
	var inverse S
	f.Inverse(&inverse, &secret.delta)
	if !pk.inOddBasis() {
		h := make([]S, pk.quotientSize())
		f.Mul(&inverse, &inverse, &secret.zTau)
		f.Powers(h, &inverse, &secret.tau)
		return h
	}
	var tau, z, two S
	f.Inverse(&tau, &pk.odd)
	f.Mul(&tau, &tau, &secret.tau)
	f.SetUint64(&two, 2)
	f.Add(&z, &secret.zTau, &two)
	f.Mul(&z, &z, &secret.zTau)
	f.Inverse(&two, &two)
	f.Mul(&z, &z, &two)
	h := wire.Lagrange(f, pk.domain, &pk.work.Omega, &tau, &z)
	f.ScaleVec(h, h, &inverse)
	return h
}
