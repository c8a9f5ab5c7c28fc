// The tests run the whole: wallet, operator, proving service, contract and chain.
package rollup_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"provery/api"
	"provery/client/evm"
	"provery/examples/rollup"
	"provery/examples/rollup/ledger"
	"provery/examples/rollup/operator"
	"provery/examples/rollup/proving"
	"provery/examples/rollup/proving/provingtest"
	"provery/examples/rollup/wallet"
)

func TestRollup(t *testing.T) {
	t.Parallel()
	service, _ := provingtest.Start(t)
	tests := map[string]func(t *testing.T, w *world){
		"payments": payments, "refusals": refusals, "duplicates": duplicates,
		"other inputs": otherInputs, "other proof": otherProof,
		"lost answer": lostAnswer, "dropped transaction": droppedTransaction, "chain is away": chainIsAway, "unsteady chain": unsteadyChain,
		"settled by another": settledByAnother, "beaten to it": beatenToIt, "unknown root": unknownRoot, "contract": contractRefuses,
		"wrong chain": wrongChain, "wrong verifier": wrongVerifier, "second operator": secondOperator,
	}
	for _, p := range []operator.Point{
		operator.Accepted, operator.Sealed, operator.Asking, operator.Asked, operator.Made,
		operator.Proven, operator.Settling, operator.Mined, operator.Settled,
	} {
		tests["crash at "+string(p)] = func(t *testing.T, w *world) { crash(t, w, p) }
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, newWorld(t, service))
		})
	}
}

func payments(t *testing.T, w *world) {
	l := w.start(nil)
	l.settled(l.transfers())
	l.checkOnce()
	status, err := l.client.Ledger(t.Context())
	if err != nil || status.Counts != (operator.Counts{Accepted: 5, Sealed: 5, Proven: 5, Settled: 5}) || len(status.Problems) > 0 {
		t.Errorf("got %+v, %v", status, err)
	}
	last, err := l.client.Transfer(t.Context(), l.transfers()[4].ID(l.domain()))
	if err != nil || last.State != "settled" || last.Transaction == "" || last.Amount != 1 {
		t.Errorf("got %+v, %v", last, err)
	}
	if err := l.stop(); err != nil {
		t.Errorf("the operator ended with %v", err)
	}
}

// refusals are what the operator doesn't take.
func refusals(t *testing.T, w *world) {
	l := w.start(nil)
	forged := l.transfer(1, 2, 5, 0)
	forged.Amount = 50
	foreign := ledger.Transfer{From: 1, To: 2, Amount: 5}.Sign(ledger.Transfer{}.Word(), w.keys[1])
	for name, tc := range map[string]struct {
		signed ledger.Signed
		want   ledger.Code
	}{
		"forged":          {forged, ledger.BadSignature},
		"another ledger":  {foreign, ledger.BadSignature},
		"overdraft":       {l.transfer(1, 2, 101, 0), ledger.Overdraft},
		"wrong nonce":     {l.transfer(1, 2, 5, 3), ledger.WrongNonce},
		"unknown account": {l.transfer(1, 9, 5, 0), ledger.UnknownAccount},
		"to oneself":      {l.transfer(1, 1, 5, 0), ledger.SelfTransfer},
	} {
		_, err := l.client.Send(t.Context(), tc.signed)
		var refused *wallet.Refused
		if !errors.As(err, &refused) || refused.Status != http.StatusUnprocessableEntity || refused.Code != string(tc.want) {
			t.Errorf("%s: got %v, want %s", name, err, tc.want)
		}
	}
	for _, body := range []string{"", "{", `{"from":-1}`, `{"from":1,"to":2,"amount":"5","nonce":"0","signature":"00"}`, `{"extra":1}`, strings.Repeat(" ", 10<<10)} {
		res := httptest.NewRecorder()
		l.Operator.Handler().ServeHTTP(res, httptest.NewRequest(http.MethodPost, "/v1/transfers", strings.NewReader(body)))
		if res.Code != http.StatusBadRequest {
			t.Errorf("%.40q: got %d, want 400", body, res.Code)
		}
	}
	if status, err := l.client.Ledger(t.Context()); err != nil || status.Counts.Accepted != 0 {
		t.Errorf("got %+v, %v: something was accepted", status, err)
	}
}

