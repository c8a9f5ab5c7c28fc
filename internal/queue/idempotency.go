package queue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"provery/internal/fault"
	"provery/internal/store"
)

// idemEntry is what an idempotency key stands for.
type idemEntry struct {
	Job     string       `json:"job"`
	Request store.Digest `json:"request"`
	Time    time.Time    `json:"time"`
	Session string       `json:"session,omitempty"` // as an attempt's
}

// idemGrace is how long a key may stand for a job whose record isn't there:
// the call that claimed it is about to write it. A call that takes longer, or
// died, loses the key to the next one with the same key; see fence.
const idemGrace = 2 * time.Second

// idemKey returns the bucket's key for a client's key. Hashing makes any text
// safe, and keeps clients' texts out of subjects.
func idemKey(owner, key string) string {
	h := sha256.New()
	h.Write([]byte(owner))
	h.Write([]byte{0})
	h.Write([]byte(key))
	return idemKeys + hex.EncodeToString(h.Sum(nil)[:16])
}

// claimKey makes the key stand for the job n.ID, and returns nil; or it
// returns the job that the key already stands for.
func (q *Queue) claimKey(ctx context.Context, key string, n NewJob) (*snapshot, error) {
	for swaps := 0; swaps < 8 && swapPause(ctx, swaps); swaps++ {
		old, rev, err := q.readKey(ctx, key)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return nil, err
		}
		if err == nil {
			prior, err := q.prior(ctx, old, n)
			if prior != nil || err != nil {
				return prior, err
			}
		}
		data, err := json.Marshal(idemEntry{Job: n.ID, Request: n.RequestHash, Time: q.now(), Session: q.session})
		if err != nil {
			return nil, fault.Wrap(err, fault.Internal, "encode idempotency key")
		}
		_, err = q.records.put(ctx, key, rev, nil, data, q.cfg.IdempotencyTTL)
		if err == nil || !errors.Is(err, errSwapped) {
			return nil, err
		}
	}
	return nil, &fault.Error{Code: fault.Overloaded, Detail: "requests with this idempotency key are being accepted", RetryAfter: time.Second}
}

// readKey returns what the key stands for, and the revision to replace, also
// with NotFound.
func (q *Queue) readKey(ctx context.Context, key string) (idemEntry, uint64, error) {
	data, rev, err := q.records.get(ctx, key)
	if err != nil {
		return idemEntry{}, rev, err
	}
	var e idemEntry
	if err := json.Unmarshal(data, &e); err != nil {
		return idemEntry{}, 0, fault.Wrap(err, fault.Internal, "decode idempotency key")
	}
	return e, rev, nil
}

// prior returns the job that the entry stands for, or nil where the key is
// free to stand for a new one.
func (q *Queue) prior(ctx context.Context, e idemEntry, n NewJob) (*snapshot, error) {
	s, err := q.records.getJob(ctx, e.Job)
	dead := e.Session != q.session && q.session != "" // the call was another process's, which has ended
	if fault.Is(err, fault.NotFound) && (dead || q.now().Sub(e.Time) >= idemGrace) {
		if s, err = q.fence(ctx, e.Job); fault.Is(err, fault.NotFound) {
			return nil, nil
		}
	}
	switch {
	case fault.Is(err, fault.NotFound):
		return nil, &fault.Error{Code: fault.Overloaded, Detail: "a request with this idempotency key is being accepted", RetryAfter: time.Second}
	case err != nil:
		return nil, err
	case e.Request != n.RequestHash:
		return nil, fault.New(fault.Conflict, "the idempotency key was used for another request")
	case s.State.Terminal() && s.State != Succeeded:
		return nil, nil // the client asks again
	}
	return &s, nil
}

// fence makes sure that a job whose record isn't there won't get one, and
// returns NotFound then: the call that was about to write it died, or will find
// that it came too late. It returns the record where that was written in the
// last moment.
func (q *Queue) fence(ctx context.Context, id string) (snapshot, error) {
	for swaps := 0; swapPause(ctx, swaps); swaps++ {
		s, err := q.records.getJob(ctx, id)
		if !fault.Is(err, fault.NotFound) || s.rev != 0 { // it is there, or a marker is
			return s, err
		}
		if _, err = q.records.remove(ctx, jobKeys+id, 0); err == nil {
			return snapshot{}, fault.New(fault.NotFound, "no such job")
		} else if err != errSwapped {
			return snapshot{}, err
		}
	}
	return snapshot{}, fault.Wrap(ctx.Err(), fault.CodeOf(ctx.Err()), "settle job")
}

// existing returns the job that the key of n stands for, if any.
func (q *Queue) existing(ctx context.Context, n NewJob) (Job, bool) {
	e, _, err := q.readKey(ctx, idemKey(n.Owner, n.IdempotencyKey))
	if err != nil {
		return Job{}, false
	}
	s, err := q.prior(ctx, e, n)
	if err != nil || s == nil {
		return Job{}, false
	}
	return q.view(*s), true
}
