package daemon

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"provery/client"
	"provery/internal/config"
	"provery/internal/fault"
)

// copyTree copies a directory and the sealing keys in it, as "cp -a" does.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(to, "seal.key"), 0o600); err != nil { // CopyFS opens it to all
		t.Fatal(err)
	}
}

// TestBackup copies a running service, records first, and restores it
// elsewhere: circuits, keys, results, and jobs that wait are there, and it
// proves.
func TestBackup(t *testing.T) {
	t.Parallel()
	url, shared, dir := natsServer(t), t.TempDir(), filepath.Join(t.TempDir(), "copies", "monday")
	front := start(t, as(config.RoleAPI, url, shared))
	front.ready(mul)
	back := start(t, as(config.RoleWorker, url, shared))
	proven := front.prove(times(6, 7))
	batch := front.submitBatch(products(3))
	results := func(r *rig) int {
		t.Helper()
		got, err := collect(r.cl.BatchResults(r.ctx(), batch.ID, client.ItemsOptions{Wait: true}))
		if err != nil {
			t.Fatal(err)
		}
		return len(got)
	}
	results(front)
	back.stop()
	waiting := front.submit(times(8, 9))

	log := slog.New(slog.DiscardHandler)
	from := configure(t, &setup{config: as(config.RoleAPI, url, shared).config})
	streams, err := Backup(t.Context(), from, log, dir)
	if err != nil || len(streams) < 7 || !slices.Contains(streams, "KV_provery-registry") || !slices.Contains(streams, "KV_provery-jobs-4") {
		t.Fatalf("got %v, %v, want all streams", streams, err)
	}
	if _, err := Backup(t.Context(), from, log, dir); !fault.Is(err, fault.InvalidRequest) {
		t.Errorf("got %v, want it not to write over a copy", err)
	}
	if _, err := Restore(t.Context(), from, log, dir); !fault.Is(err, fault.Conflict) {
		t.Errorf("got %v, want it not to write over a service", err)
	}
	elsewhere := t.TempDir()
	copyTree(t, shared, elsewhere)
	front.stop()

	other := natsServer(t)
	to := configure(t, &setup{config: as(config.RoleAPI, other, elsewhere).config})
	if got, err := Restore(t.Context(), to, log, dir); err != nil || len(got) != len(streams) {
		t.Fatalf("got %v, %v, want %v", got, err, streams)
	}
	again := start(t, as(config.RoleAPI, other, elsewhere))
	start(t, as(config.RoleWorker, other, elsewhere))
	if p, err := again.cl.Proof(again.ctx(), proven.ID, 0); err != nil || string(p.Result.Proof) != string(proven.Result.Proof) {
		t.Errorf("got %+v, %v, want the proof that was made", p, err)
	}
	if got := results(again); got != 3 {
		t.Errorf("got %d items of the batch, want 3", got)
	}
	wantProduct(t, again.finished(waiting.ID), 8, 9)
	wantProduct(t, again.prove(times(2, 3)), 2, 3)
	if r, err := again.cl.Ready(again.ctx()); err != nil || !r.Ready {
		t.Errorf("got %+v, %v, want it ready", r, err)
	}
}

// TestBackupSubjects copies and restores with no more rights than
// docs/operations.md asks for.
func TestBackupSubjects(t *testing.T) {
	t.Parallel()
	const snapshots = "$JS.SNAPSHOT.>"
	log, dir := slog.New(slog.DiscardHandler), filepath.Join(t.TempDir(), "copy")
	from := as(config.RoleAPI, boundServer(t, snapshots), t.TempDir())
	start(t, from).ready(mul)
	if _, err := Backup(t.Context(), configure(t, &setup{config: from.config}), log, dir); err != nil {
		t.Fatal(err)
	}
	to := as(config.RoleAPI, boundServer(t, snapshots), t.TempDir())
	if _, err := Restore(t.Context(), configure(t, &setup{config: to.config}), log, dir); err != nil {
		t.Fatal(err)
	}
}

// TestBackupIsRefused has the mistakes that one makes.
func TestBackupIsRefused(t *testing.T) {
	t.Parallel()
	log, empty := slog.New(slog.DiscardHandler), t.TempDir()
	embedded := configure(t, &setup{})
	if _, err := Backup(t.Context(), embedded, log, filepath.Join(empty, "x")); !fault.Is(err, fault.InvalidRequest) || !strings.Contains(err.Error(), "copying the data directory") {
		t.Errorf("embedded: got %v", err)
	}
	unused := configure(t, &setup{config: as(config.RoleAPI, natsServer(t), t.TempDir()).config})
	if _, err := Backup(t.Context(), unused, log, filepath.Join(empty, "x")); !fault.Is(err, fault.NotFound) {
		t.Errorf("no service: got %v", err)
	}
	if _, err := Restore(t.Context(), unused, log, empty); !fault.Is(err, fault.InvalidRequest) {
		t.Errorf("no copies: got %v", err)
	}
	if err := os.WriteFile(filepath.Join(empty, "KV_provery-jobs.stream"), []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), unused, log, empty); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("garbage: got %v", err)
	}
	if err := os.WriteFile(filepath.Join(empty, "KV_provery-jobs.stream"), []byte(`{"config":{"name":"KV_provery-jobs","subjects":["$KV.provery-jobs.>"],"retention":"limits","storage":"file","num_replicas":1},"state":{}}`+"\ngarbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), unused, log, empty); err == nil {
		t.Error("damaged: got no error")
	}
}

// TestCopiedDataDirectory is the backup of an all-in-one process.
func TestCopiedDataDirectory(t *testing.T) {
	t.Parallel()
	r := start(t, setup{before: newHold().before})
	r.ready(mul)
	waiting := r.submit(times(6, 7))
	r.stop()
	elsewhere := filepath.Join(t.TempDir(), "data")
	copyTree(t, r.dir, elsewhere)
	again := start(t, setup{dir: elsewhere})
	wantProduct(t, again.finished(waiting.ID), 6, 7)
}
