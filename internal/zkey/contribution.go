package zkey

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"slices"

	"golang.org/x/crypto/blake2b"

	"provery/internal/fault"
	"provery/internal/iden3"
)

// Hash is a hash of the ceremony's: BLAKE2b of 512 bits.
type Hash [blake2b.Size]byte

// Chain is a key's list of contributions: section 10.
type Chain[A1, A2 any] struct {
	Circuit       Hash // of the key that the ceremony began with
	Contributions []Contribution[A1, A2]
}

// Contribution multiplied delta by a secret x.
type Contribution[A1, A2 any] struct {
	Delta      A1 // delta_1 afterwards
	S, SX      A1 // a random point s, and x·s
	SPX        A2 // x times the point that Transcript stands for
	Transcript Hash
	Name       string // as its author gave it: perhaps not even UTF-8
	Beacon     *Beacon
	params     []byte // Name and Beacon, encoded
}

// Beacon is where the secret of a contribution comes from, if it is public: from
// 2^Exponent times SHA-256 of Value.
type Beacon struct {
	Value    []byte
	Exponent int
}

// The types and parameters of contributions.
const (
	typeSecret = 0
	typeBeacon = 1

	paramName     = 1 // u8 length, bytes
	paramExponent = 2 // u8
	paramValue    = 3 // u8 length, bytes
)

const (
	// MaxContributions bounds a chain.
	MaxContributions = 1 << 12
	// MaxChain bounds a chain's bytes.
	MaxChain = 8 << 20
	// maxParams bounds the parameters of a contribution: a name, an
	// exponent and a beacon's value.
	maxParams = 2 + 255 + 2 + 2 + 255
)

// Chain reads the contributions of a key, without checking that one follows
// from the other: Check does.
func (c Codec[S, A1, A2]) Chain(ctx context.Context, f *iden3.File) (*Chain[A1, A2], error) {
	b, err := f.Bytes(Contributions, MaxChain)
	if err != nil {
		return nil, err
	}
	return c.ParseChain(ctx, b)
}

// ParseChain reads the bytes of section 10.
func (c Codec[S, A1, A2]) ParseChain(ctx context.Context, b []byte) (*Chain[A1, A2], error) {
	chain := &Chain[A1, A2]{}
	const head = len(chain.Circuit) + 4
	if len(b) < head {
		return nil, fault.New(fault.InvalidArtifact, "the section of contributions is too short")
	}
	copy(chain.Circuit[:], b)
	n := binary.LittleEndian.Uint32(b[head-4:])
	rest := b[head:]
	least := 3*c.G1.Bytes() + c.G2.Bytes() + len(Hash{}) + 2*4
	if n > MaxContributions || int64(n) > int64(len(rest)/least) {
		return nil, fault.New(fault.InvalidArtifact, "%d contributions in a section of %d bytes", n, len(b))
	}
	for i := range n {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		contribution, err := c.takeContribution(ctx, &rest)
		if err != nil {
			return nil, fault.Wrap(err, fault.InvalidArtifact, "contribution %d", i+1)
		}
		chain.Contributions = append(chain.Contributions, *contribution)
	}
	if len(rest) > 0 {
		return nil, fault.New(fault.InvalidArtifact, "%d bytes follow the last contribution", len(rest))
	}
	return chain, nil
}

func (c Codec[S, A1, A2]) takeContribution(ctx context.Context, rest *[]byte) (*Contribution[A1, A2], error) {
	var out Contribution[A1, A2]
	g1, g2 := c.OfG1(1), c.OfG2(1)
	for _, take := range []func() error{
		func() error { return g1.Take(ctx, "delta", rest, &out.Delta) },
		func() error { return g1.Take(ctx, "g1_s", rest, &out.S) },
		func() error { return g1.Take(ctx, "g1_sx", rest, &out.SX) },
		func() error { return g2.Take(ctx, "g2_spx", rest, &out.SPX) },
	} {
		if err := take(); err != nil {
			return nil, err
		}
	}
	const fixed = len(out.Transcript) + 2*4
	if len(*rest) < fixed {
		return nil, fault.New(fault.InvalidArtifact, "the bytes end early")
	}
	copy(out.Transcript[:], *rest)
	kind, length := binary.LittleEndian.Uint32((*rest)[fixed-8:]), binary.LittleEndian.Uint32((*rest)[fixed-4:])
	*rest = (*rest)[fixed:]
	if length > maxParams || int(length) > len(*rest) {
		return nil, fault.New(fault.InvalidArtifact, "%d bytes of parameters", length)
	}
	out.params = slices.Clone((*rest)[:length])
	*rest = (*rest)[length:]
	return &out, out.parseParams(kind)
}

// parseParams reads params: a tag of one byte before each, in ascending order.
func (k *Contribution[A1, A2]) parseParams(kind uint32) error {
	bad := func(what string) error { return fault.New(fault.InvalidArtifact, "parameters: %s", what) }
	b := bytes.NewReader(k.params)
	var beacon Beacon
	have := map[byte]bool{}
	for last := byte(0); b.Len() > 0; {
		tag, _ := b.ReadByte()
		if tag <= last {
			return bad("not in ascending order")
		}
		last, have[tag] = tag, true
		n, err := b.ReadByte() // a length, or the exponent itself
		if err != nil {
			return bad("they end early")
		}
		value := make([]byte, n)
		if tag == paramExponent {
			beacon.Exponent = int(n)
			continue
		}
		if _, err := io.ReadFull(b, value); err != nil && n > 0 {
			return bad("they end early")
		}
		switch tag {
		case paramName:
			k.Name = string(value)
		case paramValue:
			beacon.Value = value
		default:
			return bad("an unknown one")
		}
	}
	isBeacon := have[paramExponent] && have[paramValue]
	switch {
	case kind == typeBeacon && isBeacon && len(beacon.Value) > 0 && beacon.Exponent <= MaxExponent:
		k.Beacon = &beacon
	case kind == typeSecret && !have[paramExponent] && !have[paramValue]:
	default:
		return bad("not those of a contribution or a beacon")
	}
	return nil
}

// MaxName bounds a contribution's name, in characters.
const MaxName = 64

// SetParams gives the contribution its name, of at most MaxName characters and
// possibly empty, and its beacon, or nil.
func (k *Contribution[A1, A2]) SetParams(name string, beacon *Beacon) {
	k.Name, k.Beacon, k.params = name, beacon, nil
	if name != "" {
		k.params = append(k.params, paramName, byte(len(name)))
		k.params = append(k.params, name...)
	}
	if beacon != nil {
		k.params = append(k.params, paramExponent, byte(beacon.Exponent), paramValue, byte(len(beacon.Value)))
		k.params = append(k.params, beacon.Value...)
	}
}

// Encode returns the bytes of section 10.
func (c Codec[S, A1, A2]) Encode(chain *Chain[A1, A2]) []byte {
	b := binary.LittleEndian.AppendUint32(slices.Clone(chain.Circuit[:]), uint32(len(chain.Contributions)))
	for i := range chain.Contributions {
		k := &chain.Contributions[i]
		b = append(b, c.G1.Memory([]A1{k.Delta, k.S, k.SX})...)
		b = append(b, c.G2.Memory([]A2{k.SPX})...)
		b = append(b, k.Transcript[:]...)
		kind := uint32(typeSecret)
		if k.Beacon != nil {
			kind = typeBeacon
		}
		b = binary.LittleEndian.AppendUint32(b, kind)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(k.params)))
		b = append(b, k.params...)
	}
	return b
}
