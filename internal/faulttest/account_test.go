//go:build linux

package faulttest

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	"provery/api"
	"provery/client"
	"provery/internal/curve"
	"provery/internal/scheme"
	"provery/internal/scheme/groth16"
)

// row is what one kind of fault came to.
type row struct {
	fault       string
	runs, kills int
	jobs        int // accepted
	succeeded   int
	failed      int // with a reason
	cancelled   int
	expired     int
	again       int // attempts beyond the first
	lost        int // jobs that didn't end, or are gone
	doubled     int // requests with two results
}

// verifier verifies proofs of the circuit without the service.
type verifier struct {
	backend scheme.Backend
	key     scheme.VerifyingKey
	same    bool     // all requests are the same
	inputs  []string // of the first of them
}

// newVerifier returns the verifier of the load's circuit, or of another one
// that all requests ask for with the same arguments.
func newVerifier(t *testing.T, other string) *verifier {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(cmp.Or(other, fixtures), "ark-g16/verification.key"))
	if err != nil {
		t.Fatal(err)
	}
	v := &verifier{same: other != ""}
	if v.backend, err = groth16.New(curve.BN128); err == nil {
		v.key, err = v.backend.ParseVerifyingKey(b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// check reports what is wrong with the result of a request.
func (v *verifier) check(r *request, res *api.Result) error {
	if res == nil {
		return fmt.Errorf("no result")
	}
	proof, inputs, err := v.backend.ParseProof(res.Proof)
	if err == nil {
		err = v.backend.Verify(v.key, proof, inputs)
	}
	if err != nil {
		return err
	}
	if v.same {
		if v.inputs == nil {
			v.inputs = res.PublicInputs
		}
		if !slices.Equal(res.PublicInputs, v.inputs) {
			return fmt.Errorf("public inputs %v, want %v", res.PublicInputs, v.inputs)
		}
		return nil
	}
	want := []string{fmt.Sprintf("0x%064x", r.b), fmt.Sprintf("0x%064x", r.a*r.b)}
	switch {
	case fmt.Sprint(res.PublicInputs) != fmt.Sprint(want):
		return fmt.Errorf("public inputs %v, want %v", res.PublicInputs, want)
	case string(res.Outputs) != fmt.Sprintf(`"%d"`, r.a*r.b):
		return fmt.Errorf("output %s, want %d", res.Outputs, r.a*r.b)
	}
	return nil
}

// account counts how the requests ended, by what the service says afterwards,
// and checks every proof. All faults have to be over.
func (l *load) account(name string) row {
	l.t.Helper()
	sum := row{fault: name, runs: 1, jobs: len(l.requests)}
	v := newVerifier(l.t, l.other)
	ctx, cancel := context.WithTimeout(l.t.Context(), patience)
	defer cancel()
	var mu sync.Mutex
	each(l.requests, func(r *request) {
		var p *api.Proof
		err := l.caller.again(ctx, func(c *client.Client) (err error) {
			p, err = c.Proof(ctx, r.id, 0)
			return err
		})
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			sum.lost++
			l.t.Errorf("request %d is lost: job %s: %v", r.number, r.id, err)
			return
		}
		l.count(&sum, v, r, p)
	})
	l.countRecords(ctx, &sum)
	if n := sum.succeeded + sum.failed + sum.cancelled + sum.expired; n+sum.lost != sum.jobs {
		l.t.Errorf("%d submitted, %d accounted for: %+v", sum.jobs, n, sum)
	}
	return sum
}

// count adds one job to the sum.
func (l *load) count(sum *row, v *verifier, r *request, p *api.Proof) {
	sum.again += max(0, len(p.Attempts)-1)
	results := 0
	for _, a := range p.Attempts {
		if a.Outcome == string(api.StateSucceeded) {
			results++
		}
	}
	switch p.State {
	case api.StateSucceeded:
		sum.succeeded++
		if err := v.check(r, p.Result); err != nil {
			l.t.Errorf("request %d: %v", r.number, err)
		}
		if results != 1 || fingerprint(p) != r.seen {
			sum.doubled++
			l.t.Errorf("request %d has two results: %+v", r.number, p.Attempts)
		}
		return
	case api.StateFailed:
		sum.failed++
	case api.StateCancelled:
		sum.cancelled++
	case api.StateExpired:
		sum.expired++
	default:
		sum.lost++
		l.t.Errorf("request %d is lost: it is %s at attempt %d", r.number, p.State, p.Attempt)
		return
	}
	if p.Problem == nil || p.Problem.Code == "" || p.Problem.Detail == "" || results != 0 {
		l.t.Errorf("request %d is %s with %d results and without a reason: %+v", r.number, p.State, results, p.Problem)
	}
	l.t.Logf("request %d is %s after %d attempts: %v", r.number, p.State, len(p.Attempts), p.Problem)
}

// countRecords looks for jobs that nobody asked for, and for second jobs of one
// request.
func (l *load) countRecords(ctx context.Context, sum *row) {
	jobs := map[string]string{} // by the request's number
	for cursor := ""; ; {
		var page *api.Page[api.Proof]
		err := l.caller.again(ctx, func(c *client.Client) (err error) {
			page, err = c.Proofs(ctx, api.ProofFilter{}, cursor, 100)
			return err
		})
		if err != nil {
			l.t.Fatalf("list the jobs: %v", err)
		}
		for _, p := range page.Items {
			label := p.Labels["request"]
			n, err := strconv.Atoi(label)
			switch {
			case err != nil || n < 0 || n >= len(l.requests):
				l.t.Errorf("job %s: nobody asked for it", p.ID)
			case jobs[label] != "":
				sum.doubled++
				l.t.Errorf("request %d has two jobs, %s and %s", n, jobs[label], p.ID)
			case p.ID != l.requests[n].id:
				l.t.Errorf("request %d: job %s was promised, and %s is there", n, l.requests[n].id, p.ID)
			}
			jobs[label] = p.ID
		}
		if cursor = page.Next; cursor == "" {
			return
		}
	}
}

// each calls f for all requests, some at a time.
func each(requests []*request, f func(*request)) {
	next := make(chan *request)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for r := range next {
				f(r)
			}
		})
	}
	for _, r := range requests {
		next <- r
	}
	close(next)
	workers.Wait()
}
