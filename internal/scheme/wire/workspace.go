package wire

import (
	"sync"

	"provery/internal/curve"
	"provery/internal/scratch"
)

// Workspace is what the proofs of one key share: the evaluation domain, built
// at its first use. It is safe for concurrent use.
type Workspace[S any] struct {
	// Omega generates the domain.
	Omega  S
	domain func() (curve.Domain[S], error)
	length int
}

// NewWorkspace returns a workspace for a domain of n points with the generator
// omega, which lends vectors of length elements.
func (b *Base[S, A1, A2]) NewWorkspace(n int, omega S, length int) *Workspace[S] {
	w := &Workspace[S]{Omega: omega, length: length}
	w.domain = sync.OnceValues(func() (curve.Domain[S], error) { return b.NewDomain(n, &w.Omega) })
	return w
}

// Domain returns the domain.
func (w *Workspace[S]) Domain() (curve.Domain[S], error) { return w.domain() }

// Loan is the vectors that one proof has borrowed.
type Loan[S any] struct {
	from     *Workspace[S]
	borrowed [][]S
}

// Loan returns an empty loan.
func (w *Workspace[S]) Loan() *Loan[S] { return &Loan[S]{from: w} }

// Vector borrows a vector. Its content is arbitrary.
func (l *Loan[S]) Vector() []S {
	v := scratch.Lend[S](l.from.length)
	l.borrowed = append(l.borrowed, v)
	return v
}

// Return gives all vectors back. What is left in them is overwritten by whatever
// borrows them next; it never leaves the process.
func (l *Loan[S]) Return() {
	for _, v := range l.borrowed {
		scratch.Return(v)
	}
	l.borrowed = nil
}
