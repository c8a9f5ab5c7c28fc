package evm

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

// Journal keeps what a sender has submitted. It is what makes a call once across
// crashes: a record is in it before its transaction is sent. Implementations
// are safe for concurrent use; package journaltest is the suite that they pass.
type Journal interface {
	// Put writes a record in place of the one with its ID. When it returns,
	// the record survives a crash, as far as the journal promises that.
	Put(ctx context.Context, r Record) error
	// Find returns the record of an ID.
	Find(ctx context.Context, id string) (r Record, ok bool, err error)
	// Remove removes the record of an ID, if there is one.
	Remove(ctx context.Context, id string) error
	// Pending returns the records of an account on a chain that are pending.
	Pending(ctx context.Context, chain uint64, account common.Address) ([]Record, error)
}

// State is how far a submission has come.
type State string

// The states of a submission. All but the first are final.
const (
	// StatePending: not in a block yet, or not deep enough.
	StatePending State = "pending"
	// StateSucceeded: in a block, with the confirmations asked for.
	StateSucceeded State = "succeeded"
	// StateReverted: the same, and the call failed there.
	StateReverted State = "reverted"
	// StateDisplaced: another transaction of the account took the nonce, so
	// that this one never can be in the chain.
	StateDisplaced State = "displaced"
)

// Record is a submission in a journal. It has no secrets: signed transactions
// are what the chain publishes.
type Record struct {
	ID       string         `json:"id"`
	Chain    uint64         `json:"chain"`
	From     common.Address `json:"from"`
	Nonce    uint64         `json:"nonce"`
	State    State          `json:"state"`
	Call     common.Hash    `json:"call"` // Call.digest
	Attempts []Attempt      `json:"attempts"`
	Mined    *Mined         `json:"mined,omitempty"` // once the state is succeeded or reverted
}

// Attempt is a signed transaction. All those of a record have its nonce; the
// last has the highest fees.
type Attempt struct {
	Hash common.Hash   `json:"hash"`
	Raw  hexutil.Bytes `json:"raw"`
}

// Mined says where a transaction is in the chain, and what it cost.
type Mined struct {
	Hash      common.Hash     `json:"hash"`
	Block     uint64          `json:"block"`
	BlockHash common.Hash     `json:"block_hash"`
	GasUsed   uint64          `json:"gas_used"`
	GasLimit  uint64          `json:"gas_limit"`
	GasPrice  *hexutil.Big    `json:"gas_price"`
	Contract  *common.Address `json:"contract,omitempty"` // that a deployment made
}

// memoryJournal is a journal that the process takes with it.
type memoryJournal struct {
	mu      sync.Mutex
	records map[string]Record
}

// NewMemoryJournal returns a journal in memory.
func NewMemoryJournal() Journal { return &memoryJournal{records: map[string]Record{}} }

func (j *memoryJournal) Put(_ context.Context, r Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	r.Attempts = slices.Clone(r.Attempts)
	j.records[r.ID] = r
	return nil
}

func (j *memoryJournal) Find(_ context.Context, id string) (Record, bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	r, ok := j.records[id]
	r.Attempts = slices.Clone(r.Attempts)
	return r, ok, nil
}

func (j *memoryJournal) Remove(_ context.Context, id string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.records, id)
	return nil
}

func (j *memoryJournal) Pending(_ context.Context, chain uint64, account common.Address) ([]Record, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []Record
	for _, r := range j.records {
		if r.isPendingOf(chain, account) {
			r.Attempts = slices.Clone(r.Attempts)
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b Record) int { return cmp.Compare(a.Nonce, b.Nonce) })
	return out, nil
}

func (r *Record) isPendingOf(chain uint64, account common.Address) bool {
	return r.State == StatePending && r.Chain == chain && r.From == account
}
