package upload

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"provery/internal/fault"
	"provery/internal/store"
)

// record is what the engine keeps of an upload.
type record struct {
	Size    int64       `json:"size"`
	Pieces  []piecePart `json:"pieces,omitempty"`
	Hash    []byte      `json:"hash,omitempty"` // state of the SHA-256 behind the last piece
	Updated time.Time   `json:"updated"`
	Gone    bool        `json:"gone,omitempty"` // its blobs are being deleted

	rev uint64 // 0: not saved yet
}

// piecePart is a stored piece.
type piecePart struct {
	Blob  store.Digest `json:"blob"`
	Bytes int64        `json:"bytes"`
}

func (r *record) received() int64 {
	var n int64
	for _, p := range r.Pieces {
		n += p.Bytes
	}
	return n
}

// load reads an upload's record. One that is going is finished off, and not
// found.
func (s *Store) load(ctx context.Context, id ID) (*record, error) {
	r, err := s.read(ctx, id.key())
	if err != nil {
		return nil, err
	}
	if r.Gone {
		if err := s.erase(ctx, id.key(), r); err != nil {
			return nil, err
		}
		return nil, errNone
	}
	return r, nil
}

var errNone = fault.New(fault.NotFound, "no such upload")

func (s *Store) read(ctx context.Context, key string) (*record, error) {
	e, err := s.kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return nil, errNone
	}
	if err != nil {
		return nil, engineFault(ctx, err, "read an upload")
	}
	r := &record{rev: e.Revision()}
	if err := json.Unmarshal(e.Value(), r); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "read an upload")
	}
	return r, nil
}

// write saves a record if nobody else has since it was read.
func (s *Store) write(ctx context.Context, key string, r *record) error {
	b, err := json.Marshal(r)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "write an upload")
	}
	if r.rev == 0 {
		r.rev, err = s.kv.Create(ctx, key, b)
	} else {
		r.rev, err = s.kv.Update(ctx, key, b, r.rev)
	}
	return engineFault(ctx, err, "write an upload")
}

// remove marks an upload before its blobs go: whoever comes between sees that
// they aren't to be had any more, and whoever comes after a crash finishes it.
func (s *Store) remove(ctx context.Context, key string, r *record) error {
	if r.rev == 0 {
		return nil
	}
	r.Gone = true
	if err := s.write(ctx, key, r); err != nil {
		return err
	}
	return s.erase(ctx, key, r)
}

// erase deletes the blobs of an upload that is marked, and then its record.
func (s *Store) erase(ctx context.Context, key string, r *record) error {
	for _, p := range r.Pieces {
		if err := s.blobs.Delete(ctx, p.Blob); err != nil {
			return fault.Wrap(err, fault.Internal, "delete an upload")
		}
	}
	err := s.kv.Purge(ctx, key, jetstream.LastRevision(r.rev), jetstream.PurgeTTL(time.Hour))
	if fault.Is(engineFault(ctx, err, ""), fault.Conflict) {
		return nil // somebody else finished it
	}
	return engineFault(ctx, err, "delete an upload")
}

// forget deletes pieces that no record names.
func (s *Store) forget(ctx context.Context, pieces []piecePart) {
	for _, p := range pieces {
		if err := s.blobs.Delete(context.WithoutCancel(ctx), p.Blob); err != nil {
			s.cfg.Logger.Warn("delete a piece of an upload", "blob", p.Blob.String(), "cause", err.Error())
		}
	}
}

// each calls visit with the records of keys that match the pattern.
func (s *Store) each(ctx context.Context, pattern string, visit func(key string, r *record) error) error {
	keys, err := s.kv.ListKeysFiltered(ctx, pattern)
	if err != nil {
		return engineFault(ctx, err, "list uploads")
	}
	var all []string
	for key := range keys.Keys() {
		all = append(all, key)
	}
	_ = keys.Stop() // of what has ended
	if ctx.Err() != nil {
		return engineFault(ctx, ctx.Err(), "list uploads")
	}
	for _, key := range all {
		r, err := s.read(ctx, key)
		if fault.Is(err, fault.NotFound) {
			continue // it went meanwhile
		}
		if err == nil {
			err = visit(key, r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Sweep removes the uploads that have expired, and what earlier removals left.
func (s *Store) Sweep(ctx context.Context) error {
	return s.each(ctx, "*.*", func(key string, r *record) error {
		if !r.Gone && s.cfg.Now().Before(r.Updated.Add(s.cfg.TTL)) {
			return nil
		}
		err := s.remove(ctx, key, r)
		if fault.Is(err, fault.Conflict) {
			return nil // somebody goes on with it, or removes it
		}
		return err
	})
}

// sweepEvery is how long an upload may outlive its time.
const sweepEvery = time.Hour

// Run sweeps until ctx ends.
func (s *Store) Run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Logger.Warn("remove expired uploads", "cause", err.Error())
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// engineFault classifies an error of the engine.
func engineFault(ctx context.Context, err error, doing string) error {
	var refused *jetstream.APIError
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fault.Wrap(ctx.Err(), fault.CodeOf(ctx.Err()), "%s", doing)
	case errors.Is(err, jetstream.ErrKeyExists), errors.As(err, &refused) && swapped(refused.ErrorCode):
		return fault.New(fault.Conflict, "another request changed the upload at the same time: ask how far it is")
	}
	return &fault.Error{Code: fault.Overloaded, Detail: doing + ": the job engine does not answer", RetryAfter: 2 * time.Second, Err: err}
}

// swapped reports whether a code says that a record isn't as it was read.
func swapped(code jetstream.ErrorCode) bool {
	return code == jetstream.JSErrCodeStreamWrongLastSequence || code == jetstream.JSErrCodeStreamWrongLastSequenceConstant
}
