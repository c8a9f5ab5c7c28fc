package evm

import (
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// Call is what a transaction does.
type Call struct {
	// ID names what the call is for, such as "root-17". All calls of an ID are
	// one: the second is the first one's submission, whatever became of that,
	// also after a crash if the journal lasts. "" is a name of its own each
	// time, and isn't remembered once the transaction is final.
	ID string
	// To is the contract, nil to make one.
	To *common.Address
	// Data are the bytes that it is called with, or its initialisation code.
	Data []byte
	// Value is what goes along, in wei; nil is nothing.
	Value *big.Int
	// Gas is the limit. With 0 the call is simulated, so that one that would
	// fail is refused before anything is signed, and the limit is a fifth above
	// the estimate. A call that depends on one that isn't in a block yet can't
	// be simulated: give its gas.
	Gas uint64
}

// ConflictError says that an ID was used before for another call, or by another
// account or chain.
type ConflictError struct{ ID string }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("the ID %q belongs to another call", e.ID)
}

// message is the call as nodes take it for a simulation.
func (call *Call) message(from common.Address) ethereum.CallMsg {
	return ethereum.CallMsg{From: from, To: call.To, Gas: call.Gas, Value: call.Value, Data: call.Data}
}

// digest identifies what a call does, for telling that an ID is used for two.
func (call *Call) digest() common.Hash {
	value := call.Value
	if value == nil {
		value = new(big.Int)
	}
	to := []byte{}
	if call.To != nil {
		to = call.To[:]
	}
	return crypto.Keccak256Hash(crypto.Keccak256(to), common.LeftPadBytes(value.Bytes(), 32), crypto.Keccak256(call.Data))
}
