// Package wallet keeps keys, signs transfers and sends them to an operator.
package wallet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"provery/examples/rollup/chain"
	"provery/examples/rollup/ledger"
	"provery/examples/rollup/operator"
)

// Client calls an operator's API.
type Client struct {
	Base string // such as http://127.0.0.1:8090
	HTTP *http.Client
	// Pause is the time before a call that nobody answered is made again; half a
	// second without it.
	Pause time.Duration
	// Waiting hears why a call isn't answered, once for each call. It may be nil.
	Waiting func(error)
}

// Refused is an operator's answer to a request that it doesn't grant.
type Refused struct {
	Status int
	operator.Problem
}

// Error returns code and detail.
func (r *Refused) Error() string { return r.Code + ": " + r.Detail }

// Ledger says which ledger the operator runs and how far it is.
func (c *Client) Ledger(ctx context.Context) (out operator.LedgerStatus, err error) {
	return out, c.call(ctx, http.MethodGet, "/v1/ledger", nil, &out)
}

// Account returns an account as after all transfers that were accepted.
func (c *Client) Account(ctx context.Context, n uint32) (out ledger.Account, err error) {
	return out, c.call(ctx, http.MethodGet, fmt.Sprintf("/v1/accounts/%d", n), nil, &out)
}

// Transfer says how far a transfer is.
func (c *Client) Transfer(ctx context.Context, id string) (out operator.TransferStatus, err error) {
	return out, c.call(ctx, http.MethodGet, "/v1/transfers/"+id, nil, &out)
}

// Send sends a signed transfer. Sending it twice makes it once.
func (c *Client) Send(ctx context.Context, s ledger.Signed) (out operator.TransferStatus, err error) {
	body, err := json.Marshal(s)
	if err != nil {
		return out, err
	}
	return out, c.call(ctx, http.MethodPost, "/v1/transfers", body, &out)
}

// Settled waits until a transfer is on the chain.
func (c *Client) Settled(ctx context.Context, id string) (operator.TransferStatus, error) {
	for {
		t, err := c.Transfer(ctx, id)
		if err != nil || t.State == "settled" {
			return t, err
		}
		if err := c.sleep(ctx); err != nil {
			return t, err
		}
	}
}

// call makes a call, again and again while nobody answers: every call may be made
// twice.
func (c *Client) call(ctx context.Context, method, path string, body []byte, out any) error {
	for told := c.Waiting == nil; ; {
		err := c.once(ctx, method, path, body, out)
		var refused *Refused
		if err == nil || errors.As(err, &refused) && refused.Status < 500 || ctx.Err() != nil {
			return err
		}
		if !told {
			c.Waiting(err)
			told = true
		}
		if c.sleep(ctx) != nil {
			return err
		}
	}
}

func (c *Client) once(ctx context.Context, method, path string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.Base, "/")+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	h := c.HTTP
	if h == nil {
		h = http.DefaultClient
	}
	res, err := h.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		refused := &Refused{Status: res.StatusCode}
		if json.Unmarshal(text, &refused.Problem) != nil || refused.Code == "" {
			refused.Problem = operator.Problem{Code: "internal", Detail: "the operator answers " + res.Status}
		}
		return refused
	}
	return json.Unmarshal(text, out)
}

func (c *Client) sleep(ctx context.Context) error {
	pause := c.Pause
	if pause == 0 {
		pause = time.Second / 2
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Domain returns what transfers of the ledger at a contract are signed for, if the
// operator runs that ledger. It doesn't take the operator's word: one that lies
// would get signatures for another ledger.
func (c *Client) Domain(ctx context.Context, chainID uint64, contract common.Address) (*big.Int, error) {
	s, err := c.Ledger(ctx)
	if err != nil {
		return nil, err
	}
	if s.ChainID != chainID || s.Contract != contract {
		return nil, fmt.Errorf("the operator runs the ledger of contract %v on chain %d, not that of %v on %d", s.Contract, s.ChainID, contract, chainID)
	}
	return chain.Domain(chainID, contract), nil
}
