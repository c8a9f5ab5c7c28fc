package evm

import (
	"bytes"
	"context"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
)

// countingSigner counts what it is asked for.
type countingSigner struct {
	Signer
	signed int
}

func (s *countingSigner) Sign(ctx context.Context, tx *types.Transaction, chain *big.Int) (*types.Transaction, error) {
	s.signed++
	return s.Signer.Sign(ctx, tx, chain)
}

// TestNothingSigned has calls that must be refused before anything is signed.
func TestNothingSigned(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	at := c.deployPuppet(c.sender(c.client(Options{})))
	wrongChain := new(WrongChainError)
	reverted := new(RevertError)
	for _, tc := range []struct {
		name    string
		options Options
		chain   int64
		call    Call
		want    func(error) bool
	}{
		{"wrong chain", Options{}, 5, nothing(""), func(err error) bool { return errors.As(err, &wrongChain) && wrongChain.Got == 5 }},
		{"would revert", Options{}, 0, Call{To: &at, Data: []byte{1}}, func(err error) bool { return errors.As(err, &reverted) && !reverted.OutOfGas }},
		{"would use all gas", Options{}, 0, Call{To: &at, Data: []byte{2}}, func(err error) bool { return errors.As(err, &reverted) && reverted.OutOfGas }},
		{"gas is too dear", Options{Fees: Fees{MaxGasPrice: big.NewInt(1)}}, 0, nothing(""), func(err error) bool { return errors.Is(err, ErrFeeLimit) }},
		{"gas is too dear, legacy", Options{Fees: Fees{MaxGasPrice: big.NewInt(1), Legacy: true}}, 0, nothing(""), func(err error) bool { return errors.Is(err, ErrFeeLimit) }},
	} {
		n, signer := c.node(), &countingSigner{Signer: NewKeySigner(c.key)}
		s, err := c.clientOf(n, tc.options).Sender(t.Context(), signer)
		if err != nil {
			t.Fatal(err)
		}
		n.mu.Lock()
		n.chain = tc.chain // the endpoint is another one meanwhile
		n.mu.Unlock()
		if _, err := s.Submit(t.Context(), tc.call); !tc.want(err) {
			t.Errorf("%s: got %v", tc.name, err)
		}
		if signer.signed != 0 || len(s.Pending()) != 0 {
			t.Errorf("%s: %d transactions were signed and %d are pending", tc.name, signer.signed, len(s.Pending()))
		}
	}
}

// TestRefusedByTheNode leaves no nonce and no record behind.
func TestRefusedByTheNode(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	poor, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	client := c.client(Options{})
	s, err := client.Sender(t.Context(), NewKeySigner(poor))
	if err != nil {
		t.Fatal(err)
	}
	call := Call{ID: "a", To: &common.Address{}, Gas: 21000}
	if _, err := s.Submit(t.Context(), call); err == nil || !strings.Contains(err.Error(), "insufficient funds") {
		t.Fatalf("got %v, want a refusal for want of funds", err)
	}
	address := s.Address()
	if _, err := c.do(c.sender(client), Call{To: &address, Value: big.NewInt(1e18), Gas: 21000}); err != nil {
		t.Fatal(err)
	}
	sub := c.submit(s, call)
	c.settled(sub)
	if sub.Nonce() != 0 {
		t.Errorf("got nonce %d, want 0", sub.Nonce())
	}
}

// forgetless is a journal that can't remove records.
type forgetless struct{ Journal }

func (forgetless) Remove(context.Context, string) error { return errors.New("disk full") }

// TestRefusedAndNotForgotten has the journal keep a call that the node refused:
// asked for again, the call is made under the nonce that it had.
func TestRefusedAndNotForgotten(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	poor, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.client(Options{Journal: forgetless{NewMemoryJournal()}}).Sender(t.Context(), NewKeySigner(poor))
	if err != nil {
		t.Fatal(err)
	}
	call := Call{ID: "a", To: &common.Address{}, Gas: 21000}
	if _, err := s.Submit(t.Context(), call); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Fatalf("got %v, want the refusal and the journal's failure", err)
	}
	address := s.Address()
	if _, err := c.do(c.sender(c.client(Options{})), Call{ID: "funds", To: &address, Value: big.NewInt(1e18), Gas: 21000}); err != nil {
		t.Fatal(err)
	}
	sub := c.submit(s, call)
	c.settled(sub)
	if sub.Nonce() != 0 || c.nonce(s) != 1 {
		t.Errorf("got nonce %d and %d transactions, want 0 and one", sub.Nonce(), c.nonce(s))
	}
	s.client.Close()
	if _, err := s.Submit(t.Context(), call); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: got %v", err)
	}
}

