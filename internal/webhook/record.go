package webhook

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"provery/internal/fault"
	"provery/internal/tracing"
	"provery/internal/unknown"
)

// State is where a webhook stands.
type State string

// The states. Delivered and Failed are final, unless somebody asks for another
// delivery or the job ends once more.
const (
	Waiting   State = "waiting"   // for the end of its job or batch
	Pending   State = "pending"   // to be delivered
	Delivered State = "delivered" // the receiver took it
	Failed    State = "failed"    // given up
)

// Attempt is one try to deliver.
type Attempt struct {
	Time     time.Time     `json:"time"`
	Took     time.Duration `json:"took"`
	Status   int           `json:"status,omitempty"` // of the receiver's answer; 0: none came
	Problem  string        `json:"problem,omitempty"`
	LastWord bool          `json:"last,omitempty"` // the receiver wants no more tries
}

// maxAttempts bounds the attempts that a record keeps.
const maxAttempts = 16

// Delivery is a webhook as its owner may see it.
type Delivery struct {
	Subject  string // job or batch
	Owner    string
	EventID  string
	Type     string // of the event; empty before it
	Host     string // of the address; the rest may be secret
	State    State
	Created  time.Time
	Done     time.Time // when it was delivered or given up
	Tries    int
	Attempts []Attempt // the last 16
}

// record is the stored form.
type record struct {
	Version int `json:"v"`
	Delivery
	URL     []byte    `json:"url"` // sealed
	Event   time.Time `json:"event,omitzero"`
	Attempt int       `json:"attempt,omitempty"` // of the job, at its end
	Body    []byte    `json:"body,omitempty"`
	Trace   string    `json:"trace,omitempty"` // a W3C traceparent: the request's that asked for it
	// Delay is how long nobody touches the record, from its writing: the
	// back-off, or the time that somebody has for a delivery. It isn't a time
	// of day, so that it means the same by everybody's clock.
	Delay time.Duration `json:"delay,omitempty"`

	unknown unknown.Fields // of a newer release
}

const (
	recordVersion = 1
	sealPurpose   = "webhook"
	maxURL        = 2048
	// startDelay bounds the waits that a process which has just been started
	// takes over: it doesn't know how much of them is over.
	startDelay = 30 * time.Second
)

// CheckURL returns the address parsed, or fault.InvalidRequest.
func (d *Dispatcher) CheckURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case len(text) > maxURL:
		return nil, fault.New(fault.InvalidRequest, "a webhook's address has up to %d bytes", maxURL)
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return nil, fault.New(fault.InvalidRequest, "want an address such as https://example.com/hook")
	case u.Scheme != "https" && (u.Scheme != "http" || !d.cfg.AllowHTTP):
		return nil, fault.New(fault.InvalidRequest, "a webhook's address begins with https://")
	case u.User != nil || u.Fragment != "":
		return nil, fault.New(fault.InvalidRequest, "a webhook's address has neither a user nor a fragment")
	}
	return u, nil
}

// Add records a webhook for a job or batch that is about to be accepted. When
// that is refused, call Drop. Errors: InvalidRequest for the address,
// Unsupported where the owner has no secret, Overloaded.
func (d *Dispatcher) Add(ctx context.Context, subject, owner, address string) error {
	u, err := d.CheckURL(address)
	if err != nil {
		return err
	}
	if len(d.cfg.Secrets(owner)) == 0 {
		return fault.New(fault.Unsupported, "no webhook secret is configured for this API key")
	}
	r := record{
		Version: recordVersion, Trace: tracing.Parent(ctx), URL: d.sealed.Seal(subject, sealPurpose, []byte(address)),
		Delivery: Delivery{
			Subject: subject, Owner: owner, EventID: newEventID(), Host: u.Host, State: Waiting, Created: d.cfg.Now(),
		},
	}
	data, err := json.Marshal(&r)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "record webhook")
	}
	rev, err := d.kv.Create(ctx, subject, data)
	if err != nil {
		return engineFault(err, "record webhook")
	}
	d.put(&r, rev, false)
	return nil
}

func newEventID() string { return "evt_" + rand.Text() }

// Drop forgets the webhook of a job or batch, if there is one.
func (d *Dispatcher) Drop(ctx context.Context, subject string) error {
	err := d.kv.Purge(ctx, subject, jetstream.PurgeTTL(time.Hour))
	if err != nil && !errors.Is(err, jetstream.ErrKeyNotFound) {
		return engineFault(err, "forget webhook")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.hooks, subject)
	return nil
}

