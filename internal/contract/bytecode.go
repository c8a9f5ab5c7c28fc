package contract

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"provery/internal/fault"
	"provery/internal/scheme"
)

// The code of contracts that have their key behind it, as solc writes it for the
// source beside it; test/evm compares. It is the same for all keys of a scheme.
//
//go:embed keyed/*.hex
var keyed embed.FS

// maxCode is the most code that a contract may have (EIP-170), in bytes.
const maxCode = 24_576

// Code is the bytecode of a verifier contract.
type Code struct {
	// Creation makes the contract: a transaction without a receiver has it as
	// its data.
	Creation []byte
	// Runtime is what the contract has at its address then, byte for byte.
	Runtime []byte
	// Digest is what VERIFYING_KEY_DIGEST returns: the SHA-256 of the key.
	Digest [sha256.Size]byte
	// NumInputs is the number of public inputs.
	NumInputs int
}

// Bytecode returns the code of a contract that verifies proofs for vk, without a
// compiler. Towards its callers the contract is like that of Solidity for the
// same key; for Groth16 it has verifyProof in any case. Its code is the same for
// all keys of a scheme, and the key stands behind it as data. Errors are those of
// Solidity.
func Bytecode(vk []byte) (*Code, error) {
	k, err := parseKey(vk)
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, "write verifier code")
	}
	program, err := program(k.scheme)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "write verifier code")
	}
	digest := sha256.Sum256(vk)
	runtime := append(program, k.trailer(digest)...)
	if len(runtime) > maxCode {
		return nil, fault.New(fault.Unsupported, "write verifier code: %d public inputs make %d bytes, and a contract may have %d",
			len(k.linear)-1, len(runtime), maxCode)
	}
	return &Code{creation(runtime), runtime, digest, len(k.linear) - 1}, nil
}

// Matches reports whether runtime is the code of the same contract: all of it but
// the digest. The same key in other white space has another digest, and makes a
// contract that accepts the same proofs.
func (c *Code) Matches(runtime []byte) bool {
	at := len(c.Runtime) - 2*wordBytes
	return len(runtime) == len(c.Runtime) && bytes.Equal(runtime[:at], c.Runtime[:at]) &&
		bytes.Equal(runtime[at+wordBytes:], c.Runtime[at+wordBytes:])
}

// KeyedDigest returns the digest in the runtime code of a contract that Bytecode
// wrote the code of, for whichever key; ok is false for any other code. It says
// what the contract claims: only the whole code of a key proves it.
func KeyedDigest(runtime []byte) (digest [sha256.Size]byte, ok bool) {
	for _, id := range []scheme.ID{scheme.Groth16, scheme.GM17} {
		program, err := program(id)
		if err == nil && bytes.HasPrefix(runtime, program) && len(runtime) >= len(program)+2*wordBytes {
			return [sha256.Size]byte(runtime[len(runtime)-2*wordBytes:]), true
		}
	}
	return digest, false
}

// program returns the code that the keys of a scheme have in common.
func program(id scheme.ID) ([]byte, error) {
	name := "groth16"
	if id == scheme.GM17 {
		name = "gm17"
	}
	digits, err := keyed.ReadFile("keyed/" + name + ".hex")
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "read code")
	}
	code, err := hex.DecodeString(strings.TrimSpace(string(digits)))
	return code, fault.Wrap(err, fault.Internal, "read code")
}

// trailer returns what stands behind the code; its source describes it.
func (k *verifyingKey) trailer(digest word) []byte {
	var words []word
	for _, p := range k.linear {
		words = append(words, p.X, p.Y)
	}
	groth16 := k.scheme == scheme.Groth16
	if groth16 {
		words = append(words, k.gamma.negated().precompiled()...)
		words = append(words, k.delta.negated().precompiled()...)
		alpha := k.alpha.negated()
		words = append(words, alpha.X, alpha.Y)
		words = append(words, k.beta.precompiled()...)
	} else {
		words = append(words, k.gamma.negated().precompiled()...)
		words = append(words, k.h.negated().precompiled()...)
		words = append(words, k.beta.precompiled()...)
		words = append(words, k.alpha.X, k.alpha.Y, k.gammaG1.X, k.gammaG1.Y)
	}
	numInputs := len(k.linear) - 1
	var head word
	verifyTx := selector(verifySignature(false, numInputs))
	copy(head[:], verifyTx[:])
	if groth16 {
		verifyProof := selector(verifySignature(true, numInputs))
		copy(head[4:], verifyProof[:])
	} else if k.h == k.gamma {
		head[wordBytes-3] = 1
	}
	binary.BigEndian.PutUint16(head[wordBytes-2:], uint16(numInputs)) // at most maxInputs
	out := make([]byte, 0, (len(words)+2)*wordBytes)
	for _, w := range append(words, digest, head) {
		out = append(out, w[:]...)
	}
	return out
}

// precompiled returns the point's coordinates in the order of the precompiled
// contract.
func (p g2) precompiled() []word { return []word{p.X[1], p.X[0], p.Y[1], p.Y[0]} }

// creation returns code that makes a contract of the runtime code.
func creation(runtime []byte) []byte {
	head := []byte{
		0x61, byte(len(runtime) >> 8), byte(len(runtime)), // PUSH2 size
		0x80,       // DUP1
		0x60, 0x0c, // PUSH1 where the runtime code starts
		0x60, 0x00, // PUSH1 0
		0x39,       // CODECOPY
		0x60, 0x00, // PUSH1 0
		0xf3, // RETURN
	}
	return append(head, runtime...)
}
