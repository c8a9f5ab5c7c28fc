package bn254

import (
	"context"
	"runtime"

	"github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/curve"
	"provery/internal/msm"
)

// Engine is a way to compute multi-scalar multiplications. All give the same
// sums.
type Engine uint8

// The engines.
const (
	// Best is Kernels where the CPU has what they need, Vectors on other CPUs of
	// the same architecture, and Library elsewhere.
	Best Engine = iota
	// Library is gnark-crypto's MultiExp.
	Library
	// Vectors is package msm on gnark-crypto's vector operations.
	Vectors
	// Kernels is package msm with the instructions that the CPU has.
	Kernels
)

// SuiteWith returns a suite like Suite's whose Sum computes by the engine e, with
// windows of so many bits where it is one of package msm's (0: the best). It is for
// tests and measurements.
func SuiteWith(e Engine, window int) *curve.Suite[fr.Element, bn254.G1Affine, bn254.G2Affine] {
	s := Suite()
	s.Sum = func(ctx context.Context, g1 []product1, g2 []product2, threads int) error {
		return sumBy(ctx, e, window, g1, g2, threads)
	}
	return s
}

type (
	product1 = curve.Product[fr.Element, bn254.G1Affine]
	product2 = curve.Product[fr.Element, bn254.G2Affine]
)

// sum implements Suite's Sum.
func sum(ctx context.Context, g1 []product1, g2 []product2, threads int) error {
	return sumBy(ctx, Best, 0, g1, g2, threads)
}

func sumBy(ctx context.Context, e Engine, window int, g1 []product1, g2 []product2, threads int) error {
	if e == Best {
		e = best(terms(g1) + terms(g2))
	}
	if e == Library {
		return sumByLibrary(ctx, g1, g2, threads)
	}
	s := msm.Set{Threads: threads, Window: window, Portable: e == Vectors}
	for _, p := range g1 {
		s.G1(p.Dst, p.Points, p.Scalars, p.Started)
	}
	for _, p := range g2 {
		s.G2(p.Dst, p.Points, p.Scalars, p.Started)
	}
	return s.Run(ctx)
}

func terms[A any](products []curve.Product[fr.Element, A]) int {
	n := 0
	for _, p := range products {
		n += len(p.Points)
	}
	return n
}

// fewTerms is the number of terms below which MultiExp is the faster.
const fewTerms = 256

// best returns the engine for n terms. Vectors needs no vector instructions to be
// the faster: it adds up bits with one addition for each, and inverts once for a
// thousand additions. That was measured on amd64 only.
func best(n int) Engine {
	switch {
	case n < fewTerms:
		return Library
	case msm.Accelerated():
		return Kernels
	case runtime.GOARCH == "amd64":
		return Vectors
	}
	return Library
}

func sumByLibrary(ctx context.Context, g1 []product1, g2 []product2, threads int) error {
	if err := curve.SumInTurn(ctx, multiExpG1, g1, threads); err != nil {
		return err
	}
	return curve.SumInTurn(ctx, multiExpG2, g2, threads)
}

// msmG1 computes an MSM by the best engine.
func msmG1(ctx context.Context, points []bn254.G1Affine, scalars []fr.Element, threads int) (dst bn254.G1Affine, err error) {
	err = sum(ctx, []product1{{Dst: &dst, Points: points, Scalars: scalars}}, nil, threads)
	return dst, err
}

// msmG2 computes an MSM by the best engine.
func msmG2(ctx context.Context, points []bn254.G2Affine, scalars []fr.Element, threads int) (dst bn254.G2Affine, err error) {
	err = sum(ctx, nil, []product2{{Dst: &dst, Points: points, Scalars: scalars}}, threads)
	return dst, err
}
