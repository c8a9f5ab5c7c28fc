package evm

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"provery/internal/contract"
)

// VerifierCode returns the bytecode of the contract that verifies the proofs of
// a verifying key, a verification.key in ZoKrates's form as the service exports
// it: what makes the contract, and what it is at its address. No compiler is
// needed: docs/contracts.md tells how.
func VerifierCode(verifyingKey []byte) (creation, runtime []byte, err error) {
	code, err := contract.Bytecode(verifyingKey)
	if err != nil {
		return nil, nil, err
	}
	return code.Creation, code.Runtime, nil
}

// DeployVerifier makes the verifier of a verifying key and checks it.
func (s *Sender) DeployVerifier(ctx context.Context, id string, verifyingKey []byte) (common.Address, *Mined, error) {
	creation, _, err := VerifierCode(verifyingKey)
	if err != nil {
		return common.Address{}, nil, err
	}
	at, m, err := s.Deploy(ctx, id, creation)
	if err != nil {
		return at, m, err
	}
	return at, m, s.client.CheckVerifier(ctx, at, verifyingKey)
}

// ErrNoContract says that there is no code at an address: the address is wrong,
// or the chain, or the contract's block was thrown out.
var ErrNoContract = errors.New("there is no contract at the address")

// WrongVerifierError says that a contract isn't the verifier of a key.
type WrongVerifierError struct {
	Address common.Address
	// Want is the SHA-256 of the key.
	Want [sha256.Size]byte
	// Claims is the digest of the key that the contract says it is for, zeros
	// if it says nothing. It can say what it likes.
	Claims [sha256.Size]byte
}

func (e *WrongVerifierError) Error() string {
	switch e.Claims {
	case [sha256.Size]byte{}:
		return fmt.Sprintf("wrong verifier: the contract %v is none of key %x", e.Address, e.Want)
	case e.Want:
		return fmt.Sprintf("wrong verifier: the contract %v says that it is of key %x, but has other code than its verifier: compare with the code that it was compiled to", e.Address, e.Want)
	}
	return fmt.Sprintf("wrong verifier: the contract %v is of key %x, want %x", e.Address, e.Claims, e.Want)
}

// CheckVerifier checks that the contract at an address is the verifier of a
// verifying key: that its code is, byte for byte, that of VerifierCode, the digest
// excepted, which is another for the same key in other white space. This is a proof
// as far as the node tells the truth, since the code holds the whole key. The digest
// that a contract returns, or constants that are found somewhere in its code, would
// be none: any contract can have those and accept everything.
//
// A contract that was compiled from Solidity is compared with what the compiler
// made for the key, its runtime code: give that as compiled. The compiler's
// metadata at the end of either don't count. Without compiled such a contract
// is *WrongVerifierError, whatever it says it is.
func (c *Client) CheckVerifier(ctx context.Context, at common.Address, verifyingKey []byte, compiled ...[]byte) error {
	if err := c.CheckChain(ctx); err != nil {
		return err
	}
	want, err := contract.Bytecode(verifyingKey)
	if err != nil {
		return err
	}
	got, err := c.backend.CodeAt(ctx, at, nil)
	switch {
	case err != nil:
		return fmt.Errorf("read the contract's code: %w", err)
	case len(got) == 0:
		return fmt.Errorf("%w %v", ErrNoContract, at)
	case want.Matches(got):
		return nil
	}
	for _, code := range compiled {
		if len(code) > 0 && bytes.Equal(withoutMetadata(got), withoutMetadata(code)) {
			return nil
		}
	}
	wrong := &WrongVerifierError{Address: at, Want: want.Digest}
	if digest, ok := contract.KeyedDigest(got); ok {
		wrong.Claims = digest
	} else if out, err := c.Simulate(ctx, common.Address{}, Call{To: &at, Data: digestSelector}); err == nil && len(out) == sha256.Size {
		wrong.Claims = [sha256.Size]byte(out)
	}
	return wrong
}

// digestSelector calls VERIFYING_KEY_DIGEST().
var digestSelector = crypto.Keccak256([]byte("VERIFYING_KEY_DIGEST()"))[:4]

