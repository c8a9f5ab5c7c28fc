package evm

import (
	"context"
	"crypto/ecdsa"
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient/simulated"
	"github.com/ethereum/go-ethereum/params"
)

// simulatedID is the chain id of go-ethereum's simulated chain.
const simulatedID = 1337

// chain is a simulated chain with a funded account. Blocks are made by the test.
type chain struct {
	t       testing.TB
	backend *simulated.Backend
	key     *ecdsa.PrivateKey
}

func newChain(t testing.TB) *chain {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	fortune := new(big.Int).Mul(big.NewInt(1000), big.NewInt(params.Ether))
	b := simulated.NewBackend(types.GenesisAlloc{crypto.PubkeyToAddress(key.PublicKey): {Balance: fortune}})
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	b.Commit()
	return &chain{t, b, key}
}

// client returns a client of the chain; zero options are made fit for tests.
func (c *chain) client(o Options) *Client {
	c.t.Helper()
	return c.clientOf(c.backend.Client(), o)
}

func (c *chain) clientOf(b Backend, o Options) *Client {
	c.t.Helper()
	if o.ChainID == 0 {
		o.ChainID = simulatedID
	}
	if o.Poll == 0 {
		o.Poll = 5 * time.Millisecond
	}
	client, err := New(c.t.Context(), b, o)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(client.Close)
	return client
}

// sender returns the funded account's.
func (c *chain) sender(client *Client) *Sender {
	c.t.Helper()
	s, err := client.Sender(c.t.Context(), NewKeySigner(c.key))
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// mine makes blocks until a submission is final, and returns its outcome.
func (c *chain) mine(sub *Submission) (*Mined, error) {
	c.t.Helper()
	eventually(c.t, "a submission is final", func() bool {
		select {
		case <-sub.Done():
			return true
		default:
			c.backend.Commit()
			return false
		}
	})
	return sub.Wait(c.t.Context())
}

// do submits a call and makes blocks until it is final.
func (c *chain) do(s *Sender, call Call) (*Mined, error) {
	c.t.Helper()
	sub, err := s.Submit(c.t.Context(), call)
	if err != nil {
		return nil, err
	}
	return c.mine(sub)
}

// puppet is a contract whose first byte of calldata says what it does: 1 reverts
// with the bytes that follow, 2 runs until it has no gas, anything else succeeds.
var puppet = common.FromHex("0x" +
	"5f3560f81c" + // byte 0 of the calldata
	"8060011460" + "14" + "57" + // 1: jump to 0x14
	"8060021460" + "23" + "57" + // 2: jump to 0x23
	"00" + // stop
	"5b60013603" + "6001" + "5f" + "37" + "60013603" + "5f" + "fd" + // 0x14: revert(calldata[1:])
	"5b60" + "23" + "56") // 0x23: loop

// creation returns initialisation code that makes a contract of the runtime code.
func creation(runtime []byte) []byte {
	// PUSH2 size, DUP1, PUSH1 10, PUSH0, CODECOPY, PUSH0, RETURN
	head := []byte{0x61, byte(len(runtime) >> 8), byte(len(runtime)), 0x80, 0x60, 10, 0x5f, 0x39, 0x5f, 0xf3}
	return append(head, runtime...)
}

// deployPuppet makes the contract.
func (c *chain) deployPuppet(s *Sender) common.Address {
	c.t.Helper()
	m, err := c.do(s, Call{Data: creation(puppet)})
	if err != nil {
		c.t.Fatal(err)
	}
	return *m.Contract
}
