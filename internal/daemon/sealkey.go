package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"provery/internal/config"
	"provery/internal/fault"
	"provery/internal/queue"
	"provery/internal/seal"
)

const (
	serviceBucket = "provery-service"
	sealRecord    = "seal" // the id of the key that seals
)

// openSeal loads the sealing keys. With an embedded engine they are made at the
// first start. With an external one all processes must have the same: the id
// of the key that seals stands in the engine, and who lacks that key is refused
// rather than let it seal what others can't open.
func (d *Daemon) openSeal(ctx context.Context) error {
	return d.await(ctx, "record of the service", func(ctx context.Context) error {
		ring, err := d.loadSeal(ctx)
		if err == nil {
			d.ring = seal.Keep(d.cfg.SealKeyPath(), ring)
		}
		return err
	})
}

// recordFault returns what went wrong with the service's record, which waiting
// may heal: a cluster that has just started, or lost a server, has no leader of
// the record for some seconds.
func recordFault(ctx context.Context, err error, doing string) error {
	if ctx.Err() != nil {
		return fault.Wrap(err, fault.CodeOf(ctx.Err()), "%s", doing)
	}
	return &fault.Error{Code: fault.Overloaded, Detail: fmt.Sprintf("%s: %v", doing, err), RetryAfter: 2 * time.Second, Err: err}
}

func (d *Daemon) loadSeal(ctx context.Context) (*seal.Ring, error) {
	path := d.cfg.SealKeyPath()
	if d.engine.Embedded() {
		return seal.Ensure(path, d.haveSealed())
	}
	kv, err := d.engine.JetStream().CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: serviceBucket, Description: "what the processes of a service agree on", Storage: jetstream.FileStorage, History: 1,
		Replicas: d.cfg.Engine.Replicas,
	})
	if err != nil {
		return nil, recordFault(ctx, err, "open the service's record")
	}
	d.service = kv
	known, _, err := sealKeyInUse(ctx, kv)
	if err != nil {
		return nil, err
	}
	ring, err := seal.Load(path)
	if fault.Is(err, fault.NotFound) {
		if known == "" && d.cfg.Role == config.RoleWorker {
			return nil, fault.New(fault.InvalidRequest, "there is no sealing key at %s: start a process that takes requests first, and give the worker its key file (seal_key)", path)
		}
		if known != "" {
			return nil, lacksKey(path, known)
		}
		ring, err = seal.Ensure(path, d.haveSealed())
	}
	if err != nil {
		return nil, err
	}
	return ring, agreeOnKey(ctx, kv, ring, path)
}

// sealPause is how often a process looks whether its sealing keys were changed.
const sealPause = 5 * time.Second

// followSealKeys takes over changes of the key file, until ctx is done.
func (d *Daemon) followSealKeys(ctx context.Context) {
	tick := time.NewTicker(sealPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			d.reloadSealKeys(ctx)
		}
	}
}

// reloadSealKeys takes over a change of the key file, unless the keys aren't
// the service's.
func (d *Daemon) reloadSealKeys(ctx context.Context) {
	changed, err := d.ring.Reload(func(r *seal.Ring) error {
		if d.service == nil {
			return nil
		}
		return agreeOnKey(ctx, d.service, r, d.cfg.SealKeyPath())
	})
	switch {
	case err != nil:
		d.log.Error("the changed sealing keys aren't used", "error", err, "cause", errors.Unwrap(err))
	case changed:
		d.log.Info("sealing keys changed", "seals", d.ring.Primary(), "keys", len(d.ring.Ring().Keys()))
	}
}

// haveSealed reports whether there are jobs whose arguments are sealed.
func (d *Daemon) haveSealed() bool {
	st := d.queue.Stats()
	return st.ByState[queue.Queued]+st.ByState[queue.Running]+st.Dead > 0
}

// sealKeyInUse returns the id of the key that the service seals with, "" if
// there is none yet, and the record's revision.
func sealKeyInUse(ctx context.Context, kv jetstream.KeyValue) (string, uint64, error) {
	e, err := kv.Get(ctx, sealRecord)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return "", 0, nil
	}
	if err != nil {
		return "", 0, recordFault(ctx, err, "read the service's record")
	}
	return string(e.Value()), e.Revision(), nil
}

// agreeOnKey makes sure that the ring can open what the service seals, and
// writes down its own key where that is a newer one: a ring lists newer keys
// first.
func agreeOnKey(ctx context.Context, kv jetstream.KeyValue, ring *seal.Ring, path string) error {
	own := ring.Primary().String()
	for {
		known, revision, err := sealKeyInUse(ctx, kv)
		if err != nil || known == own {
			return err
		}
		if known != "" {
			place := slices.IndexFunc(ring.Keys(), func(id seal.KeyID) bool { return id.String() == known })
			if place < 0 {
				return lacksKey(path, known)
			}
			if place < slices.Index(ring.Keys(), ring.Primary()) {
				return nil // others have gone on to a key that this process only opens with yet
			}
		}
		if revision == 0 {
			_, err = kv.Create(ctx, sealRecord, []byte(own))
		} else {
			_, err = kv.Update(ctx, sealRecord, []byte(own), revision)
		}
		if err == nil {
			return nil
		}
		if !errors.Is(err, jetstream.ErrKeyExists) {
			return recordFault(ctx, err, "write the service's record")
		}
	}
}

func lacksKey(path, known string) error {
	return fault.New(fault.InvalidRequest, "this service seals private arguments with the key %s, which isn't in %s: give all of its processes the same key file (seal_key)", known, path)
}
