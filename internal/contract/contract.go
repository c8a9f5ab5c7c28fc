// Package contract writes verifier contracts for the EVM from ZoKrates's
// verifying keys, and the calldata that hands them a proof.
//
// The contracts are Provery's own, and call-compatible with those that ZoKrates
// writes: verifyTx(Proof, uint256[k]) with the same structs, so the same selector
// and the same calldata; a circuit without public inputs has no second argument.
// On request they have verifyProof as well, which snarkjs's contracts have.
// They verify Groth16 (https://eprint.iacr.org/2016/260) and GM17
// (https://eprint.iacr.org/2017/540) on BN254, the one curve of theirs that the
// EVM has precompiled contracts for (EIP-196, EIP-197).
package contract

import (
	"crypto/sha256"
	"regexp"
	"strings"

	"provery/internal/fault"
	"provery/internal/scheme"
)

// Options choose what the text of a contract leaves open. Empty fields have the
// documented defaults.
type Options struct {
	// ContractName is the contract's name, Verifier by default: a capital
	// letter, then at most 63 letters, digits and underscores.
	ContractName string
	// Pragma is the range of compiler versions, ^0.8.13 by default. The
	// contract needs at least 0.8.13.
	Pragma string
	// SPDX is the licence expression in the file's head, Apache-2.0 by default.
	SPDX string
	// SnarkJS adds verifyProof as the contracts of snarkjs have it, and makes
	// Groth16Verifier the default name. Groth16 only.
	SnarkJS bool
}

// Solidity returns the source of a contract that verifies proofs for vk, a
// verification.key of ZoKrates (scheme g16 or gm17, curve bn128). The source is a
// function of the arguments. It holds the SHA-256 of vk, byte for byte, as the
// constant VERIFYING_KEY_DIGEST.
//
// Another scheme or curve, and more inputs than a contract can have code for, is
// fault.Unsupported. A key that isn't well-formed, or holds a point outside of
// its group, is fault.InvalidArtifact. Options that don't fit are
// fault.InvalidRequest.
func Solidity(vk []byte, o Options) (string, error) {
	if o.SnarkJS && o.ContractName == "" {
		o.ContractName = "Groth16Verifier"
	}
	o, err := o.withDefaults()
	if err != nil {
		return "", fault.Wrap(err, fault.InvalidRequest, "write verifier contract")
	}
	k, err := parseKey(vk)
	if err != nil {
		return "", fault.Wrap(err, fault.InvalidArtifact, "write verifier contract")
	}
	if o.SnarkJS && k.scheme != scheme.Groth16 {
		return "", fault.New(fault.Unsupported, "write verifier contract: snarkjs has contracts for Groth16 only")
	}
	text, err := render(k, o, sha256.Sum256(vk))
	return text, fault.Wrap(err, fault.Internal, "write verifier contract")
}

// taken are the names that the contract declares itself, or that would hide one
// of Solidity's.
var taken = []string{
	"Pairing", "Proof", "G1Point", "G2Point", "VERIFYING_KEY_DIGEST", "Error", "Panic",
	"InputNotInField", "CoordinateNotInField", "PrecompileFailed",
}

var (
	namePattern   = regexp.MustCompile(`^[A-Z][A-Za-z0-9_]{0,63}$`)
	pragmaPattern = regexp.MustCompile(`^[0-9.^~<>=|*x -]{1,64}$`)
	spdxPattern   = regexp.MustCompile(`^[A-Za-z0-9.+()][A-Za-z0-9.+() -]{0,127}$`)
)

// withDefaults fills the empty fields and checks all: each ends up in the text
// of a program, so nothing passes that could be more than its field's value.
func (o Options) withDefaults() (Options, error) {
	for _, f := range []struct {
		name    string
		value   *string
		initial string
		pattern *regexp.Regexp
	}{
		{"contract name", &o.ContractName, "Verifier", namePattern},
		{"pragma", &o.Pragma, "^0.8.13", pragmaPattern},
		{"SPDX expression", &o.SPDX, "Apache-2.0", spdxPattern},
	} {
		if *f.value == "" {
			*f.value = f.initial
		}
		if !f.pattern.MatchString(*f.value) {
			return o, fault.New(fault.InvalidRequest, "the %s isn't of the form %s", f.name, f.pattern)
		}
	}
	for _, t := range taken {
		if strings.EqualFold(o.ContractName, t) {
			return o, fault.New(fault.InvalidRequest, "the contract name %s is taken by the contract's own parts", t)
		}
	}
	return o, nil
}
