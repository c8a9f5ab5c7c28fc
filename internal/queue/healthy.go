package queue

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"provery/internal/fault"
	"provery/internal/parallel"
)

const (
	probeKeys    = "h."
	probeTTL     = time.Minute
	probeTimeout = time.Second
)

// Healthy reports whether records can be written. An external server whose disk
// was full takes no writes until it is restarted, although it answers everything
// else: so where the last write got no answer, Healthy tries another one. It
// returns Overloaded if that gets none, either.
func (q *Queue) Healthy(ctx context.Context) error {
	all := q.records.shards[:]
	return parallel.Each(ctx, len(all), len(all), func(i int) error { return all[i].healthy(ctx, q.id) })
}

// healthy is Healthy for one shard.
func (s *shard) healthy(ctx context.Context, process string) error {
	if !s.mute.Load() {
		return nil
	}
	op, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if _, err := s.b.js.PublishMsg(op, &nats.Msg{Subject: s.prefix + probeKeys + process}, jetstream.WithMsgTTL(probeTTL)); err != nil {
		return &fault.Error{
			Code: fault.Overloaded, RetryAfter: engineRetry, Err: err,
			Detail: "the job engine takes no writes: if the disk of a NATS server was full, that server has to be restarted",
		}
	}
	s.mute.Store(false)
	return nil
}

// heard notes whether a write was answered, and returns its error.
func (s *shard) heard(err error) error {
	if err == nil {
		s.mute.Store(false)
	} else if engineAway(err) {
		s.mute.Store(true)
	}
	return err
}
