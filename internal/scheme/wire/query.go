package wire

import (
	"context"
	"encoding/binary"
	"io"
	"slices"

	"provery/internal/curve"
)

// Query is one list of a proving key: a point for each variable that has one.
// Points at infinity, a third to two thirds of some lists in real programs,
// are left out.
type Query[A any] struct {
	Points []A
	// Columns names, in ascending order, the column that each point belongs
	// to. It is nil if the points belong to columns First, First+1, ….
	Columns []uint32
	First   int
}

// DropInfinity returns the finite points of p, which belong to the columns
// from first on. It moves them within p.
func DropInfinity[S, A any](g curve.Group[S, A], p []A, first int) Query[A] {
	finite := 0
	for i := range p {
		if !g.IsInfinity(&p[i]) {
			finite++
		}
	}
	if finite == len(p) {
		return Query[A]{Points: p, First: first}
	}
	q := Query[A]{Points: p[:0], Columns: make([]uint32, 0, finite)}
	for i := range p {
		if !g.IsInfinity(&p[i]) {
			q.Points = append(q.Points, p[i])
			q.Columns = append(q.Columns, uint32(first+i))
		}
	}
	return q
}

// MulQuery returns the multiples of base by scalars, which belong to the
// columns from first on, as a query. It returns an error only if ctx is done.
func MulQuery[S, A any](ctx context.Context, g curve.Group[S, A], base *A, scalars []S, first, threads int) (Query[A], error) {
	points, err := g.MulEach(ctx, base, scalars, threads)
	if err != nil {
		return Query[A]{}, err
	}
	return DropInfinity(g, points, first), nil
}

// AllColumns lists the columns of q, also where they follow one another.
func (q *Query[A]) AllColumns() []uint32 {
	if q.Columns != nil {
		return q.Columns
	}
	out := make([]uint32, len(q.Points))
	for i := range out {
		out[i] = uint32(q.First + i)
	}
	return out
}

// Scalars returns the values of z in q's columns. They are gathered in buffer,
// if it is long enough, or share z's storage.
func Scalars[S, A any](f curve.Field[S], q *Query[A], z, buffer []S) []S {
	if q.Columns == nil {
		return z[q.First : q.First+len(q.Points)]
	}
	if len(buffer) < len(q.Columns) {
		buffer = make([]S, len(q.Columns))
	}
	out := buffer[:len(q.Columns)]
	f.Gather(out, z, q.Columns)
	return out
}

// Sum returns the sum of z_j·q_j over the columns j that q has points for.
func Sum[S, A any](ctx context.Context, f curve.Field[S], g curve.Group[S, A], q *Query[A], z []S, threads int) (A, error) {
	return g.MSM(ctx, q.Points, Scalars(f, q, z, nil), threads)
}

// WritePoints writes points in the ark layout, without their number.
func WritePoints[S, A any](w io.Writer, g curve.Group[S, A], points ...A) error {
	b := make([]byte, len(points)*g.Bytes())
	g.Encode(b, points)
	_, err := w.Write(b)
	return err
}

// WriteVector writes points in the ark layout, after their number.
func WriteVector[S, A any](w io.Writer, g curve.Group[S, A], points []A) error {
	return WriteQuery(w, g, &Query[A]{Points: points}, 0, len(points))
}

// WriteBellmanPoints writes finite points in the bellman layout, without their
// number.
func WriteBellmanPoints[S, A any](w io.Writer, g curve.Group[S, A], points []A) error {
	const block = 1024
	size := g.Bytes()
	b := make([]byte, min(len(points), block)*size)
	for some := range slices.Chunk(points, block) {
		part := b[:len(some)*size]
		g.Encode(part, some)
		reverseEach(part, size/2)
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// WriteBellmanVector writes finite points in the bellman layout, after their
// number.
func WriteBellmanVector[S, A any](w io.Writer, g curve.Group[S, A], points []A) error {
	if err := binary.Write(w, binary.BigEndian, uint32(len(points))); err != nil {
		return err
	}
	return WriteBellmanPoints(w, g, points)
}

// WriteQuery writes the n points of the columns from first on in the ark
// layout, infinity where q has none, after their number.
func WriteQuery[S, A any](w io.Writer, g curve.Group[S, A], q *Query[A], first, n int) error {
	if err := binary.Write(w, binary.LittleEndian, uint64(n)); err != nil {
		return err
	}
	return EachPoint(g, q, first, n, func(points []A) error { return WritePoints(w, g, points...) })
}

// EachPoint calls f with the n points of the columns from first on, in order
// and in blocks, infinity where q has none. f must not keep them.
func EachPoint[S, A any](g curve.Group[S, A], q *Query[A], first, n int, f func(points []A) error) error {
	const block = 1024
	buffer := make([]A, 0, block)
	next := 0 // index into q of the first point not yet written
	for i := range n {
		point := g.Infinity()
		if q.Columns == nil || next < len(q.Columns) && int(q.Columns[next]) == first+i {
			point = q.Points[next]
			next++
		}
		if buffer = append(buffer, point); len(buffer) == block || i == n-1 {
			if err := f(buffer); err != nil {
				return err
			}
			buffer = buffer[:0]
		}
	}
	return nil
}
