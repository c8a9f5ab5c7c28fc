package ceremony

import (
	"bufio"
	"context"
	"encoding/binary"
	"hash"
	"io"
	"math"

	"golang.org/x/crypto/blake2b"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend/circom"
	"provery/internal/iden3"
	"provery/internal/ptau"
	"provery/internal/zkey"
)

// start makes the first key of a ceremony, part by part.
type start[S, A1, A2 any] struct {
	zkey.Codec[S, A1, A2]
	ctx         context.Context
	run         Run
	constraints *circom.Constraints[S]
	powers      *ptau.File[S, A1, A2]
	header      zkey.Header[A1, A2]
	hash        hash.Hash // of the circuit, up to the part that was made last

	a, b, abc curve.Sparse // by column: see columns
	g1        []A1         // Lagrange polynomials times beta, times alpha, plain
	g2        []A2
}

// part is one section of the key. Exactly one of the functions is set; it passes
// the content in blocks, in order.
type part[A1, A2 any] struct {
	id    uint32
	name  string
	count int // of points
	size  int64
	raw   func(put func([]byte) error) error
	g1    func(put func([]A1) error) error
	g2    func(put func([]A2) error) error
}

// begin reads the circuit and checks the powers of tau.
func begin[S, A1, A2 any](ctx context.Context, c zkey.Codec[S, A1, A2], in Circuit, run Run) (*start[S, A1, A2], error) {
	run.progress("reading the constraints", 0, 0)
	constraints, err := circom.ReadConstraints(ctx, c.Field, in.R1CS)
	if err != nil {
		return nil, err
	}
	powers, err := ptau.Open(c, in.Powers, in.Powers.Size(), run.Threads)
	if err != nil {
		return nil, err
	}
	s := &start[S, A1, A2]{Codec: c, ctx: ctx, run: run, constraints: constraints, powers: powers}
	domain := 2
	for domain < constraints.Constraints+constraints.Public()+1 {
		domain *= 2
	}
	if terms := len(constraints.A.Columns) + len(constraints.B.Columns) + len(constraints.C.Columns); terms+domain > math.MaxUint32 {
		return nil, fault.New(fault.TooLarge, "the constraint system has too many terms")
	}
	if err := powers.Fits(domain); err != nil {
		return nil, err
	}
	if err := powers.Check(ctx, domain, func(name string) { run.progress("checking the "+name, 0, 0) }); err != nil {
		return nil, err
	}
	return s, s.setHeader(domain)
}

// setHeader makes the header, and begins the circuit's hash with it.
func (s *start[S, A1, A2]) setHeader(domain int) error {
	alpha, beta, beta2, err := s.powers.Fixed(s.ctx)
	if err != nil {
		return err
	}
	g1, g2 := s.G1.Generator(), s.G2.Generator()
	s.header = zkey.Header[A1, A2]{
		Dimensions: zkey.Dimensions{Variables: s.constraints.Wires, Public: s.constraints.Public(), Domain: domain},
		Alpha1:     alpha, Beta1: beta, Beta2: beta2, Gamma2: g2, Delta1: g1, Delta2: g2,
	}
	if s.hash, err = blake2b.New512(nil); err != nil {
		return fault.Wrap(err, fault.Internal, "start hash")
	}
	s.hash.Write(zkey.Uncompressed(s.G1, alpha, beta))
	s.hash.Write(zkey.Uncompressed(s.G2, beta2, g2))
	s.hash.Write(zkey.Uncompressed(s.G1, g1))
	s.hash.Write(zkey.Uncompressed(s.G2, g2))
	return nil
}

// count writes a number of points to the hash.
func (s *start[S, A1, A2]) count(n int) {
	s.hash.Write(binary.BigEndian.AppendUint32(nil, uint32(n)))
}

