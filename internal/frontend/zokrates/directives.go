package zokrates

import (
	"math/big"

	"provery/internal/fault"
)

// directive evaluates the inputs, a product of two rows each, runs the solver,
// and assigns its outputs to places of z.
func (r *run[S]) directive(number uint32, rows, places []uint32) error {
	f := r.p.field
	in := grow(&r.inputs, len(rows)/2)
	for i := range in {
		left, right := r.row(rows[2*i]), r.row(rows[2*i+1])
		f.Mul(&in[i], left, right)
	}
	out := grow(&r.outputs, len(places))
	if err := r.solve(&r.p.solvers.list[number], in, out); err != nil {
		return err
	}
	for i, place := range places {
		r.z[place] = out[i]
	}
	return nil
}

// grow returns a slice of n elements in the memory of *buf, which it enlarges
// if needed. The elements keep what was there.
func grow[S any](buf *[]S, n int) []S {
	if cap(*buf) < n {
		*buf = make([]S, n)
	}
	return (*buf)[:n]
}

// solve runs one solver. The lengths of in and out are its signature's.
func (r *run[S]) solve(s *solver, in, out []S) error {
	f := r.p.field
	switch s.kind {
	case solverZir:
		return r.solveZir(s.zir, in, out)
	case solverBits:
		f.Bits(out, &in[0])
	case solverSha256Round:
		r.solveSha256(in, out)
	case solverEuclideanDiv:
		r.solveEuclidean(in, out)
	case solverConditionEq: // x is 0, and its inverse or 1
		f.SetUint64(&out[0], 0)
		f.SetUint64(&out[1], 1)
		if !f.IsZero(&in[0]) {
			f.SetUint64(&out[0], 1)
			f.Inverse(&out[1], &in[0])
		}
	case solverDiv: // 1 for a division by zero, which a constraint then refuses
		f.SetUint64(&out[0], 1)
		if !f.IsZero(&in[1]) {
			f.Inverse(&out[0], &in[1])
			f.Mul(&out[0], &out[0], &in[0])
		}
	default:
		r.solveGate(s.kind, in, out)
	}
	return nil
}

// solveGate computes the functions of bits that are polynomials, on any field
// elements.
func (r *run[S]) solveGate(kind solverKind, in, out []S) {
	f, t, u := r.p.field, &r.t, &r.u
	switch kind {
	case solverXor, solverOr: // x + y - 2xy, x + y - xy
		f.Mul(t, &in[0], &in[1])
		f.Add(u, &in[0], &in[1])
		f.Sub(&out[0], u, t)
		if kind == solverXor {
			f.Sub(&out[0], &out[0], t)
		}
	case solverMajority: // bc - (2bc - b - c)a
		f.Mul(t, &in[1], &in[2])
		f.Add(u, t, t)
		f.Sub(u, u, &in[1])
		f.Sub(u, u, &in[2])
		f.Mul(u, u, &in[0])
		f.Sub(&out[0], t, u)
	case solverChoice: // a(b - c) + c
		f.Sub(t, &in[1], &in[2])
		f.Mul(t, t, &in[0])
		f.Add(&out[0], t, &in[2])
	}
}

// solveEuclidean computes quotient and remainder of canonical values; a
// division by zero gives the quotient 0.
func (r *run[S]) solveEuclidean(in, out []S) {
	f := r.p.field
	n, d := f.Big(r.integer(0), &in[0]), f.Big(r.integer(1), &in[1])
	quotient, remainder := r.integer(2).SetUint64(0), n
	if d.Sign() != 0 {
		quotient.QuoRem(n, d, remainder)
	}
	f.SetBig(&out[0], quotient)
	f.SetBig(&out[1], remainder)
}

// solveZir runs a function of the program.
func (r *run[S]) solveZir(function *zirFunction, in, out []S) error {
	f := r.p.field
	arguments := make([]*big.Int, len(in))
	for i := range in {
		arguments[i] = f.Big(new(big.Int), &in[i])
	}
	results, err := function.evaluate(f.Params().ScalarModulus, arguments)
	if err != nil {
		return err
	}
	if len(results) != len(out) {
		return fault.New(fault.InvalidArtifact, "a solver returned %d values where %d are wanted", len(results), len(out))
	}
	for i, v := range results {
		f.SetBig(&out[i], v)
	}
	return nil
}

// solveSha256 computes one SHA-256 compression with all of the gadget's
// variables.
func (r *run[S]) solveSha256(in, out []S) {
	f := r.p.field
	var words [sha256RoundInputs / 32]uint32
	for i := range in {
		words[i/32] <<= 1
		if f.IsOne(&in[i]) {
			words[i/32] |= 1
		}
	}
	r.trace = sha256Gadget(r.trace[:0], [16]uint32(words[:16]), [8]uint32(words[16:]))
	f.SetUint64(&out[0], 1)
	copy(out[1:], in)
	bits := out[1+len(in):]
	f.SetUint64(&r.t, 0)
	f.SetUint64(&r.u, 1)
	for i, b := range r.trace {
		if bits[i] = r.t; b == 1 {
			bits[i] = r.u
		}
	}
}
