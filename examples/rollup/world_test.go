package rollup_test

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"

	"provery/client"
	"provery/client/evm"
	"provery/examples/rollup"
	"provery/examples/rollup/chain"
	"provery/examples/rollup/devchain"
	"provery/examples/rollup/ledger"
	"provery/examples/rollup/operator"
	"provery/examples/rollup/proving"
	"provery/examples/rollup/proving/provingtest"
	"provery/examples/rollup/wallet"
)

// patience is how long a test waits for what has to happen.
const patience = 3 * time.Minute

// world is a chain, a proving service and the database of an operator, which is
// opened once or several times. It belongs to one test.
type world struct {
	t       *testing.T
	chain   *devchain.Chain
	node    *middle // between operator and chain
	proving *middle // between operator and proving service
	options rollup.Options
	keys    []ledger.PrivateKey
	before  uint64 // transactions of the operator's account that aren't the operator's

	mu       sync.Mutex // held while blocks are made
	unsteady bool       // blocks are thrown out as well
	thrown   int        // times that they were
}

// compile compiles the contract once for all tests.
func compile(_ context.Context, batch int) (*chain.Contract, error) {
	compiled.Do(func() {
		compiled.contract, compiled.err = chain.Sources{
			Contract: "contract/Ledger.sol", Compiler: "../../test/evm/compile.mjs",
		}.Compile(context.Background(), batch)
	})
	return compiled.contract, compiled.err
}

var compiled struct {
	sync.Once
	contract *chain.Contract
	err      error
}

// newWorld makes a world of four accounts with 100 each, at a proving service.
func newWorld(t *testing.T, service *proving.Server) *world {
	t.Helper()
	c, err := devchain.New()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, chain: c}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	w.mine()
	w.node, w.proving = newMiddle(t, c), newMiddle(t, proxy(t, service.URL))
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	cl, err := client.New(w.proving.url, client.WithHTTPClient(&http.Client{Transport: transport}), client.WithWait(5*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	w.options = rollup.Options{
		Database: filepath.Join(t.TempDir(), "ledger.db"), Proving: cl,
		RPC: w.node.url, ChainID: devchain.ID, Signer: evm.NewKeySigner(c.Key), Poll: 10 * time.Millisecond,
		CircuitDir: provingtest.Circuit(t), Compile: compile,
		Linger: 100 * time.Millisecond, Proofs: 2, Pause: 20 * time.Millisecond,
	}
	for n := range byte(4) {
		key := ledger.PrivateKeyOf([32]byte{'w', n})
		w.keys = append(w.keys, key)
		w.options.Genesis = append(w.options.Genesis, ledger.Account{Key: key.Public(), Balance: 100})
	}
	return w
}

// mine makes blocks until the test ends.
func (w *world) mine() {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for n := 1; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			w.mu.Lock()
			if w.unsteady && n%4 == 0 {
				w.throwOut(ctx)
			}
			w.chain.Commit()
			w.mu.Unlock()
		}
	})
	w.t.Cleanup(func() { cancel(); wg.Wait() })
}

// thrownOut is how many blocks an unsteady chain throws out at a time.
const thrownOut = 2

// throwOut puts as many others in the place of the last blocks. Their transactions
// are forgotten.
func (w *world) throwOut(ctx context.Context) {
	head, err := w.chain.Client().BlockNumber(ctx)
	if err != nil || head < thrownOut {
		return
	}
	parent, err := w.chain.Client().HeaderByNumber(ctx, new(big.Int).SetUint64(head-thrownOut))
	if err != nil {
		return
	}
	w.chain.Rollback()
	for w.chain.Fork(parent.Hash()) != nil { // a transaction has come just now, and that can't be
		if ctx.Err() != nil {
			return
		}
		w.chain.Rollback()
	}
	w.chain.Rollback()
	for range thrownOut {
		w.chain.Commit()
	}
	w.thrown++
}

// setUnsteady has the chain throw blocks out, or not any more.
func (w *world) setUnsteady(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unsteady = on
}

// life is an operator between its start and its end.
type life struct {
	*rollup.Rollup
	w      *world
	client *wallet.Client
	cancel context.CancelFunc
	ended  chan struct{}
	err    error // of Run, once ended is closed
	server *httptest.Server
	once   sync.Once
}