// TestOutOfGas gives the real verifier too little, and a contract that never has
// enough.
func TestOutOfGas(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.sender(c.client(Options{}))
	verifier, endless := c.deployVerifier(s, readFile(t, mulGroth16+"verification.key")), c.deployPuppet(s)
	proof, err := Calldata(readFile(t, mulGroth16+"proof.json"))
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]Call{
		"verifier": {To: &verifier, Data: proof, Gas: 120_000},
		"endless":  {To: &endless, Data: []byte{2}, Gas: 100_000},
	} {
		m, err := c.do(s, call)
		var reverted *RevertError
		if !errors.As(err, &reverted) || !reverted.OutOfGas || m == nil || reverted.Mined != m || !strings.Contains(err.Error(), "out of gas") {
			t.Errorf("%s: got %v, want to run out of gas", name, err)
		}
	}
	if m, err := c.do(s, Call{To: &verifier, Data: proof}); err != nil {
		t.Errorf("with the gas that is estimated: got %+v, %v", m, err)
	}
}

const puppetABI = `[{"type":"error","name":"WrongRoot","inputs":[{"name":"want","type":"uint256"},{"name":"got","type":"bytes32"}]}]`

// TestReverts has transactions fail on the chain, for a reason that the client
// knows or not.
func TestReverts(t *testing.T) {
	t.Parallel()
	parsed, err := abi.JSON(strings.NewReader(puppetABI))
	if err != nil {
		t.Fatal(err)
	}
	wrongRoot := parsed.Errors["WrongRoot"]
	values, err := wrongRoot.Inputs.Pack(big.NewInt(7), [32]byte{31: 9})
	if err != nil {
		t.Fatal(err)
	}
	text, err := arguments("string").Pack("ledger: closed")
	if err != nil {
		t.Fatal(err)
	}
	c := newChain(t)
	s := c.sender(c.client(Options{ABIs: []abi.ABI{parsed}}))
	at := c.deployPuppet(s)
	id := func(signature string) []byte { return crypto.Keccak256([]byte(signature))[:4] }
	for _, tc := range []struct {
		data []byte
		want string
	}{
		{append(wrongRoot.ID[:4:4], values...), "reverted with WrongRoot(7, 0x0000000000000000000000000000000000000000000000000000000000000009)"},
		{append(id("Error(string)"), text...), "reverted: ledger: closed"},
		{append(id("Panic(uint256)"), common.LeftPadBytes([]byte{0x11}, 32)...), "reverted with Panic(arithmetic underflow or overflow)"},
		{id("InputNotInField()"), "reverted with InputNotInField()"},
		{[]byte{1, 2, 3, 4}, "reverted with 0x01020304, which no known ABI declares"},
		{wrongRoot.ID[:5], "which no known ABI declares"},
		{nil, "reverted"},
	} {
		call := Call{To: &at, Data: append([]byte{1}, tc.data...), Gas: 100_000}
		m, err := c.do(s, call)
		var reverted *RevertError
		if !errors.As(err, &reverted) || reverted.OutOfGas || m == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%x: got %v, want %s", tc.data, err, tc.want)
		}
		if _, err := s.client.Simulate(t.Context(), s.Address(), call); !errors.As(err, &reverted) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%x, simulated: got %v, want %s", tc.data, err, tc.want)
		}
	}
}

func TestRevertData(t *testing.T) {
	t.Parallel()
	want := []byte{1, 2}
	for _, v := range []any{"0x0102", "Reverted 0x0102", map[string]any{"data": "0x0102"}} {
		if got := revertData(v); !bytes.Equal(got, want) {
			t.Errorf("%v: got %x, want %x", v, got, want)
		}
	}
	for _, v := range []any{nil, 7, "", "Reverted"} {
		if got := revertData(v); len(got) != 0 {
			t.Errorf("%v: got %x, want nothing", v, got)
		}
	}
}
