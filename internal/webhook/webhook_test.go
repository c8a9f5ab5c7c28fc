package webhook

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"provery/internal/engine"
	"provery/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// source is a Source by hand.
type source struct {
	mu     sync.Mutex
	events map[string]*Event // nil: not ended
}

func (s *source) Ended(_ context.Context, subject string) (Event, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.events[subject]
	switch {
	case !ok:
		return Event{}, false, fault.New(fault.NotFound, "no such job")
	case e == nil:
		return Event{}, false, nil
	}
	return *e, true, nil
}

func (s *source) set(subject string, e *Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events[subject] = e
}

func end(attempt int) *Event {
	return &Event{Time: time.Now(), Attempt: attempt, Type: "proof.succeeded", Body: json.RawMessage(`{"type":"proof.succeeded"}`)}
}

// plainSealer turns bytes over: enough to see what isn't sealed.
type plainSealer struct{}

func (plainSealer) Seal(_, _ string, content []byte) []byte {
	out := make([]byte, len(content))
	for i, b := range content {
		out[len(out)-1-i] = b ^ 0x55
	}
	return out
}
func (p plainSealer) Open(id, purpose string, sealed []byte) ([]byte, error) {
	return p.Seal(id, purpose, sealed), nil
}

// receiver is a server that takes webhooks.
type receiver struct {
	*httptest.Server
	got chan delivery
}

type delivery struct {
	header http.Header
	body   string
	answer chan int // the status
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r, done := &receiver{got: make(chan delivery)}, make(chan struct{})
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		d := delivery{req.Header, string(body), make(chan int, 1)}
		select {
		case r.got <- d:
		case <-done:
			return
		}
		select {
		case status := <-d.answer:
			w.WriteHeader(status)
		case <-req.Context().Done(): // whoever delivers doesn't want the answer
		case <-done:
		}
	}))
	t.Cleanup(func() { close(done); r.Close() })
	return r
}

// take answers the next delivery with a status.
func (r *receiver) take(t *testing.T, status int) delivery {
	t.Helper()
	select {
	case d := <-r.got:
		d.answer <- status
		return d
	case <-time.After(time.Minute):
		t.Fatal("no delivery came")
		return delivery{}
	}
}

// bench is an engine with dispatchers.
type bench struct {
	t      *testing.T
	eng    *engine.Engine
	source *source
}

func newBench(t *testing.T) *bench {
	t.Helper()
	eng, err := engine.Open(t.Context(), engine.Config{StoreDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = eng.Close(context.Background()) })
	return &bench{t, eng, &source{events: map[string]*Event{}}}
}

var secret = []byte("0123456789abcdef01234567")

