package evm

import (
	"bytes"
	"errors"
	"testing"
)

func TestDeployAndCall(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.sender(c.client(Options{}))
	at := c.deployPuppet(s)
	code, err := c.backend.Client().CodeAt(t.Context(), at, nil)
	if err != nil || !bytes.Equal(code, puppet) {
		t.Fatalf("got code %x (%v), want %x", code, err, puppet)
	}
	m, err := c.do(s, Call{ID: "one", To: &at})
	if err != nil || m.GasUsed < 21000 {
		t.Fatalf("got %+v, %v", m, err)
	}
	again, err := s.Do(t.Context(), Call{ID: "one", To: &at})
	if err != nil || again.Hash != m.Hash {
		t.Errorf("the ID again: got %+v (%v), want transaction %v", again, err, m.Hash)
	}
	var conflict *ConflictError
	if _, err := s.Submit(t.Context(), Call{ID: "one", To: &at, Data: []byte{9}}); !errors.As(err, &conflict) {
		t.Errorf("the ID for another call: got %v, want a conflict", err)
	}
}

func TestWrongChain(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	var wrong *WrongChainError
	if _, err := New(t.Context(), c.backend.Client(), Options{ChainID: 1}); !errors.As(err, &wrong) || wrong.Got != simulatedID {
		t.Errorf("got %v, want a wrong chain", err)
	}
	if _, err := New(t.Context(), c.backend.Client(), Options{}); err == nil {
		t.Error("a client without a chain id was made")
	}
}
