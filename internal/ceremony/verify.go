package ceremony

import (
	"bytes"
	"context"
	"io"
	"math"

	"provery/internal/fault"
	"provery/internal/iden3"
	"provery/internal/scheme/wire"
	"provery/internal/zkey"
)

// verifier compares a key with what start makes of the circuit.
type verifier[S, A1, A2 any] struct {
	*start[S, A1, A2]
	file *iden3.File
	key  *zkey.Header[A1, A2]
}

func verify[S, A1, A2 any](ctx context.Context, c zkey.Codec[S, A1, A2], in Circuit, f *iden3.File, run Run) (*Report, error) {
	h, chain, err := readState(ctx, c, f, run)
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, "read key")
	}
	hashes, err := c.Check(ctx, chain, h, zkey.CheckOptions{MaxIterations: math.MaxUint64, Iterated: func(n, of uint64) {
		run.progress("iterating a beacon", int64(n), int64(of))
	}})
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, "check key")
	}
	s, err := begin(ctx, c, in, run)
	if err != nil {
		return nil, err
	}
	v := &verifier[S, A1, A2]{s, f, h}
	if err := v.compare(chain); err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, "check key")
	}
	out := report(chain, hashes)
	return &out, nil
}

// compare compares the header, every part and the circuit's hash.
func (v *verifier[S, A1, A2]) compare(chain *zkey.Chain[A1, A2]) error {
	if v.key.Dimensions != v.header.Dimensions {
		return fault.New(fault.InvalidArtifact, "the key is for another circuit: it has %d variables, %d public inputs and a domain of %d; the circuit has %d, %d and %d",
			v.key.Variables, v.key.Public, v.key.Domain, v.header.Variables, v.header.Public, v.header.Domain)
	}
	if err := v.fixed(); err != nil {
		return err
	}
	for _, p := range v.parts() {
		v.run.progress("comparing "+p.name, 0, p.size)
		compare := v.identical
		if p.id == zkey.C || p.id == zkey.H {
			compare = v.divided
		}
		if err := compare(&p); err != nil {
			return err
		}
	}
	if want := v.hash.Sum(nil); !bytes.Equal(chain.Circuit[:], want) {
		return fault.New(fault.InvalidArtifact, "the contributions were made for another circuit, or with a .ptau file of another size: the circuit's hash differs")
	}
	return nil
}

// fixed compares the points that no contribution changes.
func (v *verifier[S, A1, A2]) fixed() error {
	const powers = "that of the powers of tau: the key began with another .ptau file"
	for _, p := range []struct {
		name string
		same bool
		of   string
	}{
		{"alpha_1", v.G1.Equal(&v.key.Alpha1, &v.header.Alpha1), powers},
		{"beta_1", v.G1.Equal(&v.key.Beta1, &v.header.Beta1), powers},
		{"beta_2", v.G2.Equal(&v.key.Beta2, &v.header.Beta2), powers},
		{"gamma_2", v.G2.Equal(&v.key.Gamma2, &v.header.Gamma2), "the generator"},
	} {
		if !p.same {
			return fault.New(fault.InvalidArtifact, "%s isn't %s", p.name, p.of)
		}
	}
	return nil
}

// identical compares a part with the key's, byte by byte.
func (v *verifier[S, A1, A2]) identical(p *part[A1, A2]) error {
	section, err := v.file.Sized(p.id, p.size)
	if err != nil {
		return err
	}
	return v.bytes(p, func(want []byte) error {
		have := make([]byte, len(want))
		if _, err := io.ReadFull(section, have); err != nil {
			return fault.Wrap(err, fault.Internal, "read %s", p.name)
		}
		if !bytes.Equal(have, want) {
			return fault.New(fault.InvalidArtifact, "the key's section of %s isn't that of the circuit and the powers of tau", p.name)
		}
		return nil
	})
}

// divided compares a part with the key's, which is over delta: e(first, 1) =
// e(key's, delta) for one random combination of both.
func (v *verifier[S, A1, A2]) divided(p *part[A1, A2]) error {
	section, err := v.file.Sized(p.id, p.size)
	if err != nil {
		return err
	}
	first, divided, done := v.G1.Infinity(), v.G1.Infinity(), 0
	add := func(sum *A1, points []A1, factors []S) error {
		part, err := v.G1.MSM(v.ctx, points, factors, v.run.Threads)
		*sum = v.G1.Add(sum, &part)
		return err
	}
	err = p.g1(func(points []A1) error {
		theirs, err := v.OfG1(v.run.Threads).Read(v.ctx, p.name, section, done, len(points))
		if err != nil {
			return err
		}
		done += len(points)
		factors, err := wire.RandomFactors(v.Field, len(points))
		if err != nil {
			return err
		}
		if err := add(&first, points, factors); err != nil {
			return err
		}
		return add(&divided, theirs, factors)
	})
	if err != nil {
		return err
	}
	same, err := v.PairingIsOne([]A1{first, v.G1.Neg(&divided)}, []A2{v.G2.Generator(), v.key.Delta2})
	if err == nil && !same {
		err = fault.New(fault.InvalidArtifact, "the key's section of %s isn't that of the circuit over delta: that of H depends on the size of the .ptau file, too", p.name)
	}
	return err
}
