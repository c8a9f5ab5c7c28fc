package zkey

import (
	"context"
	"encoding"
	"hash"
	"io"

	"golang.org/x/crypto/blake2b"

	"provery/internal/fault"
)

// Hash returns the contribution's hash, by which its author knows it again. It
// covers all contributions before, by the transcript.
func (c Codec[S, A1, A2]) Hash(k *Contribution[A1, A2]) Hash {
	return blake2b.Sum512(c.public(k))
}

// public returns the public part of a contribution, as it is hashed.
func (c Codec[S, A1, A2]) public(k *Contribution[A1, A2]) []byte {
	b := Uncompressed(c.G1, k.Delta, k.S, k.SX)
	b = append(b, Uncompressed(c.G2, k.SPX)...)
	return append(b, k.Transcript[:]...)
}

// transcript hashes a chain, contribution by contribution.
type transcript struct{ hash.Hash }

func newTranscript(circuit Hash) (*transcript, error) {
	h, err := blake2b.New512(nil)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "start transcript")
	}
	h.Write(circuit[:])
	return &transcript{h}, nil
}

// with returns the hash of what has been written and of b, which isn't kept.
func (t *transcript) with(b []byte) (out Hash, err error) {
	state, err := t.Hash.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return out, fault.Wrap(err, fault.Internal, "hash transcript")
	}
	copied, err := blake2b.New512(nil)
	if err == nil {
		err = copied.(encoding.BinaryUnmarshaler).UnmarshalBinary(state)
	}
	if err != nil {
		return out, fault.Wrap(err, fault.Internal, "hash transcript")
	}
	copied.Write(b)
	copied.Sum(out[:0])
	return out, nil
}

// CheckOptions are those of Check.
type CheckOptions struct {
	// MaxIterations bounds the work of computing the beacons' secrets again,
	// in all of them together: one that exceeds what is left is taken as it is.
	MaxIterations uint64
	// Iterated, if it isn't nil, is called while a beacon's secret is
	// computed.
	Iterated func(n, of uint64)
}

// Check checks that each contribution of the chain proves its author's knowledge
// of the secret that it multiplied delta by, that beacons have the secrets of
// their values, and that the last delta is the header's. It returns the
// contributions' hashes. A chain that fails is fault.InvalidArtifact.
//
// What it can't tell is whether the chain's circuit is the hash of the key that
// the ceremony should have begun with.
func (c Codec[S, A1, A2]) Check(ctx context.Context, chain *Chain[A1, A2], h *Header[A1, A2], opts CheckOptions) ([]Hash, error) {
	t, err := newTranscript(chain.Circuit)
	if err != nil {
		return nil, err
	}
	left := opts.MaxIterations
	delta := c.G1.Generator()
	hashes := make([]Hash, len(chain.Contributions))
	for i := range chain.Contributions {
		k := &chain.Contributions[i]
		err := c.checkOne(ctx, t, k, &delta)
		if err == nil && k.Beacon != nil && k.Beacon.iterations() <= left {
			left -= k.Beacon.iterations()
			err = c.checkBeacon(ctx, k, opts.Iterated)
		}
		if err != nil {
			return nil, fault.Wrap(err, fault.InvalidArtifact, "contribution %d", i+1)
		}
		t.Write(c.public(k))
		delta, hashes[i] = k.Delta, c.Hash(k)
	}
	if !c.G1.Equal(&delta, &h.Delta1) {
		return nil, fault.New(fault.InvalidArtifact, "delta_1 isn't that of the last contribution")
	}
	err = c.sameRatio("delta_2 isn't delta_1's", c.G1.Generator(), delta, c.G2.Generator(), h.Delta2)
	return hashes, err
}

// checkOne checks a contribution, up to which t has been written.
func (c Codec[S, A1, A2]) checkOne(ctx context.Context, t *transcript, k *Contribution[A1, A2], before *A1) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	want, err := t.with(Uncompressed(c.G1, k.S, k.SX))
	if err != nil {
		return err
	}
	if k.Transcript != want {
		return fault.New(fault.InvalidArtifact, "its transcript isn't the hash of the contributions before it")
	}
	sp, err := c.challenge(want)
	if err != nil {
		return err
	}
	if err := c.sameRatio("it doesn't prove that its author knows the secret", k.S, k.SX, sp, k.SPX); err != nil {
		return err
	}
	return c.sameRatio("delta isn't the one before times the secret", *before, k.Delta, sp, k.SPX)
}

