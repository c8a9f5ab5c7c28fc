// Package scheme declares what a proving scheme offers once its curve's types
// are erased: keys, proofs and the operations on them as opaque values and
// bytes. The schemes themselves are in the packages below this one, written
// once for all curves.
package scheme

import (
	"context"
	"io"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/r1cs"
)

// ID names a proving scheme in the API.
type ID string

// The schemes.
const (
	Groth16 ID = "groth16" // [Groth16] https://eprint.iacr.org/2016/260; "g16" in ZoKrates's files
	GM17    ID = "gm17"    // [GM17] https://eprint.iacr.org/2017/540
)

// Parse returns the scheme of a name; "g16" is another name of groth16. An
// unknown name is fault.Unsupported.
func Parse(name string) (ID, error) {
	switch name {
	case "groth16", "g16":
		return Groth16, nil
	case "gm17":
		return GM17, nil
	}
	return "", fault.New(fault.Unsupported, "unknown scheme; known are groth16 and gm17")
}

// Layout is the file layout of a proving key made elsewhere.
type Layout string

// The layouts.
const (
	LayoutArk     Layout = "ark"     // zokrates --backend ark (arkworks 0.3, uncompressed)
	LayoutBellman Layout = "bellman" // zokrates --backend bellman and its MPC ceremonies
	LayoutSnarkJS Layout = "snarkjs" // .zkey, of snarkjs and of Provery's ceremonies
	LayoutNative  Layout = "native"  // set up by Provery; exported as ark
)

// Backend is one scheme on one curve. It is safe for concurrent use.
type Backend interface {
	Scheme() ID
	Curve() curve.ID

	// Setup makes a key pair from the randomness of in.Rand. Whoever knows
	// what it yielded can forge proofs: the keys are for development.
	Setup(ctx context.Context, in SetupInput) (ProvingKey, error)

	// ImportProvingKey reads a proving key of size bytes in a foreign
	// layout ("" tries each) and checks everything about it: lengths
	// against s, every point on its curve and in its subgroup, consistency
	// of the parts that repeat each other. A key that fails is
	// fault.InvalidArtifact.
	ImportProvingKey(ctx context.Context, in ImportInput) (ProvingKey, error)

	// OpenProvingKey opens a key that ProvingKey.WriteFile wrote, in place:
	// file must stay unchanged and mapped while the key is in use, and
	// start at a multiple of 8. The key's points are trusted.
	OpenProvingKey(file []byte) (ProvingKey, error)

	// ParseVerifyingKey reads ZoKrates's verification.key or snarkjs's
	// verification_key.json and checks its points.
	ParseVerifyingKey(json []byte) (VerifyingKey, error)

	// ParseProof reads ZoKrates's proof.json, or what EncodeSnarkJS writes,
	// checks its points and returns the proof with its public inputs.
	ParseProof(json []byte) (Proof, curve.Vector, error)

	// Prove makes a proof. It fails with fault.UnsatisfiedWitness if the
	// witness doesn't satisfy the system. It doesn't verify the proof:
	// prove.Prover does.
	Prove(ctx context.Context, in ProveInput) (Proof, error)

	// Cost predicts what Prove takes for a circuit of the size on so many
	// threads.
	Cost(s Size, threads int) Cost

	// Verify checks a proof for the public inputs (without the constant
	// 1). It returns nil if the proof holds, ErrInvalidProof if it doesn't,
	// and another fault.InvalidRequest if the number of inputs differs
	// from the key's.
	Verify(vk VerifyingKey, proof Proof, public curve.Vector) error

	// EncodeProof writes proof and public inputs as ZoKrates's proof.json.
	EncodeProof(proof Proof, public curve.Vector) ([]byte, error)

	// EncodeSnarkJS writes an object of snarkjs's proof.json as "proof" and
	// public.json as "public"; fault.Unsupported if snarkjs lacks the scheme
	// or the curve.
	EncodeSnarkJS(proof Proof, public curve.Vector) ([]byte, error)

	// PublicInputs returns the inputs as 0x-prefixed fixed-width hex, as in
	// proof.json.
	PublicInputs(public curve.Vector) ([]string, error)

	// ParsePublicInputs reads inputs given as decimal or 0x-prefixed hex.
	// A value outside of the field is fault.InvalidRequest.
	ParsePublicInputs(inputs []string) (curve.Vector, error)
}

// SetupInput is what Setup needs.
type SetupInput struct {
	System *r1cs.System
	// Layout is the one that the key can be exported in: LayoutNative, if it is
	// "", or LayoutSnarkJS.
	Layout  Layout
	Rand    io.Reader
	Threads int
}

// ImportInput is what ImportProvingKey reads.
type ImportInput struct {
	System  *r1cs.System
	Data    io.ReaderAt
	Size    int64
	Layout  Layout // "" to find out
	Threads int
}

// ProveInput is what Prove needs.
type ProveInput struct {
	Key     ProvingKey
	System  *r1cs.System
	Witness r1cs.Witness
	Threads int
	// Rand is the source of the proof's blinding scalars: crypto/rand.Reader
	// outside of tests.
	Rand io.Reader
	// Stage, if not nil, is called at the start of each stage of the proof,
	// with a name from the backend's documentation.
	Stage func(name string)
}

// ProvingKey is a proving key in memory or mapped. It is immutable.
type ProvingKey interface {
	Scheme() ID
	Curve() curve.ID
	Layout() Layout
	// VerifyingKey returns the verifying part.
	VerifyingKey() VerifyingKey
	// WriteFile writes the key in Provery's own format, which
	// docs/formats/container.md describes.
	WriteFile(w io.Writer) error
	// Export writes the key, which was made for s, in its layout: a native key
	// as ark. A layout that can't be written is fault.Unsupported.
	Export(w io.Writer, s *r1cs.System) error
	// Fits checks that the key was made for a system of s's dimensions.
	Fits(s *r1cs.System) error
	// Origin says what the key tells of its making. It fails only for a
	// key whose file is damaged.
	Origin() (Origin, error)
}

// Origin is what a proving key tells of its making. Of most it is nothing.
type Origin struct {
	// Open says that the key's secrets aren't secret: it is the first key of
	// a ceremony, to which nobody has contributed, or nobody but beacons.
	Open bool
	// Contributions are those of the ceremony that made the key. That each
	// follows from the one before was checked when the key was imported, but
	// not that the first key was the program's.
	Contributions []Contribution
}

// Contribution is an author's part of a ceremony.
type Contribution struct {
	Hash   []byte // by which its author knows it
	Name   string // in its author's words; it may hold anything
	Beacon bool   // its secret is computed from a public value
}

// VerifyingKey is a verifying key.
type VerifyingKey interface {
	Scheme() ID
	Curve() curve.ID
	// NumPublic is the number of public inputs, without the constant 1.
	NumPublic() int
	// Encode writes the key as ZoKrates's verification.key (JSON).
	Encode() ([]byte, error)
	// EncodeSnarkJS writes the key as snarkjs's verification_key.json;
	// fault.Unsupported if snarkjs lacks the scheme or the curve.
	EncodeSnarkJS() ([]byte, error)
	// Equal reports whether other holds the same points.
	Equal(other VerifyingKey) bool
}

// Proof is a proof of one scheme on one curve.
type Proof interface {
	Scheme() ID
	Curve() curve.ID
}

// ErrInvalidProof is what Verify returns for a proof that doesn't hold.
var ErrInvalidProof = fault.New(fault.InvalidRequest, "the proof doesn't hold for these public inputs")
