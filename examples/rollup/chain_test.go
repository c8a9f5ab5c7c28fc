package rollup_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"provery/client/evm"
	"provery/examples/rollup/operator"
)

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
