package queue

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"provery/internal/fault"
	"provery/internal/store"
)

// openWork creates the work stream and its consumers, one for each priority.
//
// Stream and consumers live in the engine's memory: the record alone is what
// makes a job durable, and a synced message beside it would cost two more
// writes for each job. After a restart of the engine the sweeper posts the
// message of every unfinished job again, at once, and attempts that were under
// way start anew; the records tell attempts apart.
//
// A message's subject is <ns>.jobs.<priority>.<circuit>.<job>, its body empty.
// At most one message for each job can exist: a second one is refused, which
// makes queueing again safe. The circuit's token is there for workers that
// prefer circuits whose keys they hold.
func (q *Queue) openWork(ctx context.Context) error {
	s, err := q.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:                 q.names.stream,
		Description:          "waiting jobs of Provery",
		Subjects:             []string{q.names.jobs + ">"},
		Storage:              jetstream.MemoryStorage,
		Replicas:             q.cfg.Replicas,
		Retention:            jetstream.WorkQueuePolicy,
		Discard:              jetstream.DiscardNew,
		DiscardNewPerSubject: true,
		MaxMsgsPerSubject:    1,
		// A net under the admission limit of each process: running jobs
		// count here too, and processes admit without asking each other.
		MaxMsgs:   2*int64(q.cfg.MaxQueued) + 1024,
		RePublish: &jetstream.RePublish{Source: q.names.jobs + ">", Destination: q.names.wake + ">", HeadersOnly: true},
	})
	if err != nil {
		return engineFault(err, "open work stream")
	}
	q.stream = s
	return q.openConsumers(ctx)
}

// openConsumers creates what is missing of the consumers.
func (q *Queue) openConsumers(ctx context.Context) error {
	for _, p := range priorities {
		_, err := q.stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
			Durable:       string(p),
			FilterSubject: q.names.jobs + string(p) + ".>",
			AckPolicy:     jetstream.AckExplicitPolicy,
			AckWait:       q.cfg.LeaseTTL,
			MaxDeliver:    -1, // attempts are counted in the record
			MaxAckPending: -1,
			MemoryStorage: true,
			Replicas:      q.cfg.Replicas,
		})
		if err != nil {
			return engineFault(err, "open work consumer")
		}
	}
	return nil
}

// subject returns where the message of a job lives.
func (q *Queue) subject(id string, p Priority, circuit store.Digest) string {
	return q.names.jobs + string(p) + "." + hex.EncodeToString(circuit[:8]) + "." + id
}

// post publishes the message of a job. A message that is there already is as
// good as the new one.
func (q *Queue) post(ctx context.Context, subject string) error {
	_, err := q.js.PublishMsg(ctx, &nats.Msg{Subject: subject})
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == codeStoreFailed && strings.Contains(api.Description, "per subject") {
		return nil
	}
	return engineFault(err, "queue job")
}

// unpost removes the message of a job, if there is one.
func (q *Queue) unpost(ctx context.Context, r *record) error {
	subject := q.subject(r.ID, r.Priority, r.CircuitID)
	return engineFault(q.stream.Purge(ctx, jetstream.WithPurgeSubject(subject)), "take job off the queue")
}

// pullRequest asks a consumer for one message, now or not at all.
var pullRequest = []byte(`{"batch":1,"no_wait":true}`)

// pullTimeout bounds a pull.
const pullTimeout = 5 * time.Second

// inbox takes the answers to this process's pulls, one at a time. A delivered
// message carries the subject that it was stored under, so that answers can't
// be told apart; nor need they be: a job that comes late is as welcome as one
// that comes at once.
type inbox struct {
	subject string
	c       chan *nats.Msg
}

// openInbox subscribes the inbox for pulls.
func (q *Queue) openInbox() error {
	q.inbox = inbox{subject: q.conn.NewInbox(), c: make(chan *nats.Msg, 64)}
	sub, err := q.conn.ChanSubscribe(q.inbox.subject, q.inbox.c)
	if err != nil {
		return engineFault(err, "subscribe to deliveries")
	}
	q.subs = append(q.subs, sub)
	return nil
}

// pull takes one message of a priority, nil if there is none. The caller holds
// the turn. It speaks the pull protocol itself: the library's fetch makes a
// subscription and a goroutine for each call.
func (q *Queue) pull(p Priority) (*delivery, error) {
	api := or(q.js.Options().APIPrefix, jetstream.DefaultAPIPrefix)
	subject := api + "CONSUMER.MSG.NEXT." + q.names.stream + "." + string(p)
	if err := q.conn.PublishRequest(subject, q.inbox.subject, pullRequest); err != nil {
		return nil, engineFault(err, "look for work")
	}
	t := time.NewTimer(pullTimeout)
	defer t.Stop()
	select {
	case m := <-q.inbox.c:
		return q.delivered(m)
	case <-t.C:
		return nil, engineFault(nats.ErrTimeout, "look for work")
	case <-q.ctx.Done():
		return nil, errClosed
	}
}

// delivered reads an answer to a pull.
func (q *Queue) delivered(m *nats.Msg) (*delivery, error) {
	switch status := m.Header.Get("Status"); status {
	case "":
		_, id, _ := cutLast(m.Subject, ".")
		return &delivery{conn: q.conn, reply: m.Reply, id: id}, nil
	case "404": // no messages
		return nil, nil
	default:
		return nil, fault.New(fault.Overloaded, "look for work: the engine answers %s %s", status, m.Header.Get("Description"))
	}
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// delivery is a job's message in the hands of this process.
type delivery struct {
	conn  *nats.Conn
	reply string
	id    string // the job's
}

// The answers to a delivery are sent without waiting: when one is lost, the
// message comes back, and the record tells what to do with it.

func (d *delivery) ack() error  { return d.answer([]byte("+ACK")) }
func (d *delivery) keep() error { return d.answer([]byte("+WPI")) }

// again gives the message back, to be delivered after the delay.
func (d *delivery) again(delay time.Duration) error {
	if delay <= 0 {
		return d.answer([]byte("-NAK"))
	}
	b, err := json.Marshal(struct {
		Delay time.Duration `json:"delay"`
	}{delay})
	if err != nil {
		return fault.Wrap(err, fault.Internal, "delay job")
	}
	return d.answer(append([]byte("-NAK "), b...))
}

func (d *delivery) answer(verb []byte) error {
	return engineFault(d.conn.Publish(d.reply, verb), "answer delivery")
}

// posted returns the jobs that have a message.
func (q *Queue) posted(ctx context.Context) (map[string]bool, error) {
	info, err := q.stream.Info(ctx, jetstream.WithSubjectFilter(q.names.jobs+">"))
	if errors.Is(err, jetstream.ErrStreamNotFound) { // a restart of the engine took it
		return nil, q.openWork(ctx)
	}
	if err != nil {
		return nil, engineFault(err, "look at the work stream")
	}
	ids := make(map[string]bool, len(info.State.Subjects))
	for subject := range info.State.Subjects {
		_, id, _ := cutLast(subject, ".")
		ids[id] = true
	}
	return ids, nil
}