// parts returns the parts in the order of snarkjs's file, which is that of the hash.
func (s *start[S, A1, A2]) parts() []part[A1, A2] {
	d := s.header.Dimensions
	inG1 := func(id uint32, name string, n int, make func(put func([]A1) error) error) part[A1, A2] {
		return part[A1, A2]{id: id, name: name, count: n, size: int64(n) * int64(s.G1.Bytes()), g1: make}
	}
	rows := func(m *curve.Sparse, points func() []A1, lo, hi int) func(put func([]A1) error) error {
		return func(put func([]A1) error) error {
			if err := s.load(); err != nil {
				return err
			}
			s.count(hi - lo)
			return combine(s, s.G1, m, points(), lo, hi, put)
		}
	}
	all := func() []A1 { return s.g1 }
	plain := func() []A1 { return s.g1[2*d.Domain:] }
	return []part[A1, A2]{
		{id: zkey.Coefficients, name: "coefficients", size: s.coefficientsSize(), raw: s.coefficients},
		inG1(zkey.IC, "IC", d.Public+1, rows(&s.abc, all, 0, d.Public+1)),
		inG1(zkey.H, "H", d.Domain, s.quotient),
		inG1(zkey.C, "C", d.Private(), rows(&s.abc, all, d.Public+1, d.Variables)),
		inG1(zkey.A, "A", d.Variables, rows(&s.a, plain, 0, d.Variables)),
		inG1(zkey.B1, "B1", d.Variables, rows(&s.b, plain, 0, d.Variables)),
		{id: zkey.B2, name: "B2", count: d.Variables, size: int64(d.Variables) * int64(s.G2.Bytes()), g2: func(put func([]A2) error) error {
			s.g1 = nil
			var err error
			if s.g2, err = s.powers.Lagrange2(s.ctx, d.Domain); err != nil {
				return err
			}
			s.count(d.Variables)
			return combine(s, s.G2, &s.b, s.g2, 0, d.Variables, put)
		}},
	}
}

// load reads the Lagrange polynomials in G1, and sorts the constraints by column.
func (s *start[S, A1, A2]) load() error {
	if s.g1 != nil {
		return nil
	}
	s.columns()
	for _, which := range []ptau.Which{ptau.TimesBeta, ptau.TimesAlpha, ptau.Plain} {
		points, err := s.powers.Lagrange(s.ctx, s.header.Domain, which)
		if err != nil {
			return err
		}
		s.g1 = append(s.g1, points...)
	}
	return nil
}

// combine passes the rows lo to hi-1 of m, in blocks, and writes them to the hash.
func combine[S, A1, A2, A any](s *start[S, A1, A2], g curve.Group[S, A], m *curve.Sparse, points []A, lo, hi int, put func([]A) error) error {
	const block = 1 << 14
	for ; lo < hi; lo += block {
		rows := *m
		rows.Start = m.Start[lo : min(lo+block, hi)+1]
		out, err := g.Combine(s.ctx, &rows, s.constraints.Table, points, s.run.Threads)
		if err != nil {
			return err
		}
		s.hash.Write(zkey.Uncompressed(g, out...))
		if err := put(out); err != nil {
			return err
		}
	}
	return nil
}

// write writes the key, and returns the circuit's hash.
func (s *start[S, A1, A2]) write(w io.Writer) (circuit zkey.Hash, err error) {
	sections := s.Head(&s.header)
	for _, p := range s.parts() {
		sections = append(sections, iden3.Section{ID: p.id, Length: p.size, Write: func(w io.Writer) error {
			s.run.progress("making "+p.name, 0, p.size)
			written := int64(0)
			return s.bytes(&p, func(b []byte) error {
				_, err := w.Write(b)
				written += int64(len(b))
				s.run.progress("making "+p.name, written, p.size)
				return err
			})
		}})
	}
	chain := zkey.Chain[A1, A2]{}
	sections = append(sections, iden3.Section{ID: zkey.Contributions, Length: int64(len(s.Encode(&chain))), Write: func(w io.Writer) error {
		s.hash.Sum(chain.Circuit[:0])
		_, err := w.Write(s.Encode(&chain))
		return err
	}})
	out := bufio.NewWriterSize(w, 1<<16)
	if err = iden3.Write(out, zkey.Kind, zkey.Version, sections); err == nil {
		err = out.Flush()
	}
	return chain.Circuit, err
}

// bytes passes a part as it is in the file.
func (s *start[S, A1, A2]) bytes(p *part[A1, A2], put func([]byte) error) error {
	switch {
	case p.raw != nil:
		return p.raw(put)
	case p.g1 != nil:
		return p.g1(func(points []A1) error { return put(s.G1.Memory(points)) })
	}
	return p.g2(func(points []A2) error { return put(s.G2.Memory(points)) })
}
