package registry

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"provery/internal/fault"
	"provery/internal/store"
)

// Config names the registry. The zero value of a field means its default.
type Config struct {
	// Namespace separates registries that share an engine: letters, digits,
	// "-" and "_". Default: provery.
	Namespace string
	// Replicas is how many servers of a cluster hold each record. Default: 1.
	Replicas int
	// Now is the clock of the records. Default: time.Now.
	Now func() time.Time
}

// Engine is what the registry needs of the job engine.
type Engine interface {
	JetStream() jetstream.JetStream
}

// Registry is the set of circuits and key sets. Its methods may be called
// concurrently, and any number of processes may open the same namespace; a
// change by one is seen by the others moments later. Methods that only read
// answer from memory.
type Registry struct {
	kv     jetstream.KeyValue
	blobs  store.Blobs
	now    func() time.Time
	mirror *mirror
	health health

	// change is held while records and blobs are changed together: a blob
	// that is found present then can't be collected before the record that
	// refers to it is written. It spans this process only; for others see
	// collect.go.
	change   sync.Mutex
	markWait time.Duration

	watcher   jetstream.KeyWatcher
	watched   chan struct{} // closed when the watch has ended
	closeOnce sync.Once
}

// Open opens the registry cfg.Namespace on the engine, with its artefacts in
// blobs, and reads all records. ctx bounds the call only. Close the registry
// before the engine. Errors: Overloaded where the engine doesn't answer,
// Internal otherwise.
func Open(ctx context.Context, eng Engine, blobs store.Blobs, cfg Config) (*Registry, error) {
	if cfg.Namespace == "" {
		cfg.Namespace = "provery"
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	kv, err := openBucket(ctx, eng.JetStream(), cfg)
	if err != nil {
		return nil, engineFault(ctx, err, "open registry")
	}
	r := &Registry{kv: kv, blobs: blobs, now: cfg.Now, mirror: newMirror(), watched: make(chan struct{}), markWait: defaultMarkWait}
	r.health.init()
	// The watch lives as long as the registry, not as the call.
	if r.watcher, err = kv.WatchAll(context.WithoutCancel(ctx)); err != nil {
		return nil, engineFault(ctx, err, "follow registry")
	}
	complete := make(chan struct{})
	go r.follow(complete)
	select {
	case <-complete:
		return r, nil
	case <-ctx.Done():
		r.Close()
		return nil, fault.Wrap(ctx.Err(), fault.CodeOf(ctx.Err()), "open registry")
	}
}

// openBucket opens the bucket, or creates it. One that has more replicas keeps
// them: a process with an old configuration must not make everybody's records
// less safe. A replica that lags may answer a direct get with an old record,
// so there are none where there are replicas.
func openBucket(ctx context.Context, js jetstream.JetStream, cfg Config) (jetstream.KeyValue, error) {
	name := cfg.Namespace + "-registry"
	kv, err := js.KeyValue(ctx, name)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: name, Description: "circuits and key sets of Provery", Storage: jetstream.FileStorage,
			Replicas: max(cfg.Replicas, 1), History: 1,
		})
		if errors.Is(err, jetstream.ErrBucketExists) { // by another process, just now
			kv, err = js.KeyValue(ctx, name)
		}
	}
	if err != nil {
		return nil, err
	}
	s, err := js.Stream(ctx, "KV_"+name)
	if err != nil {
		return nil, err
	}
	c := s.CachedInfo().Config
	replicas := max(cfg.Replicas, c.Replicas, 1)
	if c.Replicas == replicas && c.AllowDirect == (replicas == 1) {
		return kv, nil
	}
	c.Replicas, c.AllowDirect = replicas, replicas == 1
	if _, err := js.UpdateStream(ctx, c); err != nil {
		return nil, err
	}
	return js.KeyValue(ctx, name)
}

// follow brings changes into the mirror until the watch is stopped. It closes
// complete after the records that were there at the start.
func (r *Registry) follow(complete chan struct{}) {
	defer close(r.watched)
	for e := range r.watcher.Updates() {
		switch {
		case e == nil:
			close(complete)
			continue
		case e.Operation() == jetstream.KeyValuePut:
			r.mirror.apply(e.Key(), e.Revision(), e.Value())
		default:
			r.mirror.apply(e.Key(), e.Revision(), nil)
		}
		r.mirror.passed(e.Revision())
	}
}

// Close ends the watch. Handles from a Cache and open blobs stay valid.
func (r *Registry) Close() {
	r.closeOnce.Do(func() {
		_ = r.watcher.Stop() // fails only where the connection is gone
		<-r.watched
	})
}

// put writes a record if its revision is still rev (0: absent). errSwapped
// means that it wasn't.
func (r *Registry) put(ctx context.Context, key string, rev uint64, record any) error {
	b, err := json.Marshal(record)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "encode record")
	}
	if len(b) > maxRecord {
		return fault.New(fault.TooLarge, "the record takes more than %d bytes", maxRecord)
	}
	var next uint64
	if rev == 0 {
		next, err = r.kv.Create(ctx, key, b)
	} else {
		next, err = r.kv.Update(ctx, key, b, rev)
	}
	if err != nil {
		return engineFault(ctx, err, "write registry")
	}
	r.mirror.apply(key, next, b)
	return nil
}

// get reads a record past the mirror, for what another process has written a
// moment ago, and brings the mirror up to date. NotFound where there is none.
func (r *Registry) get(ctx context.Context, key string) ([]byte, uint64, error) {
	e, err := r.kv.Get(ctx, key)
	if err != nil {
		return nil, 0, engineFault(ctx, err, "read registry")
	}
	r.mirror.apply(key, e.Revision(), e.Value())
	return e.Value(), e.Revision(), nil
}

// drop deletes a record.
func (r *Registry) drop(ctx context.Context, key string) error {
	if err := r.kv.Delete(ctx, key); err != nil {
		return engineFault(ctx, err, "delete from registry")
	}
	e, err := r.kv.History(ctx, key)
	if err != nil || len(e) == 0 {
		return engineFault(ctx, err, "delete from registry")
	}
	r.mirror.apply(key, e[len(e)-1].Revision(), nil)
	return nil
}

// errSwapped says that somebody else changed the record meanwhile.
var errSwapped = fault.New(fault.Conflict, "the record changed meanwhile")

// engineFault classifies an error of the engine.
func engineFault(ctx context.Context, err error, doing string) error {
	var api *jetstream.APIError
	ended := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
	switch {
	case err == nil:
		return nil
	case ended && ctx.Err() != nil:
		return fault.Wrap(err, fault.CodeOf(err), "%s", doing)
	case errors.Is(err, jetstream.ErrKeyNotFound), errors.Is(err, jetstream.ErrKeyDeleted):
		return &fault.Error{Code: fault.NotFound, Detail: doing + ": not found", Err: err}
	case errors.Is(err, jetstream.ErrKeyExists):
		return errSwapped
	case errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant):
		return errSwapped
	case ended, // the client library's own time-out, not the caller's
		errors.Is(err, nats.ErrTimeout), errors.Is(err, nats.ErrNoResponders), errors.Is(err, nats.ErrConnectionClosed),
		errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, jetstream.ErrNoStreamResponse):
		return &fault.Error{Code: fault.Overloaded, Detail: doing + ": the job engine does not answer", RetryAfter: 2 * time.Second, Err: err}
	}
	return fault.Wrap(err, fault.Internal, "%s", doing)
}
