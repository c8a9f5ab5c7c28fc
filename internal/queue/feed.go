package queue

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"provery/internal/parallel"
)

// feed keeps the index up to date: for each shard one ordered consumer of the
// records' headers, for the whole process. It starts with all records and goes
// on with the changes; the library takes it up again after a disconnection.
type feed []*follower

// follower is the feed of one shard.
type follower struct {
	consume jetstream.ConsumeContext
	ready   chan struct{} // closed when the records present at the start are in
	once    sync.Once
}

// feedHeartbeat is how often the engine says that it is there: after two that
// are missing the feed is taken up anew. The library's own choice, 15 s, would
// leave a process blind for half a minute after a restart of the engine.
const feedHeartbeat = time.Second

// startFeed follows the records into x and returns when x is complete.
func startFeed(ctx context.Context, b *bucket, x *index) (feed, error) {
	f := make(feed, len(b.shards))
	err := parallel.Each(ctx, len(f), len(f), func(i int) (err error) {
		f[i], err = b.shards[i].follow(ctx, x)
		return err
	})
	for _, one := range f {
		if err != nil || one == nil {
			break
		}
		select {
		case <-one.ready:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil {
		f.stop()
		return nil, engineFault(err, "follow job records")
	}
	return f, nil
}

// follow starts to follow a shard.
func (s *shard) follow(ctx context.Context, x *index) (*follower, error) {
	c, err := s.stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{s.prefix + jobKeys + ">", s.prefix + batchKeys + ">"},
		DeliverPolicy:  jetstream.DeliverAllPolicy,
		HeadersOnly:    true,
	})
	if err != nil {
		return nil, err
	}
	f := &follower{ready: make(chan struct{})}
	if info := c.CachedInfo(); info != nil && info.NumPending == 0 {
		f.once.Do(func() { close(f.ready) })
	}
	f.consume, err = c.Consume(func(m jetstream.Msg) {
		md, err := m.Metadata()
		if err != nil {
			return // not from a consumer: can't happen
		}
		applyMessage(x, strings.TrimPrefix(m.Subject(), s.prefix), md.Sequence.Stream, m.Headers())
		if md.NumPending == 0 {
			f.once.Do(func() { close(f.ready) })
		}
	}, jetstream.PullHeartbeat(feedHeartbeat))
	if err != nil {
		return nil, err
	}
	return f, nil
}

// stop ends the feed and waits for its last messages.
func (f feed) stop() {
	for _, one := range f {
		if one != nil {
			one.consume.Stop()
			<-one.consume.Closed()
		}
	}
}

// applyMessage brings one change of a record into the index.
func applyMessage(x *index, key string, rev uint64, h nats.Header) {
	gone := h.Get(opHeader) != ""
	if id, ok := strings.CutPrefix(key, batchKeys); ok {
		var m batchMeta
		if gone {
			x.removeBatch(id)
		} else if json.Unmarshal([]byte(h.Get(metaHeader)), &m) == nil {
			x.applyBatch(id, rev, m)
		}
		return
	}
	id := strings.TrimPrefix(key, jobKeys)
	if gone {
		x.remove(id, rev, true)
		return
	}
	var m meta
	if err := json.Unmarshal([]byte(h.Get(metaHeader)), &m); err != nil || m.State == "" {
		return // not written by this service
	}
	x.apply(id, rev, m)
}

// progress is what a worker tells about a running attempt, without a promise
// that it arrives.
type progress struct {
	Attempt int    `json:"a"`
	Stage   string `json:"s"`
}

// listen subscribes to the core messages: heartbeats and progress.
func (q *Queue) listen() error {
	beats, err := q.conn.Subscribe(q.names.beat+"*", q.onBeat)
	if err != nil {
		return engineFault(err, "subscribe to heartbeats")
	}
	q.subs = append(q.subs, beats)
	prog, err := q.conn.Subscribe(q.names.progress+"*", func(m *nats.Msg) {
		var p progress
		if json.Unmarshal(m.Data, &p) == nil {
			q.index.setStage(strings.TrimPrefix(m.Subject, q.names.progress), p.Attempt, p.Stage)
		}
	})
	if err != nil {
		return engineFault(err, "subscribe to progress")
	}
	q.subs = append(q.subs, prog)
	return nil
}
