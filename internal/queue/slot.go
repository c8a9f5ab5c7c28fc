package queue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"provery/internal/fault"
)

const slotKeys = "s."

// Slot is what interfaces that know one job at a time, and no ids, show of an
// owner: the job that was asked for last, or why that was refused. One in which
// nothing was ever put is zero.
type Slot struct {
	Job     string `json:"job,omitempty"`
	Refused string `json:"refused,omitempty"`
}

// slotKey returns the bucket's key for an owner's slot.
func slotKey(owner string) string {
	sum := sha256.Sum256([]byte(owner))
	return slotKeys + hex.EncodeToString(sum[:16])
}

// Slot returns what is in the owner's slot. It sees what any process put there
// before: it asks the engine, not the index.
func (q *Queue) Slot(ctx context.Context, owner string) (Slot, error) {
	s, _, err := q.readSlot(ctx, slotKey(owner))
	return s, err
}

// SetSlot puts s into the owner's slot, durably, and returns what was there
// before. Of several calls at a time each returns what another one had put
// there, so that nothing is replaced without somebody being told.
func (q *Queue) SetSlot(ctx context.Context, owner string, s Slot) (before Slot, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	data, err := json.Marshal(s)
	if err != nil {
		return Slot{}, fault.Wrap(err, fault.Internal, "encode slot")
	}
	key := slotKey(owner)
	for swaps := 0; swaps < maxSwaps && swapPause(ctx, swaps); swaps++ {
		before, rev, err := q.readSlot(ctx, key)
		if err != nil {
			return Slot{}, err
		}
		if _, err = q.records.put(ctx, key, rev, nil, data, 0); err != errSwapped {
			return before, err
		}
	}
	return Slot{}, &fault.Error{Code: fault.Overloaded, Detail: "several requests replace each other", RetryAfter: time.Second}
}

// readSlot returns a slot and its revision, 0 where nothing was put there.
func (q *Queue) readSlot(ctx context.Context, key string) (Slot, uint64, error) {
	data, rev, err := q.records.get(ctx, key)
	if fault.Is(err, fault.NotFound) {
		return Slot{}, rev, nil
	}
	if err != nil {
		return Slot{}, 0, err
	}
	var s Slot
	if err := json.Unmarshal(data, &s); err != nil {
		return Slot{}, 0, fault.Wrap(err, fault.Internal, "decode slot")
	}
	return s, rev, nil
}
