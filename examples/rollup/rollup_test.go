// The tests run the whole: wallet, operator, proving service, contract and chain.
package rollup_test

import (
	"context"
	"encoding/json"
	"errors"
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
