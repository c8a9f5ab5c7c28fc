package chain

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"provery/client/evm"
)

// Domain returns what transfers of the ledger at an address are signed for: what
// the contract's domain() returns. A wallet computes it by itself, so that an
// operator can't have it sign for another ledger.
func Domain(chain uint64, at common.Address) *big.Int {
	name := []byte("provery payments ledger")
	var b []byte
	for _, word := range [][]byte{{96}, new(big.Int).SetUint64(chain).Bytes(), at.Bytes(), {byte(len(name))}} {
		b = append(b, common.LeftPadBytes(word, 32)...)
	}
	b = append(b, common.RightPadBytes(name, 32)...)
	domain := new(big.Int).SetBytes(crypto.Keccak256(b))
	return domain.Rsh(domain, 8)
}

// Ledger is the contract at an address.
type Ledger struct {
	client        *evm.Client
	sender        *evm.Sender
	abi           abi.ABI
	at            common.Address
	confirmations uint64
}

// NewLedger returns the contract at an address, used by a sender's account.
// Confirmations are those of the client.
func NewLedger(c *evm.Client, s *evm.Sender, contract abi.ABI, at common.Address, confirmations uint64) *Ledger {
	return &Ledger{c, s, contract, at, max(1, confirmations)}
}

// Head is how far the contract is.
type Head struct {
	Height int64 // batches that were settled
	Root   *big.Int
}

// Head returns how far the contract is for good: as of the last block that has the
// confirmations.
func (l *Ledger) Head(ctx context.Context) (h Head, err error) {
	newest, err := l.client.Backend().HeaderByNumber(ctx, nil)
	if err != nil {
		return h, fmt.Errorf("ask for the newest block: %w", err)
	}
	block := new(big.Int).Sub(newest.Number, new(big.Int).SetUint64(l.confirmations-1))
	if block.Sign() < 0 {
		block.SetInt64(0)
	}
	if h.Root, err = l.read(ctx, "root", block); err != nil {
		return h, err
	}
	height, err := l.read(ctx, "height", block)
	if err != nil {
		return h, err
	}
	h.Height = height.Int64()
	return h, nil
}

// CheckDomain compares the contract's domain with the one computed here.
func (l *Ledger) CheckDomain(ctx context.Context, want *big.Int) error {
	got, err := l.read(ctx, "domain", nil)
	if err == nil && got.Cmp(want) != 0 {
		err = fmt.Errorf("the contract %v has another domain: it is another contract, or on another chain", l.at)
	}
	return err
}

func (l *Ledger) read(ctx context.Context, name string, block *big.Int) (*big.Int, error) {
	data, err := l.abi.Pack(name)
	if err != nil {
		return nil, err
	}
	out, err := l.client.Backend().CallContract(ctx, ethereum.CallMsg{To: &l.at, Data: data}, block)
	if err != nil {
		return nil, fmt.Errorf("read %s of the ledger's contract: %w", name, err)
	}
	if len(out) != 32 {
		return nil, fmt.Errorf("there is no ledger at %v: it is on another chain, or the chain was begun anew", l.at)
	}
	return new(big.Int).SetBytes(out), nil
}

// Settlement is a batch with its proof.
type Settlement struct {
	ID      string // of the submission: see evm.Call
	OldRoot *big.Int
	NewRoot *big.Int
	Words   []*big.Int
	Proof   json.RawMessage // ZoKrates's proof.json
	Gas     uint64          // limit; with 0 the call is tried first, and refused if it would fail
}

// Settle submits a batch and waits until it is final.
func (l *Ledger) Settle(ctx context.Context, s Settlement) (*evm.Mined, error) {
	call, err := l.call(s)
	if err != nil {
		return nil, err
	}
	return l.sender.Do(ctx, call)
}

// Simulate asks the contract whether it would take a batch now.
func (l *Ledger) Simulate(ctx context.Context, s Settlement) error {
	call, err := l.call(s)
	if err != nil {
		return err
	}
	_, err = l.client.Simulate(ctx, l.sender.Address(), call)
	return err
}

func (l *Ledger) call(s Settlement) (evm.Call, error) {
	proof, _, err := evm.ParseProof(s.Proof)
	if err != nil {
		return evm.Call{}, err
	}
	data, err := l.abi.Pack("settle", proof, s.OldRoot, s.Words, s.NewRoot)
	if err != nil {
		return evm.Call{}, fmt.Errorf("encode the batch: %w", err)
	}
	return evm.Call{ID: s.ID, To: &l.at, Data: data, Gas: s.Gas}, nil
}

// Verifier returns the address of the verifier that the contract asks.
func (l *Ledger) Verifier(ctx context.Context) (common.Address, error) {
	at, err := l.read(ctx, "verifier", nil)
	if err != nil {
		return common.Address{}, err
	}
	return common.BigToAddress(at), nil
}

// CheckVerifier checks that the contract asks the verifier of a verifying key.
func (l *Ledger) CheckVerifier(ctx context.Context, verifyingKey []byte) error {
	at, err := l.Verifier(ctx)
	if err != nil {
		return err
	}
	return l.client.CheckVerifier(ctx, at, verifyingKey)
}