// start opens the ledger and runs its operator.
func (w *world) start(fail func(operator.Point, int64) error) *life {
	w.t.Helper()
	o := w.options
	o.Fail = fail
	r, err := rollup.Open(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &life{Rollup: r, w: w, cancel: cancel, ended: make(chan struct{}), server: httptest.NewServer(r.Operator.Handler())}
	transport := &http.Transport{}
	l.client = &wallet.Client{Base: l.server.URL, HTTP: &http.Client{Transport: transport}, Pause: 10 * time.Millisecond}
	go func() { defer close(l.ended); l.err = r.Operator.Run(ctx) }()
	w.t.Cleanup(func() { l.stop(); transport.CloseIdleConnections() })
	return l
}

// stop ends the operator and returns what Run returned.
func (l *life) stop() error {
	l.once.Do(func() {
		l.cancel()
		<-l.ended
		l.server.Close()
		l.Close()
	})
	return l.err
}

// transfer returns a signed transfer.
func (l *life) transfer(from, to uint32, amount, nonce uint64) ledger.Signed {
	domain, err := l.client.Domain(l.w.t.Context(), devchain.ID, l.Operator.Contract)
	if err != nil {
		l.w.t.Fatal(err)
	}
	return ledger.Transfer{From: from, To: to, Amount: amount, Nonce: nonce}.Sign(domain, l.w.keys[from])
}

// transfers are five, which fill two batches and half of a third.
func (l *life) transfers() []ledger.Signed {
	return []ledger.Signed{
		l.transfer(0, 1, 10, 0), l.transfer(1, 2, 105, 0), l.transfer(0, 2, 90, 1), l.transfer(2, 0, 295, 0), l.transfer(3, 0, 1, 0),
	}
}

// balances are those after the five transfers.
var balances = [4]uint64{296, 5, 0, 99}

// settled sends the transfers and waits until all are on the chain.
func (l *life) settled(transfers []ledger.Signed) {
	l.w.t.Helper()
	ctx, cancel := context.WithTimeout(l.w.t.Context(), patience)
	defer cancel()
	for _, s := range transfers {
		if _, err := l.client.Send(ctx, s); err != nil {
			l.w.t.Fatal(err)
		}
	}
	for _, s := range transfers {
		if _, err := l.client.Settled(ctx, s.ID(l.domain())); err != nil {
			status, e := l.client.Ledger(context.WithoutCancel(ctx))
			l.w.t.Fatalf("%v; the operator says %+v, %v", err, status, e)
		}
	}
}

func (l *life) domain() *big.Int {
	n, _ := ledger.Decimal(l.Operator.Domain).Int()
	return n
}

// checkOnce checks that the chain has the ledger after the five transfers, and got
// it by one transaction for each batch: nothing was lost, nothing made or sent twice.
func (l *life) checkOnce() {
	t := l.w.t
	t.Helper()
	head, err := l.Chain.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var accounts []ledger.Account
	for n, balance := range balances {
		a, _ := l.Operator.Account(uint32(n))
		if a.Balance != balance {
			t.Errorf("account %d has %d, want %d", n, a.Balance, balance)
		}
		accounts = append(accounts, a)
	}
	anew, err := ledger.New(l.domain(), accounts)
	if err != nil {
		t.Fatal(err)
	}
	if head.Root.Cmp(anew.Root()) != 0 || head.Root.Cmp(l.Operator.Root()) != 0 {
		t.Errorf("got root %v on the chain and %v at the operator, want %v", head.Root, l.Operator.Root(), anew.Root())
	}
	batches, err := l.Store.Batches(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	if head.Height != int64(len(batches)) {
		t.Errorf("the chain has %d batches, the operator %d", head.Height, len(batches))
	}
	if got, want := l.w.sent(), uint64(2+len(batches)); got != want {
		t.Errorf("got %d transactions, want %d: two contracts, and one for each of %d batches", got, want, len(batches))
	}
}

// sent is the number of the operator's transactions in blocks.
func (w *world) sent() uint64 {
	n, err := w.chain.Client().NonceAt(w.t.Context(), crypto.PubkeyToAddress(w.chain.Key.PublicKey), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return n - w.before
}

// anotherAccount funds an account, and returns its side of a life's contract.
func (w *world) anotherAccount() func(l *life) *chain.Ledger {
	w.t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		w.t.Fatal(err)
	}
	node := newMiddle(w.t, w.chain).url
	sender := func(key *ecdsa.PrivateKey) (*evm.Client, *evm.Sender) {
		c, err := evm.Dial(w.t.Context(), node, evm.Options{ChainID: devchain.ID, Poll: 10 * time.Millisecond})
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(c.Close)
		s, err := c.Sender(w.t.Context(), evm.NewKeySigner(key))
		if err != nil {
			w.t.Fatal(err)
		}
		return c, s
	}
	_, rich := sender(w.chain.Key)
	c, s := sender(key)
	to := s.Address()
	if _, err := rich.Do(w.t.Context(), evm.Call{To: &to, Value: big.NewInt(params.Ether), Gas: 21_000}); err != nil {
		w.t.Fatal(err)
	}
	w.before++
	return func(l *life) *chain.Ledger {
		contract, err := chain.ParseABI(l.Store.Setup().ABI)
		if err != nil {
			w.t.Error(err)
		}
		return chain.NewLedger(c, s, contract, l.Operator.Contract, w.options.Confirmations)
	}
}

// newDatabase makes an operator's database for a ledger that there is.
func newDatabase(t *testing.T, s operator.Setup, genesis []ledger.Account) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "ledger.db")
	store, err := operator.OpenStore(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(store.Create(t.Context(), s, genesis), store.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// pause waits for a moment, and reports whether ctx lasts.
func pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(10 * time.Millisecond):
		return true
	}
}

// errCrash is what a test stops an operator with.
var errCrash = errors.New("crash")

// crashAt returns a Config.Fail that crashes when a point is reached. Nothing gets
// past any point after that.
func crashAt(p operator.Point) func(operator.Point, int64) error {
	var crashed atomic.Bool
	return func(at operator.Point, number int64) error {
		if at == p {
			crashed.Store(true)
		}
		if crashed.Load() {
			return fmt.Errorf("%w at %s of %d", errCrash, at, number)
		}
		return nil
	}
}