// open starts a dispatcher; change, if not nil, changes its configuration.
func (b *bench) open(change func(*Config)) *Dispatcher {
	b.t.Helper()
	cfg := Config{
		AllowPrivate: true, AllowHTTP: true, Timeout: time.Minute, Backoff: time.Millisecond, MaxBackoff: 4 * time.Millisecond,
		Secrets: func(owner string) [][]byte {
			if owner == "nobody" {
				return nil
			}
			return [][]byte{secret}
		},
	}
	if change != nil {
		change(&cfg)
	}
	d, err := Open(b.t.Context(), b.eng, b.source, plainSealer{}, cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	d.Start()
	b.t.Cleanup(d.Close)
	return d
}

// until polls for a webhook's state.
func (b *bench) until(d *Dispatcher, subject string, want State) Delivery {
	b.t.Helper()
	for stop := time.Now().Add(time.Minute); ; {
		v, err := d.Delivery(subject)
		if err == nil && v.State == want {
			return v
		}
		if time.Now().After(stop) {
			b.t.Fatalf("got %+v, %v, want %s", v, err, want)
		}
		time.Sleep(time.Millisecond) // between two looks, not instead of a signal
	}
}

func subject(prefix string) string { return prefix + strings.ToLower(rand.Text()) }

func TestDelivery(t *testing.T) {
	t.Parallel()
	b, r := newBench(t), newReceiver(t)
	d := b.open(nil)
	id := subject("prf_")
	b.source.set(id, nil)
	if err := d.Add(t.Context(), id, "alice", r.URL+"/hook?token=hunter2"); err != nil {
		t.Fatal(err)
	}
	if v := b.until(d, id, Waiting); v.Owner != "alice" || v.Host != strings.TrimPrefix(r.URL, "http://") || v.Tries != 0 {
		t.Errorf("got %+v", v)
	}
	b.source.set(id, end(1))
	d.Ended(id, "")
	first := r.take(t, 500)
	second := r.take(t, 503)
	third := r.take(t, 204)
	if first.body != `{"type":"proof.succeeded"}` || second.body != first.body || third.header.Get(headerID) != first.header.Get(headerID) {
		t.Errorf("got %+v, then %+v, want the same event again", first, third)
	}
	for _, got := range []delivery{first, third} {
		h := got.header
		if want := sign([][]byte{secret}, h.Get(headerID), h.Get(headerTimestamp), []byte(got.body)); h.Get(headerSignature) != want {
			t.Errorf("got signature %q, want %q", h.Get(headerSignature), want)
		}
	}
	v := b.until(d, id, Delivered)
	if v.Tries != 3 || len(v.Attempts) != 3 || v.Attempts[0].Status != 500 || v.Attempts[2].Problem != "" || v.Done.IsZero() || v.Type != "proof.succeeded" {
		t.Errorf("got %+v", v)
	}
	// It ends once more, as a dead letter that was started anew does: another
	// event. The same end is none.
	d.Ended(id, "")
	b.source.set(id, end(2))
	d.Ended(id, "")
	if again := r.take(t, 200); again.header.Get(headerID) == first.header.Get(headerID) {
		t.Error("a new end has the event id of the old one")
	}
	b.until(d, id, Delivered)
	if _, err := d.Redeliver(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	r.take(t, 200)
	b.until(d, id, Delivered)
}

// TestEndWhilePending ends a job once more while its first end is being
// delivered: both are told.
func TestEndWhilePending(t *testing.T) {
	t.Parallel()
	b, r := newBench(t), newReceiver(t)
	d := b.open(nil)
	id := subject("prf_")
	b.source.set(id, end(1))
	if err := d.Add(t.Context(), id, "", r.URL); err != nil {
		t.Fatal(err)
	}
	first := <-r.got
	b.source.set(id, end(2))
	d.Ended(id, "")
	first.answer <- 200
	if second := r.take(t, 200); second.header.Get(headerID) == first.header.Get(headerID) {
		t.Error("a new end has the event id of the old one")
	}
	b.until(d, id, Delivered)
}

// TestSignature holds the example of the Standard Webhooks specification.
func TestSignature(t *testing.T) {
	t.Parallel()
	secret, err := ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := sign([][]byte{secret}, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := sign([][]byte{secret, secret}, "a", "1", nil); strings.Count(got, "v1,") != 2 || !strings.Contains(got, " ") {
		t.Errorf("got %q, want two signatures", got)
	}
	for _, bad := range []string{"", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%%%%" + strings.Repeat("A", 40), "whsec_" + strings.Repeat("AAAA", 22)} {
		if _, err := ParseSecret(bad); !fault.Is(err, fault.InvalidRequest) || bad != "" && strings.Contains(err.Error(), bad) && len(bad) > 6 {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}

func TestGivenUp(t *testing.T) {
	t.Parallel()
	b, r := newBench(t), newReceiver(t)
	var mu sync.Mutex
	now := time.Now()
	d := b.open(func(c *Config) {
		c.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	})
	gone, old := subject("prf_"), subject("bat_")
	for _, id := range []string{gone, old} {
		b.source.set(id, end(1))
		if err := d.Add(t.Context(), id, "", r.URL); err != nil {
			t.Fatal(err)
		}
		if id == gone {
			r.take(t, http.StatusGone)
			v := b.until(d, id, Failed)
			if !v.Attempts[0].LastWord || v.Tries != 1 {
				t.Errorf("got %+v, want an end at once", v)
			}
		}
	}
	mu.Lock()
	now = now.Add(25 * time.Hour)
	mu.Unlock()
	r.take(t, 302)
	if v := b.until(d, old, Failed); v.Attempts[len(v.Attempts)-1].Problem != "the receiver redirects, which isn't followed" {
		t.Errorf("got %+v", v)
	}
	page, next := d.Deliveries(func(*Delivery) bool { return true }, "", 1)
	if len(page) != 1 || next == "" {
		t.Fatalf("got %+v, %q", page, next)
	}
	rest, next := d.Deliveries(func(*Delivery) bool { return true }, next, 5)
	if len(rest) != 1 || next != "" || rest[0].Subject == page[0].Subject {
		t.Errorf("got %+v, %q", rest, next)
	}
	if c := d.Counts(); c[Failed] != 2 {
		t.Errorf("got %v", c)
	}
}

// TestRestart loses the process with a delivery under way: the next one makes
// it, with the same event id.
func TestRestart(t *testing.T) {
	t.Parallel()
	b, r := newBench(t), newReceiver(t)
	first := b.open(nil)
	id, later := subject("prf_"), subject("prf_")
	b.source.set(id, end(1))
	b.source.set(later, nil)
	for _, s := range []string{id, later} {
		if err := first.Add(t.Context(), s, "", r.URL); err != nil {
			t.Fatal(err)
		}
	}
	lost := <-r.got // the receiver has it, and the process hears no answer
	first.Close()
	b.source.set(later, end(1)) // while nobody was there
	second := b.open(nil)
	ids := map[string]bool{}
	for range 2 {
		ids[r.take(t, 200).header.Get(headerID)] = true
	}
	b.until(second, id, Delivered)
	b.until(second, later, Delivered)
	if !ids[lost.header.Get(headerID)] || len(ids) != 2 {
		t.Errorf("got events %v, want %s again", ids, lost.header.Get(headerID))
	}
}

// TestTwoProcesses share the work: each event is delivered once.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	b, r := newBench(t), newReceiver(t)
	ds := []*Dispatcher{b.open(nil), b.open(nil)}
	const n = 20
	var subjects []string
	for range n {
		id := subject("prf_")
		subjects = append(subjects, id)
		b.source.set(id, nil)
		if err := ds[0].Add(t.Context(), id, "", r.URL); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range subjects {
		b.until(ds[1], id, Waiting)
	}
	for _, id := range subjects {
		b.source.set(id, end(1))
		for _, d := range ds {
			d.Ended(id, "")
		}
	}
	seen := map[string]int{}
	for range n {
		seen[r.take(t, 200).header.Get(headerID)]++
	}
	for _, id := range subjects {
		for _, d := range ds {
			if v := b.until(d, id, Delivered); v.Tries != 1 || seen[v.EventID] != 1 {
				t.Errorf("%s: got %d tries, %d deliveries", id, v.Tries, seen[v.EventID])
			}
		}
	}
}

func TestAddRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := b.open(func(c *Config) { c.AllowHTTP = false })
	for _, tc := range []struct {
		address, owner string
		want           fault.Code
	}{
		{"https://example.com/hook?x=1", "alice", ""},
		{"https://example.com/hook", "nobody", fault.Unsupported},
		{"http://example.com/", "alice", fault.InvalidRequest},
		{"ftp://example.com/", "alice", fault.InvalidRequest},
		{"https://", "alice", fault.InvalidRequest},
		{"https://user:hunter2@example.com/", "alice", fault.InvalidRequest},
		{"https://example.com/#x", "alice", fault.InvalidRequest},
		{"https://example.com/" + strings.Repeat("x", maxURL), "alice", fault.InvalidRequest},
		{"://hunter2", "alice", fault.InvalidRequest},
	} {
		id := subject("prf_")
		err := d.Add(t.Context(), id, tc.owner, tc.address)
		if fault.CodeOf(err) != tc.want || err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want %s", tc.address, err, tc.want)
		}
		if err := d.Drop(t.Context(), id); err != nil {
			t.Error(err)
		}
		if _, err := d.Delivery(id); !fault.Is(err, fault.NotFound) {
			t.Errorf("after the drop: got %v", err)
		}
	}
}

// resolver gives the addresses of its turns.
type resolver struct {
	mu    sync.Mutex
	turns []string
}

func (r *resolver) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.turns[0]
	if len(r.turns) > 1 {
		r.turns = r.turns[1:]
	}
	return []netip.Addr{netip.MustParseAddr(a)}, nil
}

// TestPrivateAddresses are refused where the connection is made, whatever name
// led there and whatever it resolved to before.
func TestPrivateAddresses(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	at := netip.MustParseAddrPort(strings.TrimPrefix(r.URL, "http://"))
	port := strings.TrimPrefix(r.URL, "http://"+at.Addr().String())
	for _, tc := range []struct{ name, address, resolves string }{
		{"literal", r.URL, ""},
		{"mapped", "http://[::ffff:127.0.0.1]" + port, ""},
		{"name", "http://hook.example" + port, "127.0.0.1"},
		{"name of IPv6", "http://hook.example" + port, "::1"},
		{"name of the cloud's metadata", "http://hook.example" + port, "169.254.169.254"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			d := b.open(func(c *Config) {
				c.AllowPrivate = false
				if tc.resolves != "" {
					c.Resolver = &resolver{turns: []string{tc.resolves}}
				}
				c.MaxAge = -1 // one try
			})
			id := subject("prf_")
			b.source.set(id, end(1))
			if err := d.Add(t.Context(), id, "", tc.address); err != nil {
				t.Fatal(err)
			}
			if v := b.until(d, id, Failed); !strings.Contains(v.Attempts[0].Problem, "isn't a public one") || v.Attempts[0].Status != 0 {
				t.Errorf("got %+v, want it refused", v.Attempts)
			}
		})
	}
}

// TestRebinding has a name that is public when it is first looked at.
func TestRebinding(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	at := netip.MustParseAddrPort(strings.TrimPrefix(r.URL, "http://"))
	turns := &resolver{turns: []string{"127.0.0.1"}}
	cfg := Config{Timeout: 10 * time.Second, Resolver: turns}
	client := newClient(&cfg)
	turns.mu.Lock()
	turns.turns = []string{at.Addr().String()}
	turns.mu.Unlock()
	_, err := client.Post("http://hook.example:"+strings.Split(r.URL, ":")[2], "", nil)
	if err == nil || describe(err) != "the address isn't a public one, which this service doesn't allow" {
		t.Errorf("got %v, want it refused", err)
	}
	for _, private := range []string{
		"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1",
		"192.0.2.1", "198.18.0.1", "240.0.0.1", "::1", "::", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001::1",
	} {
		if public(netip.MustParseAddr(private)) {
			t.Errorf("%s counts as public", private)
		}
	}
	for _, good := range []string{"1.1.1.1", "93.184.215.14", "2606:4700:4700::1111", "2a00:1450::1"} {
		if !public(netip.MustParseAddr(good)) {
			t.Errorf("%s doesn't count as public", good)
		}
	}
}

// TestSlowReceivers has an owner whose receivers never answer in time, with more
// webhooks than there are places: another one's are delivered meanwhile.
func TestSlowReceivers(t *testing.T) {
	t.Parallel()
	b, slow, quick := newBench(t), newReceiver(t), newReceiver(t)
	d := b.open(func(c *Config) { c.Concurrency, c.PerOwner, c.Timeout = 4, 2, time.Minute })
	for range 10 {
		id := subject("prf_")
		b.source.set(id, end(1))
		if err := d.Add(t.Context(), id, "slow", slow.URL); err != nil {
			t.Fatal(err)
		}
	}
	held := []delivery{<-slow.got, <-slow.got} // both places of that owner
	id := subject("prf_")
	b.source.set(id, end(1))
	if err := d.Add(t.Context(), id, "quick", quick.URL); err != nil {
		t.Fatal(err)
	}
	quick.take(t, 200)
	b.until(d, id, Delivered)
	for _, h := range held {
		h.answer <- 200
	}
	for range 8 { // the rest of the slow one's, in turn
		slow.take(t, 200)
	}
}