// write swaps a record, and reports whether nobody else did meanwhile.
func (d *Dispatcher) write(ctx context.Context, r *record, rev uint64) (uint64, bool, error) {
	data, err := unknown.Encode(r, r.unknown)
	if err != nil {
		return 0, false, fault.Wrap(err, fault.Internal, "record webhook")
	}
	next, err := d.kv.Update(ctx, r.Subject, data, rev)
	switch {
	case errors.Is(err, jetstream.ErrKeyExists) || wrongRevision(err):
		return 0, false, nil
	case err != nil:
		return 0, false, engineFault(err, "record webhook")
	}
	d.put(r, next, false)
	return next, true, nil
}

func wrongRevision(err error) bool {
	var e *jetstream.APIError
	return errors.As(err, &e) && (e.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || e.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// apply takes over a change of the bucket.
func (d *Dispatcher) apply(e jetstream.KeyValueEntry, atStart bool) {
	if e.Operation() != jetstream.KeyValuePut {
		d.mu.Lock()
		defer d.mu.Unlock()
		if h := d.hooks[e.Key()]; h != nil && h.rev < e.Revision() {
			delete(d.hooks, e.Key())
		}
		return
	}
	var r record
	var err error
	if r.unknown, err = unknown.Decode(e.Value(), &r); err != nil || r.Version != recordVersion || r.Subject != e.Key() {
		return // not written by this service, or by a later version
	}
	d.put(&r, e.Revision(), atStart)
}

// put takes over a record at a revision, unless a newer one is known.
func (d *Dispatcher) put(r *record, rev uint64, atStart bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.hooks[r.Subject]
	if old != nil && old.rev >= rev {
		return
	}
	h := &hook{record: *r, rev: rev}
	if old != nil {
		h.inUse = old.inUse
	}
	delay := r.Delay
	if atStart {
		delay = min(delay, startDelay)
	}
	d.hooks[r.Subject] = h
	again := old != nil && old.again
	switch {
	case r.State == Waiting, again && r.State != Pending: // it may have ended before this process knew of it
		delay = 0
	case r.State == Pending:
		h.again = again
	default:
		delay = max(r.Done.Add(d.cfg.Retention).Sub(d.cfg.Now()), 0)
	}
	d.plan(h, time.Now().Add(delay))
}

// Deliveries returns up to limit webhooks that keep accepts, the newest first,
// behind the one of the cursor ("": from the first), and the next cursor.
func (d *Dispatcher) Deliveries(keep func(*Delivery) bool, cursor string, limit int) (page []Delivery, next string) {
	d.mu.Lock()
	for _, h := range d.hooks {
		if keep(&h.Delivery) {
			page = append(page, h.Delivery)
		}
	}
	d.mu.Unlock()
	slices.SortFunc(page, func(a, b Delivery) int { return cmp.Compare(cursorOf(&b), cursorOf(&a)) })
	if cursor != "" {
		page = page[sortedAfter(page, cursor):]
	}
	if len(page) > limit {
		page = page[:limit]
		next = cursorOf(&page[limit-1])
	}
	for i := range page {
		page[i].Attempts = slices.Clone(page[i].Attempts)
	}
	return page, next
}

// cursorOf orders deliveries by time. Job ids and batch ids carry theirs behind
// the prefix.
func cursorOf(v *Delivery) string {
	_, digits, _ := strings.Cut(v.Subject, "_")
	return digits
}

func sortedAfter(page []Delivery, cursor string) int {
	for i := range page {
		if cursorOf(&page[i]) < cursor {
			return i
		}
	}
	return len(page)
}

// Delivery returns the webhook of a job or batch.
func (d *Dispatcher) Delivery(subject string) (Delivery, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.hooks[subject]
	if h == nil {
		return Delivery{}, fault.New(fault.NotFound, "no such webhook")
	}
	v := h.Delivery
	v.Attempts = slices.Clone(v.Attempts)
	return v, nil
}

// Counts returns the number of webhooks by state.
func (d *Dispatcher) Counts() map[State]int {
	out := map[State]int{}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, h := range d.hooks {
		out[h.State]++
	}
	return out
}