// withoutMetadata cuts off the CBOR map that solc puts behind the code: its last
// two bytes are the map's length. What looks like none stays.
func withoutMetadata(code []byte) []byte {
	if len(code) < 2 {
		return code
	}
	n := int(code[len(code)-2])<<8 | int(code[len(code)-1])
	start := len(code) - 2 - n
	if n == 0 || start < 0 || code[start]&0xf0 != 0xa0 {
		return code
	}
	return code[:start]
}

// ErrProofRefused says that a verifier answered false: the proof isn't one of its
// key for these public inputs.
var ErrProofRefused = errors.New("the verifier refuses the proof")

// Verify asks the verifier at an address whether a proof holds, without a
// transaction: nil if it does, ErrProofRefused if not, *RevertError for one that
// is malformed. The proof is ZoKrates's proof.json, or an object of snarkjs's
// proof.json as "proof" and public.json as "public"; the service's proofs are
// either. Calling it with a proof that is known to hold, and with the same one
// for other inputs, is a second check of a verifier after CheckVerifier.
func (c *Client) Verify(ctx context.Context, at common.Address, proof []byte) error {
	data, err := contract.Calldata(proof)
	if err != nil {
		return err
	}
	out, err := c.Simulate(ctx, common.Address{}, Call{To: &at, Data: data})
	var reverted *RevertError
	switch {
	case errors.As(err, &reverted) && len(reverted.Data) == 0 && !reverted.OutOfGas:
		return fmt.Errorf("the contract %v takes no such proof, of another scheme or with another number of public inputs: %w", at, err)
	case err != nil:
		return err
	case len(out) == 0:
		return fmt.Errorf("%w %v", ErrNoContract, at)
	case len(out) != 32 || new(big.Int).SetBytes(out).Cmp(big.NewInt(1)) > 0:
		return fmt.Errorf("the contract %v answers %#x to a proof, which is no bool: it is no verifier", at, out)
	case out[31] == 0:
		return ErrProofRefused
	}
	return nil
}

// Calldata returns the call of verifyTx or verifyProof with a proof, as for
// Verify.
func Calldata(proof []byte) ([]byte, error) { return contract.Calldata(proof) }

// G1 and G2 are points as Solidity's structs have them.
type (
	G1 struct{ X, Y *big.Int }
	G2 struct{ X, Y [2]*big.Int }
)

// Proof is a proof for a contract that takes it as an argument: a value for
// go-ethereum's abi package where Solidity has Verifier.Proof.
type Proof struct {
	A G1
	B G2
	C G1
}

// ParseProof reads a proof.json of ZoKrates's form as arguments for a contract:
// the proof, and the public inputs for a uint256[k].
func ParseProof(proof []byte) (*Proof, []*big.Int, error) {
	data, err := contract.Calldata(proof)
	if err != nil {
		return nil, nil, err
	}
	if head := new(struct {
		Scheme string `json:"scheme"`
	}); json.Unmarshal(proof, head) != nil || head.Scheme == "" {
		return nil, nil, errors.New("a proof in snarkjs's form has no Verifier.Proof: its calldata are for verifyProof")
	}
	words := make([]*big.Int, (len(data)-4)/32)
	for i := range words {
		words[i] = new(big.Int).SetBytes(data[4+32*i:][:32])
	}
	p := &Proof{
		A: G1{words[0], words[1]},
		B: G2{[2]*big.Int{words[2], words[3]}, [2]*big.Int{words[4], words[5]}},
		C: G1{words[6], words[7]},
	}
	return p, words[8:], nil
}

// ParseCode reads code as compilers write it: hexadecimal digits, with or without
// 0x, white space around.
func ParseCode(text []byte) ([]byte, error) {
	code, err := hex.DecodeString(string(bytes.TrimPrefix(bytes.TrimSpace(text), []byte("0x"))))
	if err != nil || len(code) == 0 {
		return nil, errors.New("not code in hexadecimal digits; a library may have to be linked first")
	}
	return code, nil
}
