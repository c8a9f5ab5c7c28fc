package ceremony

import (
	"context"
	"io"

	"provery/internal/curve"
	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/fault"
	"provery/internal/iden3"
	"provery/internal/zkey"
)

// Description is what a key says of itself.
type Description struct {
	Report
	zkey.Dimensions
	Curve curve.ID
}

// Describe reads what a key says of itself, without checking that it is true.
func Describe(ctx context.Context, key *io.SectionReader) (*Description, error) {
	f, id, err := openKey(key)
	if err != nil {
		return nil, err
	}
	if id == curve.BN128 {
		return describe(ctx, zkey.New(bn254.Suite()), f)
	}
	return describe(ctx, zkey.New(bls12381.Suite()), f)
}

func describe[S, A1, A2 any](ctx context.Context, c zkey.Codec[S, A1, A2], f *iden3.File) (*Description, error) {
	h, chain, err := readState(ctx, c, f, Run{})
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, "read key")
	}
	hashes := make([]zkey.Hash, len(chain.Contributions))
	for i := range chain.Contributions {
		hashes[i] = c.Hash(&chain.Contributions[i])
	}
	return &Description{report(chain, hashes), h.Dimensions, c.Params.ID}, nil
}

// report lists a chain's contributions with their hashes.
func report[A1, A2 any](chain *zkey.Chain[A1, A2], hashes []zkey.Hash) Report {
	out := Report{Circuit: chain.Circuit}
	for i, k := range chain.Contributions {
		out.Contributions = append(out.Contributions, Record{hashes[i], k.Name, k.Beacon})
	}
	return out
}

// Open reports that no contribution has a secret: there is none, or beacons only,
// which everybody can compute. Whoever wants to can forge proofs with such a key.
func (r *Report) Open() bool {
	for _, c := range r.Contributions {
		if c.Beacon == nil {
			return false
		}
	}
	return true
}