// checkBeacon computes a beacon's secret and compares.
func (c Codec[S, A1, A2]) checkBeacon(ctx context.Context, k *Contribution[A1, A2], iterated func(n, of uint64)) error {
	x, s, err := c.BeaconSecret(ctx, k.Beacon, iterated)
	if err != nil {
		return err
	}
	sx := c.G1.Mul(&s, &x)
	if !c.G1.Equal(&s, &k.S) || !c.G1.Equal(&sx, &k.SX) {
		return fault.New(fault.InvalidArtifact, "it isn't made from the beacon that it names")
	}
	return nil
}

// sameRatio checks that b1 = x·a1 and b2 = x·a2 for one x, or says what is wrong.
func (c Codec[S, A1, A2]) sameRatio(otherwise string, a1, b1 A1, a2, b2 A2) error {
	same, err := c.PairingIsOne([]A1{a1, c.G1.Neg(&b1)}, []A2{b2, a2})
	if err == nil && !same {
		err = fault.New(fault.InvalidArtifact, "%s", otherwise)
	}
	return err
}

// challenge returns the point of G2 that a transcript stands for: nobody knows its
// logarithm.
func (c Codec[S, A1, A2]) challenge(t Hash) (A2, error) {
	g, err := newGenerator(t[:])
	if err != nil {
		return c.G2.Infinity(), err
	}
	return draw(g, c.Params, c.G2)
}

// BeaconSecret returns a beacon's secret and its point.
func (c Codec[S, A1, A2]) BeaconSecret(ctx context.Context, b *Beacon, iterated func(n, of uint64)) (x S, s A1, err error) {
	seed, err := b.iterate(ctx, iterated)
	if err != nil {
		return x, s, err
	}
	g, err := newGenerator(seed)
	if err != nil {
		return x, s, err
	}
	x = c.scalar(g)
	s, err = draw(g, c.Params, c.G1)
	return x, s, err
}

// RandomSecret returns a secret that depends on random, 64 bytes of which it
// reads, and on what else is given: it is unknown if one of the two is.
func (c Codec[S, A1, A2]) RandomSecret(random io.Reader, entropy []byte) (x S, s A1, err error) {
	h, err := blake2b.NewXOF(blake2b.OutputLengthUnknown, nil)
	if err != nil {
		return x, s, fault.Wrap(err, fault.Internal, "draw secret")
	}
	seed := make([]byte, 64)
	defer clear(seed)
	if _, err := io.ReadFull(random, seed); err != nil {
		return x, s, fault.Wrap(err, fault.Internal, "draw secret")
	}
	h.Write(seed)
	h.Write(entropy)
	drawn := make([]S, 2)
	defer clear(drawn)
	if err := c.Field.Random(drawn, h); err != nil {
		return x, s, err
	}
	g := c.G1.Generator()
	return drawn[0], c.G1.Mul(&g, &drawn[1]), nil
}

// Extend adds to the chain the contribution of the secret x with the point s,
// named by SetParams, and multiplies the header's deltas by x.
func (c Codec[S, A1, A2]) Extend(chain *Chain[A1, A2], h *Header[A1, A2], x *S, s A1, named Contribution[A1, A2]) (Hash, error) {
	if c.Field.IsZero(x) || c.G1.IsInfinity(&s) {
		return Hash{}, fault.New(fault.Internal, "contribute: the secret is zero")
	}
	t, err := newTranscript(chain.Circuit)
	if err != nil {
		return Hash{}, err
	}
	for i := range chain.Contributions {
		t.Write(c.public(&chain.Contributions[i]))
	}
	k := named
	k.S, k.SX = s, c.G1.Mul(&s, x)
	if k.Transcript, err = t.with(Uncompressed(c.G1, k.S, k.SX)); err != nil {
		return Hash{}, err
	}
	sp, err := c.challenge(k.Transcript)
	if err != nil {
		return Hash{}, err
	}
	k.SPX = c.G2.Mul(&sp, x)
	h.Delta1, h.Delta2 = c.G1.Mul(&h.Delta1, x), c.G2.Mul(&h.Delta2, x)
	k.Delta = h.Delta1
	chain.Contributions = append(chain.Contributions, k)
	return c.Hash(&k), nil
}

// Started reports whether the header's key has no secret in its delta: whoever
// wants to can forge proofs with it.
func (c Codec[S, A1, A2]) Started(h *Header[A1, A2]) bool {
	g1, g2 := c.G1.Generator(), c.G2.Generator()
	return c.G1.Equal(&h.Delta1, &g1) && c.G2.Equal(&h.Delta2, &g2)
}
