package operator

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/ethereum/go-ethereum/common"

	"provery/examples/rollup/ledger"
)

// maxBody is more than any transfer takes.
const maxBody = 4 << 10

// TransferStatus is a transfer as clients see it.
type TransferStatus struct {
	ID    string `json:"id"`
	State string `json:"state"` // accepted, sealed, proven or settled
	ledger.Transfer
	Batch       *int64 `json:"batch,omitempty"`
	Transaction string `json:"transaction,omitempty"` // that settled it
}

// LedgerStatus says which ledger it is and how far it is.
type LedgerStatus struct {
	ChainID  uint64            `json:"chain_id"`
	Contract common.Address    `json:"contract"`
	Domain   string            `json:"domain"`
	Root     string            `json:"root"` // after all transfers that were accepted
	Batch    int               `json:"batch_size"`
	Counts   Counts            `json:"counts"`
	Problems map[string]string `json:"problems,omitempty"` // what is in the way
}

// Problem is the answer to a request that isn't granted.
type Problem struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Handler returns the operator's HTTP API:
//
//	POST /v1/transfers        a ledger.Signed; 202 made, 200 made before
//	GET  /v1/transfers/{id}   TransferStatus
//	GET  /v1/accounts/{n}     ledger.Account
//	GET  /v1/ledger           LedgerStatus
func (o *Operator) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/transfers", func(w http.ResponseWriter, r *http.Request) {
		var signed ledger.Signed
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
		d.DisallowUnknownFields()
		if err := d.Decode(&signed); err != nil {
			reply(w, http.StatusBadRequest, Problem{"invalid_request", "the body isn't a signed transfer: " + err.Error()})
			return
		}
		t, existed, err := o.Accept(r.Context(), signed)
		status := http.StatusAccepted
		if existed {
			status = http.StatusOK
		}
		o.answer(w, r.Context(), status, t, err)
	})
	mux.HandleFunc("GET /v1/transfers/{id}", func(w http.ResponseWriter, r *http.Request) {
		t, err := o.store.Transfer(r.Context(), r.PathValue("id"))
		if err == nil && t == nil {
			reply(w, http.StatusNotFound, Problem{"not_found", "there is no such transfer"})
			return
		}
		o.answer(w, r.Context(), http.StatusOK, t, err)
	})
	mux.HandleFunc("GET /v1/accounts/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.ParseUint(r.PathValue("n"), 10, 32)
		a, ok := o.Account(uint32(n))
		if err != nil || !ok {
			reply(w, http.StatusNotFound, Problem{string(ledger.UnknownAccount), "there is no such account"})
			return
		}
		reply(w, http.StatusOK, a)
	})
	mux.HandleFunc("GET /v1/ledger", func(w http.ResponseWriter, r *http.Request) {
		counts, err := o.store.counts(r.Context())
		if err != nil {
			o.fail(w, err)
			return
		}
		reply(w, http.StatusOK, LedgerStatus{
			ChainID: o.ChainID, Contract: o.Contract, Domain: o.Domain, Root: o.Root().String(), Batch: o.Batch,
			Counts: counts, Problems: o.problems.list(),
		})
	})
	return mux
}

// answer shows a transfer, or why it isn't made.
func (o *Operator) answer(w http.ResponseWriter, ctx context.Context, status int, t *Transfer, err error) {
	var refusal *ledger.Refusal
	if errors.As(err, &refusal) {
		reply(w, http.StatusUnprocessableEntity, Problem{string(refusal.Code), refusal.Detail})
		return
	}
	if err == nil {
		var s TransferStatus
		if s, err = o.store.status(ctx, t); err == nil {
			reply(w, status, s)
			return
		}
	}
	o.fail(w, err)
}

func (o *Operator) fail(w http.ResponseWriter, err error) {
	o.Log.Error("a request failed", "error", err)
	reply(w, http.StatusInternalServerError, Problem{"internal", "the operator can't answer: see its log"})
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// status says how far a transfer is.
func (s *Store) status(ctx context.Context, t *Transfer) (TransferStatus, error) {
	out := TransferStatus{ID: t.ID, State: "accepted", Transfer: t.Signed.Transfer, Batch: t.Batch}
	if t.Batch == nil {
		return out, nil
	}
	b, err := s.batch(ctx, *t.Batch)
	if err != nil || b == nil {
		return out, err
	}
	out.State = b.State()
	if b.Mined != nil {
		out.Transaction = b.Mined.Hash.Hex()
	}
	return out, nil
}

// State returns sealed, proven or settled.
func (b *Batch) State() string {
	switch {
	case b.Settled != nil:
		return "settled"
	case b.Proof != nil:
		return "proven"
	}
	return "sealed"
}

// Counts are how many transfers have come how far at least.
type Counts struct {
	Accepted int64 `json:"accepted"`
	Sealed   int64 `json:"sealed"`
	Proven   int64 `json:"proven"`
	Settled  int64 `json:"settled"`
}

func (s *Store) counts(ctx context.Context) (c Counts, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT count(*), count(batch), count(b.proof), count(b.settled)
		FROM transfers LEFT JOIN batches b ON b.number = batch`).Scan(&c.Accepted, &c.Sealed, &c.Proven, &c.Settled)
	return c, err
}
