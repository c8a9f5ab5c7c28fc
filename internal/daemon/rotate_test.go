package daemon

import (
	"context"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"provery/internal/config"
	"provery/internal/fault"
	"provery/internal/seal"
)

// TestKeyRotation proves jobs that were sealed before and after a rotation, in
// processes that hear of it at different times.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	url, shared := natsServer(t), t.TempDir()
	front := start(t, as(config.RoleAPI, url, shared))
	front.ready(mul)
	before := front.submit(times(2, 3))
	path := front.cfg.SealKeyPath()
	id, err := seal.Add(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := seal.Use(path, id.String()); err != nil {
		t.Fatal(err)
	}
	front.reloadSealKeys(t.Context())
	if front.ring.Primary() != id {
		t.Fatalf("got %v, want the new key %v to seal", front.ring.Primary(), id)
	}
	after := front.submit(times(4, 5))
	start(t, as(config.RoleWorker, url, shared))
	wantProduct(t, front.finished(before.ID), 2, 3)
	wantProduct(t, front.finished(after.ID), 4, 5)
	known, _, err := sealKeyInUse(t.Context(), front.service)
	if err != nil || known != id.String() {
		t.Errorf("got %s, %v, want the service to know its new key", known, err)
	}
}

// silent is a record of a cluster without a leader.
type silent struct{ jetstream.KeyValue }

func (silent) Get(context.Context, string) (jetstream.KeyValueEntry, error) {
	return nil, jetstream.ErrNoStreamResponse
}

// TestRecordWithoutLeader reads the service's record while the engine has no
// leader of it: that passes, and the message says what was heard.
func TestRecordWithoutLeader(t *testing.T) {
	t.Parallel()
	_, _, err := sealKeyInUse(t.Context(), silent{})
	if !fault.Is(err, fault.Overloaded) || !strings.Contains(err.Error(), jetstream.ErrNoStreamResponse.Error()) {
		t.Errorf("got %v, want one that is waited for, with its reason", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := sealKeyInUse(ctx, silent{}); !fault.Is(err, fault.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
}
