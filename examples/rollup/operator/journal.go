package operator

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/ethereum/go-ethereum/common"

	"provery/client/evm"
)

// journal keeps what was sent to the chain in the operator's database, so that a
// batch is settled by one transaction whatever crashes when.
type journal struct{ s *Store }

func (j journal) Put(ctx context.Context, r evm.Record) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = j.s.db.ExecContext(ctx, "INSERT OR REPLACE INTO journal VALUES (?, ?, ?, ?, ?, ?)",
		r.ID, int64(r.Chain), r.From.Hex(), string(r.State), int64(r.Nonce), text)
	return err
}

func (j journal) Find(ctx context.Context, id string) (r evm.Record, ok bool, err error) {
	found, err := one(rows(ctx, j.s.db, "SELECT record FROM journal WHERE id = ?", scanRecord, id))
	if err != nil || found == nil {
		return r, false, err
	}
	return *found, true, nil
}

func (j journal) Remove(ctx context.Context, id string) error {
	_, err := j.s.db.ExecContext(ctx, "DELETE FROM journal WHERE id = ?", id)
	return err
}

func (j journal) Pending(ctx context.Context, chain uint64, account common.Address) ([]evm.Record, error) {
	return rows(ctx, j.s.db, "SELECT record FROM journal WHERE state = ? AND chain = ? AND account = ? ORDER BY nonce",
		scanRecord, string(evm.StatePending), int64(chain), account.Hex())
}

func scanRecord(r *sql.Rows) (record evm.Record, err error) {
	err = scanJSON(r, &record)
	return record, err
}

// sent reports whether the journal has a submission.
func (s *Store) sent(ctx context.Context, id string) (bool, error) {
	_, ok, err := journal{s}.Find(ctx, id)
	return ok, err
}
