package daemon

import (
	"strings"
	"testing"

	"provery/api"
	"provery/client"
	"provery/internal/config"
)

// TestKeyTooLargeForTheDisk has a worker whose disk can't hold a key. The
// attempt says so, with both sizes, and a worker with room makes the proof.
func TestKeyTooLargeForTheDisk(t *testing.T) {
	t.Parallel()
	b, url, shared := newBucket(t), natsServer(t), t.TempDir()
	process := func(role string, disk config.Bytes) setup {
		o := as(role, url, shared)
		change := o.config
		o.config = func(c *config.Config) {
			change(c)
			b.use(c)
			c.BlobDir, c.Store.CacheBytes = "", disk
		}
		return o
	}
	front := start(t, process(config.RoleAPI, 1<<30))
	w := workloads(t)[0]
	if _, _, err := front.cl.Register(front.ctx(), client.Registration{Name: w.name, Artefacts: w.files(t, "out", "abi.json")}); err != nil {
		t.Fatal(err)
	}
	key := w.files(t, "ark-g16/proving.key")["proving.key"]
	if _, _, err := front.cl.AddKeys(front.ctx(), w.name, client.KeyUpload{ProvingKey: key}); err != nil {
		t.Fatal(err)
	}
	small := start(t, process(config.RoleWorker, 1<<20))
	p := front.submit(api.ProofRequest{Circuit: w.name, Arguments: w.arguments})
	front.eventually("the attempt to fail for want of space", func() bool {
		got, err := front.cl.Proof(front.ctx(), p.ID, 0)
		return err == nil && len(got.Attempts) > 0 && got.Attempts[0].Problem != nil && got.Attempts[0].Problem.Code == api.CodeInsufficientStorage
	})
	if !strings.Contains(small.log.String(), "bounded to 1048576") {
		t.Errorf("the log doesn't name the sizes: %s", small.log)
	}
	small.stop()
	start(t, process(config.RoleWorker, 1<<30))
	if got, err := front.cl.Wait(front.ctx(), p.ID); err != nil && client.CodeOf(err) == api.CodeInsufficientStorage {
		// The small one was quick, and had three tries.
		if _, err := front.cl.RetryJob(front.ctx(), p.ID); err != nil {
			t.Fatal(err)
		}
	} else if err != nil || got.State != api.StateSucceeded {
		t.Fatalf("got %+v, %v", got, err)
	}
	if got := front.finished(p.ID); got.State != api.StateSucceeded || compact(t, got.Result.Outputs) != w.outputs {
		t.Errorf("got %+v", got)
	}

	// Workers tell each other what they have room for: see worker.TestDiskTooSmall.
	again := start(t, process(config.RoleWorker, 1<<20))
	waitUntil(t, "both to be known by their disks", func() bool {
		disks := map[int64]bool{}
		for _, w := range again.queue.Workers() {
			disks[w.Disk] = true
		}
		return disks[1<<20] && disks[1<<30]
	})
}
