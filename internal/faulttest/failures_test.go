//go:build linux

package faulttest

import (
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"syscall"
	"testing"

	"provery/api"
	"provery/client"
)

// The tests of this file are those of the ten failures that need processes of
// their own to be killed; the others are in the packages that they are about.

// TestFailure03KilledWorkerInMidProof kills a worker in the middle of a proof:
// the job finishes once, elsewhere, as attempt 2. Then it stops one instead, so
// that the first attempt's result comes late: it is refused.
func TestFailure03KilledWorkerInMidProof(t *testing.T) {
	const examples = "../../examples/zokrates/reserves"
	s := startCluster(t, 1, 1, 0)
	s.caller.registerFrom(t, "reserves", "../../build/cache/reserves/bn128") // takes a while to prove
	args, err := os.ReadFile(examples + "/args.json")
	if err != nil {
		t.Fatal(err)
	}
	req := api.ProofRequest{Circuit: "reserves", Arguments: json.RawMessage(args)}

	first := s.addWorker(provery)
	id := s.inMidProof(t, req)
	first.kill()
	second := s.addWorker(provery)
	s.wantSecondAttempt(t, id)

	id = s.inMidProof(t, req)
	second.signal(syscall.SIGSTOP)
	s.addWorker(provery)
	result := s.wantSecondAttempt(t, id)
	second.signal(syscall.SIGCONT)
	eventually(t, "the late result is refused", func() bool { return second.says(refusals[0]) || second.says(refusals[1]) })
	if again := s.wantSecondAttempt(t, id); again != result {
		t.Errorf("the late result took the place of the first: got %s, want %s", again, result)
	}
}

// inMidProof submits a request and waits until a worker is proving it. One that
// was too fast to be caught is submitted again.
func (c *cluster) inMidProof(t *testing.T, req api.ProofRequest) (id string) {
	t.Helper()
	cl := c.caller.clients[0]
	eventually(t, "the proof is being made", func() bool {
		if id == "" {
			p, err := cl.Submit(t.Context(), req, client.SubmitOptions{})
			if err != nil {
				t.Fatal(err)
			}
			id = p.ID
		}
		p, err := cl.Proof(t.Context(), id, 0)
		if err != nil {
			t.Fatal(err)
		}
		if p.State.Terminal() {
			id = ""
		}
		return p.State == api.StateRunning && p.Stage != ""
	})
	return id
}

// wantSecondAttempt waits for a proof that has to come from its second attempt,
// and returns it.
func (c *cluster) wantSecondAttempt(t *testing.T, id string) string {
	t.Helper()
	cl := c.caller.clients[0]
	p, err := cl.Wait(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var outcomes []string
	for _, a := range p.Attempts {
		outcomes = append(outcomes, a.Outcome)
	}
	if got := fmt.Sprint(outcomes); got != "[lost succeeded]" || p.Attempt != 2 {
		t.Errorf("got attempts %s, want the first lost and the second succeeded", got)
	}
	v, err := cl.Verify(t.Context(), api.VerifyRequest{Circuit: "reserves", Proof: p.Result.Proof})
	if err != nil || !v.Valid {
		t.Errorf("the proof: got %+v, %v, want it to be valid", v, err)
	}
	return string(p.Result.Proof)
}

// flood lets n clients submit requests, without waiting for their jobs, until
// stop reports true.
func (l *load) flood(n int, stop func() bool) {
	var clients sync.WaitGroup
	for range n {
		clients.Go(func() {
			for !stop() && l.ctx.Err() == nil {
				r := l.next()
				if err := l.submit(r); err != nil {
					l.t.Errorf("request %d: %v", r.number, err)
					return
				}
			}
		})
	}
	clients.Wait()
}

// TestFailure04KilledServerKeepsItsQueue kills the whole service with a
// thousand jobs in its queue. None is lost, and none has two results.
func TestFailure04KilledServerKeepsItsQueue(t *testing.T) {
	const queued = 1000
	n, c := startAllInOne(t, t.TempDir())
	l := startLoad(t, c, 0, nil)
	waiting := func() int {
		s, err := c.clients[0].Queue(t.Context())
		if err != nil {
			t.Errorf("look at the queue: %v", err)
			return queued
		}
		return s.Queued
	}
	l.flood(32, func() bool { return waiting() >= queued })
	before := waiting()
	n.kill()
	n.restart()
	if before < queued*9/10 {
		t.Errorf("got %d jobs in the queue, want about %d", before, queued)
	}
	each(l.requests, func(r *request) {
		if err := l.await(r); err != nil {
			t.Errorf("request %d, job %s: %v", r.number, r.id, err)
		}
	})
	sum := l.account("kill -9 with a full queue").with(1, 1)
	if sum.lost+sum.doubled+sum.failed != 0 {
		t.Errorf("got %+v, want every job to succeed, once", sum)
	}
	t.Logf("%d in the queue: %+v", before, sum)
}
