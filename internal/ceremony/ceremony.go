// Package ceremony is the second phase of the set-up of Groth16 keys: a first key
// from a circuit and the powers of tau of a first phase ([BGM17], section 7.3),
// contributions to it one after another, and the check of it all. As long as one
// of the authors forgets the secret, nobody can forge proofs.
//
// Files and hashes are those of snarkjs: each step can be done by either.
//
// [BGM17]: https://eprint.iacr.org/2017/1050
package ceremony

import (
	"context"
	"io"

	"provery/internal/curve"
	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/fault"
	"provery/internal/iden3"
	"provery/internal/ptau"
	"provery/internal/zkey"
)

// Run says how an operation runs.
type Run struct {
	Threads int
	// Progress, if it isn't nil, is called at the start of each step, with its
	// name and 0 of total, and while it goes on. Where a step doesn't tell how
	// far it is, total is 0.
	Progress func(step string, done, total int64)
}

func (r *Run) progress(step string, done, total int64) {
	if r.Progress != nil {
		r.Progress(step, done, total)
	}
}

// Circuit is what a ceremony begins with.
type Circuit struct {
	R1CS   *io.SectionReader // the .r1cs file of the Circom compiler
	Powers *io.SectionReader // the .ptau file of a first phase, prepared for the second
}

// New writes the key that a ceremony begins with, byte for byte that of `snarkjs
// groth16 setup`, and returns the circuit's hash. It checks the powers of tau, as
// ptau.File.Check does.
//
// The key's delta is 1: without a contribution whoever wants to can forge proofs.
func New(ctx context.Context, in Circuit, run Run, w io.Writer) (zkey.Hash, error) {
	id, err := in.curve()
	if err != nil {
		return zkey.Hash{}, err
	}
	if id == curve.BN128 {
		return newKey(ctx, zkey.New(bn254.Suite()), in, run, w)
	}
	return newKey(ctx, zkey.New(bls12381.Suite()), in, run, w)
}

// curve returns the curve of the powers.
func (in *Circuit) curve() (curve.ID, error) {
	info, err := ptau.Describe(in.Powers, in.Powers.Size())
	return info.Curve, err
}

func newKey[S, A1, A2 any](ctx context.Context, c zkey.Codec[S, A1, A2], in Circuit, run Run, w io.Writer) (zkey.Hash, error) {
	s, err := begin(ctx, c, in, run)
	if err != nil {
		return zkey.Hash{}, err
	}
	hash, err := s.write(w)
	return hash, fault.Wrap(err, fault.Internal, "write the first key")
}

// Contribution is one to make.
type Contribution struct {
	Key  *io.SectionReader // the .zkey file before it
	Name string            // up to zkey.MaxName characters; may be empty
	// Rand is the source of the secret, crypto/rand.Reader outside of tests.
	// Entropy is mixed with it, and may be empty.
	Rand    io.Reader
	Entropy []byte
	// Beacon, if it isn't nil, is what the secret is made from instead.
	Beacon *zkey.Beacon
}

// Receipt says what Contribute did.
type Receipt struct {
	Circuit zkey.Hash
	Hash    zkey.Hash // of the contribution
	Number  int       // of the contribution, from 1
	Open    bool      // none of the contributions has a secret, as of Report
}

// Contribute writes the key with one contribution more. The contributions before
// are checked, except that beacons aren't computed again.
//
// The secret is overwritten as far as Go allows; end the process, too.
func Contribute(ctx context.Context, in Contribution, run Run, w io.Writer) (*Receipt, error) {
	if err := in.validate(); err != nil {
		return nil, err
	}
	f, id, err := openKey(in.Key)
	if err != nil {
		return nil, err
	}
	if id == curve.BN128 {
		return contribute(ctx, zkey.New(bn254.Suite()), f, in, run, w)
	}
	return contribute(ctx, zkey.New(bls12381.Suite()), f, in, run, w)
}

// openKey opens a key and finds out its curve.
func openKey(key *io.SectionReader) (*iden3.File, curve.ID, error) {
	f, err := zkey.Open(key, key.Size())
	if err != nil {
		return nil, 0, fault.Wrap(err, fault.InvalidArtifact, "read key")
	}
	id, err := zkey.CurveOf(f)
	return f, id, fault.Wrap(err, fault.InvalidArtifact, "read key")
}

// Record is what is known of a contribution to a key.
type Record struct {
	Hash   zkey.Hash
	Name   string
	Beacon *zkey.Beacon // nil for an author's
}

// Report is the result of Verify.
type Report struct {
	Circuit       zkey.Hash
	Contributions []Record
}

// Verify checks a key from its beginning: that the powers of tau are powers, as
// ptau.File.Check does; that the key is the one that New makes of the circuit,
// but for delta; that its delta, and what is divided by it, is the product of its
// contributions; that each author knew the secret; and that beacons are computed
// from their values. A key that fails is fault.InvalidArtifact. Points are compared
// one by one; those that depend on delta by random linear combinations of 128 bits.
//
// A key to which nobody has contributed a secret passes: ask the report whether it is
// Open.
func Verify(ctx context.Context, in Circuit, key *io.SectionReader, run Run) (*Report, error) {
	f, id, err := openKey(key)
	if err != nil {
		return nil, err
	}
	if id == curve.BN128 {
		return verify(ctx, zkey.New(bn254.Suite()), in, f, run)
	}
	return verify(ctx, zkey.New(bls12381.Suite()), in, f, run)
}
