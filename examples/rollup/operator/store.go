package operator

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/ethereum/go-ethereum/common"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"provery/client/evm"
	"provery/examples/rollup/ledger"
)

//go:embed schema.sql
var schema string

// Store is the operator's database. What a method has written is on disk when it
// returns. One process has it at a time.
type Store struct {
	db    *sql.DB
	setup *Setup // nil before Create
}

// Setup is which ledger a database is of. It never changes.
type Setup struct {
	Domain   string          `json:"domain"`  // decimal
	Circuit  string          `json:"circuit"` // its id at the proving service
	Keys     string          `json:"keys"`    // id of the key set
	Batch    int             `json:"batch"`   // transfers in a proof
	ChainID  uint64          `json:"chain_id"`
	Contract common.Address  `json:"contract"`
	ABI      json.RawMessage `json:"abi"` // of the contract
	Gas      uint64          `json:"gas"` // that the deployment took
}

// OpenStore opens a database, and makes an empty one if there is none.
func OpenStore(ctx context.Context, path string) (*Store, error) {
	pragmas := url.Values{"_pragma": {"locking_mode(EXCLUSIVE)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"}, "_txlock": {"immediate"}}
	db, err := sql.Open("sqlite", "file:"+url.PathEscape(path)+"?"+pragmas.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	s := &Store{db: db}
	if _, err := db.ExecContext(ctx, schema); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("open %s, which only one operator may have open: %w", path, err)
	}
	s.setup, err = one(rows(ctx, db, "SELECT value FROM meta WHERE name = 'setup'", func(r *sql.Rows) (v Setup, err error) {
		err = scanJSON(r, &v)
		return v, err
	}))
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	return s, nil
}

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

// Setup returns which ledger it is, nil if there is none yet.
func (s *Store) Setup() *Setup { return s.setup }

// Journal returns the journal for the transactions of the ledger's contract. It
// works without a ledger, so that the contract's deployment can be in it.
func (s *Store) Journal() evm.Journal { return journal{s} }

// tx runs f in a transaction.
func (s *Store) tx(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// Create makes the ledger, with the accounts that it starts with.
func (s *Store) Create(ctx context.Context, setup Setup, accounts []ledger.Account) error {
	if s.setup != nil {
		return errors.New("the database has a ledger")
	}
	text, err := json.Marshal(setup)
	if err != nil {
		return err
	}
	err = s.tx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO meta VALUES ('setup', ?)", string(text)); err != nil {
			return err
		}
		for n, a := range accounts {
			if err := putAccount(ctx, tx, uint32(n), a); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		s.setup = &setup
	}
	return err
}

func putAccount(ctx context.Context, tx *sql.Tx, n uint32, a ledger.Account) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT OR REPLACE INTO accounts VALUES (?, ?)", n, text)
	return err
}

// accounts returns all accounts, as after the last transfer that was accepted.
func (s *Store) accounts(ctx context.Context) ([]ledger.Account, error) {
	return rows(ctx, s.db, "SELECT account FROM accounts ORDER BY number", func(r *sql.Rows) (a ledger.Account, err error) {
		err = scanJSON(r, &a)
		return a, err
	})
}

// Transfer is a transfer that the ledger made.
type Transfer struct {
	Sequence int64 // from 1, in the order in which they were made
	ID       string
	Signed   ledger.Signed
	Batch    *int64 // nil until it is in one
	Accepted time.Time
}

// accept notes a transfer with the two accounts and the root as the ledger has them
// after it.
func (s *Store) accept(ctx context.Context, t Transfer, step ledger.Step, after *ledger.Ledger) (sequence int64, err error) {
	signed, err := json.Marshal(t.Signed)
	if err != nil {
		return 0, err
	}
	stepText, err := json.Marshal(step)
	if err != nil {
		return 0, err
	}
	err = s.tx(ctx, func(tx *sql.Tx) error {
		r, err := tx.ExecContext(ctx, "INSERT INTO transfers (id, signed, step, old_root, new_root, accepted) VALUES (?, ?, ?, ?, ?, ?)",
			t.ID, signed, stepText, string(step.Root), after.Root().String(), t.Accepted.UnixMilli())
		if err != nil {
			return err
		}
		for _, n := range []uint32{t.Signed.From, t.Signed.To} {
			account, _ := after.Account(n)
			if err := putAccount(ctx, tx, n, account); err != nil {
				return err
			}
		}
		sequence, err = r.LastInsertId()
		return err
	})
	return sequence, err
}

const transferColumns = "SELECT sequence, id, signed, batch, accepted FROM transfers "

func scanTransfer(r *sql.Rows) (t Transfer, err error) {
	var signed []byte
	var millis int64
	if err := r.Scan(&t.Sequence, &t.ID, &signed, &t.Batch, &millis); err != nil {
		return t, err
	}
	t.Accepted = time.UnixMilli(millis)
	return t, json.Unmarshal(signed, &t.Signed)
}

// Transfer returns the transfer of an id, nil if there is none.
func (s *Store) Transfer(ctx context.Context, id string) (*Transfer, error) {
	return one(rows(ctx, s.db, transferColumns+"WHERE id = ?", scanTransfer, id))
}

// waiting returns the transfers that aren't in a batch, oldest first.
func (s *Store) waiting(ctx context.Context, limit int) ([]Transfer, error) {
	return rows(ctx, s.db, transferColumns+"WHERE batch IS NULL ORDER BY sequence LIMIT ?", scanTransfer, limit)
}

// one returns the first of a list, nil of an empty one.
func one[T any](list []T, err error) (*T, error) {
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// rows returns what scan makes of each row.
func rows[T any](ctx context.Context, q queryer, query string, scan func(*sql.Rows) (T, error), args ...any) ([]T, error) {
	r, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out []T
	for r.Next() {
		v, err := scan(r)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, r.Err()
}

// scanJSON reads a row of one column.
func scanJSON(r *sql.Rows, into any) error {
	var text []byte
	if err := r.Scan(&text); err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}