// duplicates has many clients send the same transfers at once.
func duplicates(t *testing.T, w *world) {
	l := w.start(nil)
	transfers := l.transfers()
	for _, s := range transfers { // in order, each by several
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if _, err := l.client.Send(t.Context(), s); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	l.settled(transfers)
	l.checkOnce()
}

// crash stops the operator at a point, twice, and opens the ledger anew. The first
// life gets at most two batches past the point, as many as are proven at a time, so
// that the second comes to it as well.
func crash(t *testing.T, w *world, p operator.Point) {
	var all []ledger.Signed
	for n := 1; n <= 2; n++ {
		l := w.start(crashAt(p))
		if all == nil {
			all = l.transfers()
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		for _, s := range all {
			// Not with the client: nobody answers after the crash.
			if _, _, err := l.Operator.Accept(ctx, s); err != nil {
				break
			}
		}
		select {
		case <-l.ended:
		case <-ctx.Done():
			t.Fatalf("the operator didn't crash the %d. time", n)
		}
		cancel()
		if err := l.stop(); !errors.Is(err, errCrash) {
			t.Fatalf("got %v, want the crash", err)
		}
		if _, _, err := l.Operator.Accept(t.Context(), all[0]); err == nil {
			t.Error("a crashed operator accepts")
		}
	}
	l := w.start(nil)
	l.settled(all)
	l.checkOnce()
}

// rewrite changes the result of the first job that the proving service answers with
// one, whenever it is asked for.
func rewrite(w *world, change func(proof map[string]any)) *atomic.Pointer[string] {
	var changed atomic.Pointer[string] // the job
	w.proving.set(func(out http.ResponseWriter, r *http.Request, _ []byte, next http.Handler) {
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, r)
		body := rec.Body.Bytes()
		var p api.Proof
		if strings.HasPrefix(r.URL.Path, "/v1/proofs") && json.Unmarshal(body, &p) == nil && p.Result != nil {
			changed.CompareAndSwap(nil, &p.ID)
			var proof map[string]any
			if p.ID == *changed.Load() && json.Unmarshal(p.Result.Proof, &proof) == nil {
				change(proof)
				p.Result.Proof, _ = json.Marshal(proof)
				body, _ = json.Marshal(p)
			}
		}
		for name, values := range rec.Header() {
			if name != "Content-Length" {
				out.Header()[name] = values
			}
		}
		out.WriteHeader(rec.Code)
		_, _ = out.Write(body)
	})
	return &changed
}

// otherInputs alters the public inputs on their way to the operator.
func otherInputs(t *testing.T, w *world) {
	changed := rewrite(w, func(proof map[string]any) { proof["inputs"].([]any)[1] = common.BigToHash(big.NewInt(42)).Hex() })
	l := w.start(nil)
	l.settled(l.transfers())
	l.checkOnce()
	checkAskedAgain(t, l, changed)
}

// otherProof alters the proof itself, which the contract refuses when the
// transaction is tried, before anything is paid.
func otherProof(t *testing.T, w *world) {
	changed := rewrite(w, func(proof map[string]any) {
		points := proof["proof"].(map[string]any)
		points["c"] = points["a"]
	})
	l := w.start(nil)
	l.settled(l.transfers())
	l.checkOnce()
	checkAskedAgain(t, l, changed)
}

func checkAskedAgain(t *testing.T, l *life, changed *atomic.Pointer[string]) {
	t.Helper()
	batches, err := l.Store.Batches(t.Context(), 0, 100)
	var attempts int64
	for _, b := range batches {
		attempts += b.Attempt
	}
	if err != nil || changed.Load() == nil || attempts != 1 {
		t.Errorf("got %d proofs asked for again, %v; want the one that was changed", attempts, err)
	}
}

const sendRaw = `"eth_sendRawTransaction"`

// lostAnswer loses the node's answer to each first transaction that is sent.
func lostAnswer(t *testing.T, w *world) {
	var n atomic.Int64
	w.node.set(func(out http.ResponseWriter, r *http.Request, body []byte, next http.Handler) {
		if bytes.Contains(body, []byte(sendRaw)) && n.Add(1)%2 == 1 {
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(out, r)
	})
	l := w.start(nil)
	l.settled(l.transfers())
	l.checkOnce()
	if n.Load() == 0 {
		t.Error("no transaction was sent")
	}
}

// droppedTransaction has the node forget the first settling transaction.
func droppedTransaction(t *testing.T, w *world) {
	l := w.start(nil)
	var dropped atomic.Bool
	w.node.set(func(out http.ResponseWriter, r *http.Request, body []byte, next http.Handler) {
		if bytes.Contains(body, []byte(sendRaw)) && dropped.CompareAndSwap(false, true) {
			fmt.Fprintf(out, `{"jsonrpc":"2.0","id":%s,"result":"0x%064x"}`, idOf(body), 1)
			return
		}
		next.ServeHTTP(out, r)
	})
	l.settled(l.transfers())
	l.checkOnce()
	if !dropped.Load() {
		t.Error("nothing was dropped")
	}
}

func idOf(body []byte) json.RawMessage {
	var m struct{ ID json.RawMessage }
	_ = json.Unmarshal(body, &m)
	return m.ID
}

// chainIsAway cuts the connection to the node for a while, at each batch.
func chainIsAway(t *testing.T, w *world) {
	var refuse, last atomic.Int64
	last.Store(-1)
	l := w.start(func(p operator.Point, number int64) error {
		if p == operator.Settling && last.Swap(number) != number {
			refuse.Store(20)
		}
		return nil
	})
	w.node.set(func(out http.ResponseWriter, r *http.Request, _ []byte, next http.Handler) {
		if refuse.Add(-1) >= 0 {
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(out, r)
	})
	l.settled(l.transfers())
	l.checkOnce()
}

// unsteadyChain throws blocks out again and again, though none that counted as final.
func unsteadyChain(t *testing.T, w *world) {
	w.options.Confirmations = thrownOut + 2
	w.setUnsteady(true)
	l := w.start(nil)
	l.settled(l.transfers())
	w.setUnsteady(false)
	l.checkOnce()
	if w.thrown == 0 {
		t.Error("no block was thrown out")
	}
}

// settledByAnother has somebody else send the first batch, whose proof is public
// once it is sent.
func settledByAnother(t *testing.T, w *world) {
	var l *life
	ready := make(chan struct{})
	var once sync.Once
	settled := make(chan error, 1)
	l = w.start(func(p operator.Point, number int64) error {
		if p == operator.Settling && number == 0 {
			once.Do(func() {
				<-ready
				s, err := l.Operator.Settlement(t.Context(), 0)
				s.ID = "by another"
				if err == nil {
					_, err = l.Chain.Settle(t.Context(), s)
				}
				settled <- err
			})
		}
		return nil
	})
	close(ready)
	l.settled(l.transfers())
	l.checkOnce() // its transaction counts for the operator's
	if err := <-settled; err != nil {
		t.Fatal(err)
	}
	batches, err := l.Store.Batches(t.Context(), 0, 1)
	if err != nil || batches[0].Mined != nil || batches[0].Settled == nil {
		t.Errorf("got %+v, %v; want a batch that is settled by no transaction of the operator's", batches, err)
	}
}

// beatenToIt has another account's transaction with the first batch come before the
// operator's, which fails in a block.
func beatenToIt(t *testing.T, w *world) {
	another := w.anotherAccount()
	var l *life
	ready, settled := make(chan struct{}), make(chan error, 1)
	var settling atomic.Bool
	l = w.start(func(p operator.Point, _ int64) error {
		if p == operator.Settling {
			settling.Store(true)
		}
		return nil
	})
	var once sync.Once
	w.node.set(func(out http.ResponseWriter, r *http.Request, body []byte, next http.Handler) {
		if settling.Load() && bytes.Contains(body, []byte(sendRaw)) {
			once.Do(func() {
				<-ready
				s, err := l.Operator.Settlement(t.Context(), 0)
				if err == nil {
					_, err = another(l).Settle(t.Context(), s)
				}
				settled <- err
			})
		}
		next.ServeHTTP(out, r)
	})
	close(ready)
	l.settled(l.transfers())
	l.checkOnce() // the one that failed counts as the batch's
	if err := <-settled; err != nil {
		t.Fatal(err)
	}
	batches, err := l.Store.Batches(t.Context(), 0, 1)
	if err != nil || batches[0].Mined != nil || batches[0].Settled == nil {
		t.Errorf("got %+v, %v; want a batch that is settled by no transaction of the operator's", batches, err)
	}
}

// unknownRoot has an operator whose database is older than what the chain has.
func unknownRoot(t *testing.T, w *world) {
	l := w.start(nil)
	l.settled(l.transfers()[:1])
	setup := *l.Store.Setup()
	if err := l.stop(); err != nil {
		t.Fatal(err)
	}
	sent := w.sent()
	w.options.Database = newDatabase(t, setup, w.options.Genesis)
	l = w.start(nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := l.client.Send(ctx, l.transfer(2, 3, 1, 0)); err != nil {
		t.Fatal(err)
	}
	for {
		status, err := l.client.Ledger(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(status.Problems["settling"], "another operator, or an older database") {
			break
		}
		if !pause(ctx) {
			t.Fatalf("got %+v, want what is in the way", status)
		}
	}
	if got := w.sent(); got != sent {
		t.Errorf("%d transactions were sent", got-sent)
	}
}

// contractRefuses sends what must not be taken to the contract itself.
func contractRefuses(t *testing.T, w *world) {
	l := w.start(nil)
	l.settled(l.transfers()[:2])
	done, err := l.Operator.Settlement(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.stop(); err != nil {
		t.Fatal(err)
	}
	// The next batch is proven, and the operator stopped before it is settled.
	l = w.start(crashAt(operator.Settling))
	for _, s := range l.transfers()[2:4] {
		if _, err := l.client.Send(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	<-l.ended
	batches, err := l.Store.Batches(t.Context(), 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	first := int64(0) // that isn't settled
	for batches[first].Settled != nil {
		first++
	}
	next, err := l.Operator.Settlement(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	reverts := func(what, want string, err error) {
		t.Helper()
		var r *evm.RevertError
		if !errors.As(err, &r) || r.Name != want {
			t.Errorf("%s: got %v, want %s", what, err, want)
		}
	}
	reverts("replayed", "WrongRoot", l.Chain.Simulate(t.Context(), done))
	other := next
	other.NewRoot = done.OldRoot
	reverts("another new root", "ProofRefused", l.Chain.Simulate(t.Context(), other))
	other = next
	other.Words = append(append(other.Words[:0:0], next.Words[1:]...), next.Words[0])
	reverts("transfers reordered", "ProofRefused", l.Chain.Simulate(t.Context(), other))
	other = next
	other.Proof = done.Proof
	reverts("proof of another batch", "ProofRefused", l.Chain.Simulate(t.Context(), other))
	other = next
	other.OldRoot = next.NewRoot
	reverts("ahead of others", "WrongRoot", l.Chain.Simulate(t.Context(), other))
	if err := l.Chain.Simulate(t.Context(), next); err != nil {
		t.Errorf("the batch that the others are made of: got %v", err)
	}
	before := next
	before.ID, before.Gas = "with little gas", 100_000
	_, err = l.Chain.Settle(t.Context(), before)
	var r *evm.RevertError
	if !errors.As(err, &r) || r.Mined == nil || !r.OutOfGas {
		t.Errorf("got %v, want a transaction that ran out of gas", err)
	}
	if head, err := l.Chain.Head(t.Context()); err != nil || head.Root.Cmp(next.OldRoot) != 0 {
		t.Errorf("got %+v, %v: the root has moved", head, err)
	}
}

func wrongChain(t *testing.T, w *world) {
	w.options.ChainID = 1
	r, err := rollup.Open(t.Context(), w.options)
	var wrong *evm.WrongChainError
	if !errors.As(err, &wrong) {
		t.Errorf("got %v, %v, want a wrong chain", r, err)
	}
}

// wrongVerifier opens a ledger whose database names other keys than the contract's
// verifier has, and one whose contract is another ledger's.
func wrongVerifier(t *testing.T, w *world) {
	l := w.start(nil)
	setup := *l.Store.Setup()
	if err := l.stop(); err != nil {
		t.Fatal(err)
	}
	keys, err := w.options.Proving.SetupKeys(t.Context(), setup.Circuit, "groth16")
	if err != nil {
		t.Fatal(err)
	}
	open := func(s operator.Setup) error {
		o := w.options
		o.Database = newDatabase(t, s, o.Genesis)
		r, err := rollup.Open(t.Context(), o)
		if err == nil {
			r.Close()
		}
		return err
	}
	if err := open(setup); err != nil {
		t.Errorf("the same set-up: got %v", err)
	}
	other := setup
	other.Keys = keys.ID
	var wrong *evm.WrongVerifierError
	if err := open(other); !errors.As(err, &wrong) {
		t.Errorf("other keys: got %v, want a wrong verifier", err)
	}
	other = setup
	other.Contract[0]++
	if err := open(other); err == nil || !strings.Contains(err.Error(), "no ledger at") {
		t.Errorf("another address: got %v", err)
	}
}

// secondOperator opens a database that an operator works with.
func secondOperator(t *testing.T, w *world) {
	w.start(nil)
	if r, err := rollup.Open(t.Context(), w.options); err == nil || !strings.Contains(err.Error(), "only one operator") {
		t.Errorf("got %v, %v, want a refusal", r, err)
	}
}

// TestServiceRestarts kills the proving service while it has a job, twice, and starts
// it again.
func TestServiceRestarts(t *testing.T) {
	t.Parallel()
	binary, data := provingtest.Binary(t), t.TempDir()
	var mu sync.Mutex
	service, err := proving.Start(t.Context(), binary, data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { mu.Lock(); defer mu.Unlock(); service.Kill() })
	w := newWorld(t, service)
	var kills int
	l := w.start(func(p operator.Point, _ int64) error {
		mu.Lock()
		defer mu.Unlock()
		if p != operator.Asked || kills == 2 {
			return nil
		}
		kills++
		service.Kill()
		next, err := proving.Start(context.Background(), binary, data)
		if err != nil {
			return err
		}
		service = next
		h := proxy(t, next.URL)
		w.proving.next.Store(&h)
		return nil
	})
	l.settled(l.transfers())
	l.checkOnce()
	mu.Lock()
	defer mu.Unlock()
	if kills != 2 {
		t.Errorf("got %d kills, want 2", kills)
	}
}
