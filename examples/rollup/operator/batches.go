package operator

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"provery/api"
	"provery/client/evm"
	"provery/examples/rollup/ledger"
)

// Batch is up to a proof's number of transfers in a row.
type Batch struct {
	Number  int64
	OldRoot string // decimal
	NewRoot string
	Sealed  time.Time
	Attempt int64
	Proof   *Proof     // nil until it is proven
	Proven  *time.Time // when that was
	// Mined is the transaction that settled it; nil if that wasn't the operator's.
	Mined   *evm.Mined
	Settled *time.Time // nil until the chain has it
}

// Proof is what the proving service made of a batch.
type Proof struct {
	Job    string          `json:"job"`
	Proof  json.RawMessage `json:"proof"` // ZoKrates's proof.json
	Ledger *api.Ledger     `json:"ledger,omitempty"`
}

const batchColumns = "SELECT number, old_root, new_root, sealed, attempt, proof, proven, mined, settled FROM batches "

func scanBatch(r *sql.Rows) (b Batch, err error) {
	var sealed int64
	var proven, settled sql.NullInt64
	var proof, mined []byte
	if err := r.Scan(&b.Number, &b.OldRoot, &b.NewRoot, &sealed, &b.Attempt, &proof, &proven, &mined, &settled); err != nil {
		return b, err
	}
	b.Sealed, b.Proven, b.Settled = time.UnixMilli(sealed), timeOf(proven), timeOf(settled)
	if proof != nil {
		err = json.Unmarshal(proof, &b.Proof)
	}
	if err == nil && mined != nil {
		err = json.Unmarshal(mined, &b.Mined)
	}
	return b, err
}

func timeOf(millis sql.NullInt64) *time.Time {
	if !millis.Valid {
		return nil
	}
	t := time.UnixMilli(millis.Int64)
	return &t
}

// seal makes a batch of the transfers that wait, at most size of them, and returns
// its number. There has to be one.
func (s *Store) seal(ctx context.Context, size int, now time.Time) (number int64, err error) {
	err = s.tx(ctx, func(tx *sql.Tx) error {
		type row struct {
			sequence int64
			old, new string
		}
		ends, err := rows(ctx, tx, "SELECT sequence, old_root, new_root FROM transfers WHERE batch IS NULL ORDER BY sequence LIMIT ?",
			func(r *sql.Rows) (w row, err error) { err = r.Scan(&w.sequence, &w.old, &w.new); return w, err }, size)
		if err == nil && len(ends) == 0 {
			err = errors.New("no transfer waits for a batch")
		}
		if err != nil {
			return err
		}
		first, last := ends[0], ends[len(ends)-1]
		r, err := tx.ExecContext(ctx, "INSERT INTO batches (number, old_root, new_root, sealed) VALUES ((SELECT count(*) FROM batches), ?, ?, ?)",
			first.old, last.new, now.UnixMilli())
		if err != nil {
			return err
		}
		if number, err = r.LastInsertId(); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE transfers SET batch = ? WHERE sequence BETWEEN ? AND ?", number, first.sequence, last.sequence)
		return err
	})
	return number, err
}

// steps returns the circuit's arguments for a batch's transfers, in order.
func (s *Store) steps(ctx context.Context, batch int64) ([]ledger.Step, error) {
	return rows(ctx, s.db, "SELECT step FROM transfers WHERE batch = ? ORDER BY sequence", func(r *sql.Rows) (step ledger.Step, err error) {
		err = scanJSON(r, &step)
		return step, err
	}, batch)
}

// batch returns a batch, nil if there is none of the number.
func (s *Store) batch(ctx context.Context, number int64) (*Batch, error) {
	return one(rows(ctx, s.db, batchColumns+"WHERE number = ?", scanBatch, number))
}

// Batches returns the batches from a number on.
func (s *Store) Batches(ctx context.Context, from int64, limit int) ([]Batch, error) {
	return rows(ctx, s.db, batchColumns+"WHERE number >= ? ORDER BY number LIMIT ?", scanBatch, from, limit)
}

// unproven returns the oldest batches without a proof.
func (s *Store) unproven(ctx context.Context, limit int) ([]Batch, error) {
	return rows(ctx, s.db, batchColumns+"WHERE proof IS NULL ORDER BY number LIMIT ?", scanBatch, limit)
}

// unsettled returns the oldest batch that the chain doesn't have, nil if there is none.
func (s *Store) unsettled(ctx context.Context) (*Batch, error) {
	return one(rows(ctx, s.db, batchColumns+"WHERE settled IS NULL ORDER BY number LIMIT 1", scanBatch))
}

func (s *Store) tryAgain(ctx context.Context, number int64) error {
	_, err := s.db.ExecContext(ctx, "UPDATE batches SET attempt = attempt + 1 WHERE number = ?", number)
	return err
}

func (s *Store) proven(ctx context.Context, number int64, p Proof, now time.Time) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = s.db.ExecContext(ctx, "UPDATE batches SET proof = ?, proven = ? WHERE number = ? AND proof IS NULL", text, now.UnixMilli(), number)
	return err
}

// settled notes that the chain has a batch; mined may be nil.
func (s *Store) settled(ctx context.Context, number int64, mined *evm.Mined, now time.Time) error {
	var text []byte
	if mined != nil {
		var err error
		if text, err = json.Marshal(mined); err != nil {
			return err
		}
	}
	_, err := s.db.ExecContext(ctx, "UPDATE batches SET mined = ?, settled = ? WHERE number = ? AND settled IS NULL", text, now.UnixMilli(), number)
	return err
}

// dropProof takes a proof back, so that the batch is proven by another job.
func (s *Store) dropProof(ctx context.Context, number int64) error {
	_, err := s.db.ExecContext(ctx, "UPDATE batches SET proof = NULL, proven = NULL, attempt = attempt + 1 WHERE number = ? AND settled IS NULL", number)
	return err
}
