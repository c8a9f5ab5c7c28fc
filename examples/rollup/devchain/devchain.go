// Package devchain is a chain for the demo and the tests: go-ethereum's simulated
// one, with its JSON-RPC on a port of loopback, so that it is used like any other
// node. Its blocks are gone when the process ends.
package devchain

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/ethclient/simulated"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rpc"
)

// ID is the chain's.
const ID = 1337

// Chain is a chain with one rich account.
type Chain struct {
	*simulated.Backend
	Key *ecdsa.PrivateKey
	dir string
	rpc *rpc.Client
}

// New starts a chain without blocks but the first.
func New() (*Chain, error) {
	key, err := crypto.GenerateKey()
	if err != nil {
		return nil, err
	}
	// The simulated chain hands out no JSON-RPC client of its own: the socket is
	// the way to one.
	dir, err := os.MkdirTemp("", "devchain-")
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(dir, "ipc")
	fortune := new(big.Int).Mul(big.NewInt(1000), big.NewInt(params.Ether))
	alloc := types.GenesisAlloc{crypto.PubkeyToAddress(key.PublicKey): {Balance: fortune}}
	c := &Chain{Key: key, dir: dir}
	c.Backend = simulated.NewBackend(alloc, func(n *node.Config, e *ethconfig.Config) {
		n.IPCPath = socket
		// Ethereum's rules as of Osaka: those of later forks have other prices of gas.
		rules := *e.Genesis.Config
		rules.AmsterdamTime, rules.BogotaTime = nil, nil
		e.Genesis.Config = &rules
	})
	if c.rpc, err = rpc.Dial(socket); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	c.Commit()
	return c, nil
}

// Close ends the chain.
func (c *Chain) Close() error {
	if c.rpc != nil {
		c.rpc.Close()
	}
	return errors.Join(c.Backend.Close(), os.RemoveAll(c.dir))
}

// Run makes a block every period until ctx ends.
func (c *Chain) Run(ctx context.Context, period time.Duration) {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			c.Commit()
		}
	}
}

// Serve serves the chain at an address, such as 127.0.0.1:0 for a free port, with a
// block every period, until stop is called.
func (c *Chain) Serve(address string, period time.Duration) (url string, stop func(), err error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: c, ReadHeaderTimeout: time.Minute}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { c.Run(ctx, period) })
	wg.Go(func() { _ = server.Serve(listener) })
	stop = func() {
		cancel()
		_ = server.Close()
		wg.Wait()
	}
	return "http://" + listener.Addr().String(), stop, nil
}

// message is a request of JSON-RPC.
type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params []any           `json:"params"`
}

type failure struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

// ServeHTTP answers one JSON-RPC request.
func (c *Chain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m message
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil || json.Unmarshal(body, &m) != nil {
		http.Error(w, "not a JSON-RPC request", http.StatusBadRequest)
		return
	}
	var result json.RawMessage
	answer := map[string]any{"jsonrpc": "2.0", "id": m.ID}
	if err := c.rpc.CallContext(r.Context(), &result, m.Method, m.Params...); err != nil {
		f := failure{Code: -32000, Message: err.Error()}
		var coded rpc.Error
		if errors.As(err, &coded) {
			f.Code = coded.ErrorCode()
		}
		var data rpc.DataError
		if errors.As(err, &data) {
			f.Data = data.ErrorData()
		}
		answer["error"] = f
	} else {
		answer["result"] = result
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer)
}
