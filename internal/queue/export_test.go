package queue

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
)

// Watchers returns how many waits are under way.
func Watchers(q *Queue) int { return q.index.watchers() }

// TrustClock makes the queue take Config.Now as it is, so that a test can let
// time pass.
func TrustClock(q *Queue) {
	q.clock.mu.Lock()
	defer q.clock.mu.Unlock()
	q.clock.trusted = true
}

// Patient gives the engine a minute for what else has to take seconds.
func Patient(c Config) Config {
	c.opTimeout, c.callTimeout = time.Minute, time.Minute
	return c
}

// HalfBatch does what EnqueueBatch does up to a crash before its last write,
// and returns the batch's id.
func HalfBatch(ctx context.Context, q *Queue, items []NewJob) (string, error) {
	n := NewBatch{Items: items}
	if _, err := q.checkBatch(ctx, &n); err != nil {
		return "", err
	}
	r := q.newBatchRecord(&n)
	records, err := q.batchItems(ctx, &r, n.Items)
	if err != nil {
		return "", err
	}
	var writes []write
	for i := range records {
		w, err := jobWrite(&records[i])
		if err != nil {
			return "", err
		}
		writes = append(writes, w)
	}
	return r.ID, q.records.putAll(ctx, writes)
}

// SetOrphanAge sets how long items wait for their batch.
func SetOrphanAge(q *Queue, d time.Duration) { q.orphanAge = d }

// ClaimKey does what Enqueue does up to a crash, or a long pause, before it
// records the job. Accept goes on from there.
func ClaimKey(ctx context.Context, q *Queue, n NewJob) error {
	_, err := q.claimKey(ctx, idemKey(n.Owner, n.IdempotencyKey), n)
	return err
}

// Accept goes on where ClaimKey ended.
func Accept(ctx context.Context, q *Queue, n NewJob) error {
	if err := q.check(ctx, &n); err != nil {
		return err
	}
	_, err := q.accept(ctx, n, idemKey(n.Owner, n.IdempotencyKey))
	return err
}

// Streams returns the names of the engine's streams that hold the records of a
// namespace.
func Streams(namespace string) (out []string) {
	for i := range 1 + shards {
		out = append(out, "KV_"+shardName(namesOf(namespace).bucket, i))
	}
	return out
}

// Raw returns a job's record as it is stored.
func Raw(ctx context.Context, q *Queue, id string) ([]byte, error) {
	data, _, err := q.records.get(ctx, jobKeys+id)
	return data, err
}

// Rewrite replaces a job's record and its header, as another release would
// write them.
func Rewrite(ctx context.Context, q *Queue, id string, change func(text string) string) error {
	home := q.records.of(jobKeys + id)
	m, err := home.stream.GetLastMsgForSubject(ctx, home.prefix+jobKeys+id)
	if err != nil {
		return err
	}
	header := nats.Header{metaHeader: {change(m.Header.Get(metaHeader))}}
	_, err = home.put(ctx, jobKeys+id, m.Sequence, header, []byte(change(string(m.Data))), 0)
	return err
}
