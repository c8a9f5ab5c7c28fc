//go:build linux

package faulttest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"provery/api"
	"provery/client"
)

// fixtures has the circuit: c = a·b, with a private.
const fixtures = "../../testdata/zokrates/mul/bn128"

// request is one proof that a client asks for.
type request struct {
	number int
	a, b   uint64
	key    string // its idempotency key
	id     string // of the job, once it is accepted
	seen   [sha256.Size]byte
	state  api.State
}

// caller makes calls as a patient client does: it repeats what may be repeated,
// at another address if there are several, until it has an answer.
type caller struct {
	clients []*client.Client
	http    *http.Client
}

// newCaller returns a caller of the service at the addresses.
func newCaller(t *testing.T, addresses ...string) *caller {
	t.Helper()
	return newCallerWith(t, "", addresses...)
}

// newCallerWith returns one that has an API key.
func newCallerWith(t *testing.T, key string, addresses ...string) *caller {
	t.Helper()
	urls := make([]string, len(addresses))
	for i, a := range addresses {
		urls[i] = "http://" + a
	}
	return newCallerBy(t, key, &http.Transport{MaxIdleConnsPerHost: 64}, urls...)
}

// newCallerBy returns one that goes by a transport of its own.
func newCallerBy(t *testing.T, key string, by *http.Transport, urls ...string) *caller {
	t.Helper()
	// A service that hangs must not hold a client for ever.
	c := &caller{http: &http.Client{Transport: by, Timeout: 20 * time.Second}}
	for _, u := range urls {
		cl, err := client.New(u, client.WithHTTPClient(c.http), client.WithRetries(0), client.WithAPIKey(key))
		if err != nil {
			t.Fatal(err)
		}
		c.clients = append(c.clients, cl)
	}
	t.Cleanup(c.http.CloseIdleConnections)
	return c
}

// again makes a call until it succeeds or is refused for good.
func (c *caller) again(ctx context.Context, call func(*client.Client) error) error {
	const pause = 50 * time.Millisecond
	for i := 0; ; i++ {
		err := call(c.clients[i%len(c.clients)])
		if err == nil {
			return nil
		}
		wait := pause
		var refused *client.Error
		if errors.As(err, &refused) {
			if !refused.Retryable && refused.Code != api.CodeInsufficientStorage {
				return err
			}
			wait = max(wait, min(time.Duration(refused.RetryAfter)*time.Second, time.Second))
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("gave up: %w", err)
		}
	}
}

// ready waits until the service is.
func (c *caller) ready(t *testing.T) {
	t.Helper()
	for _, cl := range c.clients {
		eventually(t, "the service is ready", func() bool {
			r, err := cl.Ready(t.Context())
			return err == nil && r.Ready
		})
	}
}

// register registers the circuit of the load, with its keys.
func (c *caller) register(t *testing.T) {
	t.Helper()
	c.registerFrom(t, "mul", fixtures)
}

// registerFrom registers the circuit of a directory, with its keys.
func (c *caller) registerFrom(t *testing.T, circuit, dir string) {
	t.Helper()
	open := func(name string) io.Reader {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatalf("%v (make setup makes those in build)", err)
		}
		return bytes.NewReader(b)
	}
	cl := c.clients[0]
	_, _, err := cl.Register(t.Context(), client.Registration{
		Name: circuit, Artefacts: map[string]io.Reader{"program": open("out"), "abi": open("abi.json")},
	})
	if err == nil {
		_, _, err = cl.AddKeys(t.Context(), circuit, client.KeyUpload{ProvingKey: open("ark-g16/proving.key"), VerifyingKey: open("ark-g16/verification.key")})
	}
	if err != nil {
		t.Fatalf("register: %v", err)
	}
}

// load is a number of clients that ask for proofs and wait for them.
type load struct {
	t      *testing.T
	caller *caller
	ctx    context.Context
	change func(*api.ProofRequest) // makes some requests different
	other  string                  // directory of another circuit, if they are all for that

	enough  chan struct{}
	clients sync.WaitGroup
	ended   atomic.Int64

	mu       sync.Mutex
	requests []*request
}

// window is how many jobs each client has under way.
const window = 8

// startLoad starts n clients. They go on until stop.
func startLoad(t *testing.T, c *caller, n int, change func(*api.ProofRequest)) *load {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{t: t, caller: c, ctx: ctx, change: change, enough: make(chan struct{})}
	t.Cleanup(func() { cancel(); l.clients.Wait() })
	for range n {
		l.clients.Go(l.client)
	}
	return l
}

// client submits a window of requests, waits for all of them, and begins anew.
func (l *load) client() {
	for {
		select {
		case <-l.enough:
			return
		case <-l.ctx.Done():
			return
		default:
		}
		var mine [window]*request
		for i := range mine {
			mine[i] = l.next()
			if err := l.submit(mine[i]); err != nil {
				l.t.Errorf("request %d: %v", mine[i].number, err)
				return
			}
		}
		for _, r := range mine {
			if err := l.await(r); err != nil {
				l.t.Errorf("request %d, job %s: %v", r.number, r.id, err)
				return
			}
		}
	}
}

func (l *load) next() *request {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.requests)
	r := &request{number: n, a: uint64(n) + 2, b: uint64(n)*3 + 5, key: rand.Text()}
	l.requests = append(l.requests, r)
	return r
}

// submit asks for a proof until it is accepted.
func (l *load) submit(r *request) error {
	req := api.ProofRequest{
		Circuit: "mul", Arguments: json.RawMessage(fmt.Sprintf(`["%d","%d"]`, r.a, r.b)),
		Labels: map[string]string{"request": strconv.Itoa(r.number)},
	}
	if l.change != nil {
		l.change(&req)
	}
	return l.caller.again(l.ctx, func(c *client.Client) error {
		p, err := c.Submit(l.ctx, req, client.SubmitOptions{IdempotencyKey: r.key})
		if err == nil {
			r.id = p.ID
		}
		return err
	})
}

// await waits until the job has ended, and notes how.
func (l *load) await(r *request) error {
	for !r.state.Terminal() {
		err := l.caller.again(l.ctx, func(c *client.Client) error {
			p, err := c.Proof(l.ctx, r.id, 5*time.Second)
			if err == nil {
				r.state, r.seen = p.State, fingerprint(p)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	l.ended.Add(1)
	return nil
}

// fingerprint tells results apart: every proof of the same statement differs.
func fingerprint(p *api.Proof) (sum [sha256.Size]byte) {
	if p.Result != nil {
		sum = sha256.Sum256(p.Result.Proof)
	}
	return sum
}

// more waits until n more jobs have ended.
func (l *load) more(n int) {
	l.t.Helper()
	from := l.ended.Load()
	eventually(l.t, "jobs end", func() bool { return l.ended.Load() >= from+int64(n) || l.t.Failed() })
	if l.t.Failed() {
		l.t.FailNow()
	}
}

// stop lets the clients finish what they have begun.
func (l *load) stop() {
	l.t.Helper()
	close(l.enough)
	done := make(chan struct{})
	go func() { l.clients.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(patience):
		l.t.Fatal("not all jobs have ended")
	}
}
