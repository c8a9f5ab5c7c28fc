package queue

import (
	"context"
	"time"
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
