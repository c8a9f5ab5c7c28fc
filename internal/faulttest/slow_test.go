//go:build linux

package faulttest

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"provery/api"
	"provery/client"
)

// refusals are what a worker's log says when its attempt isn't its own any more.
var refusals = []string{"the queue didn't take the outcome", "attempt given up"}

// stopPastLease stops a worker for longer than its lease. Its jobs go to
// others; what it says when it wakes up is refused.
func stopPastLease(t *testing.T, name string) row {
	runs := times(1, 10)
	s := startCluster(t, 1, 1, 2)
	l := startLoad(t, s.caller, clients, nil)
	w := s.workers[0]
	for done := 0; done < runs; {
		l.more(some(done))
		w.signal(syscall.SIGSTOP)
		taken := s.caller.takenBack(t)
		w.signal(syscall.SIGCONT)
		if taken == 0 { // it was stopped between two jobs
			continue
		}
		eventually(t, "the worker learns that its attempt is lost", func() bool { return w.says(refusals[0]) || w.says(refusals[1]) })
		done++
	}
	l.stop()
	return l.account(name).with(runs, 0)
}

// takenBack waits until every job that is running has ended or is at another
// attempt, and counts the latter.
func (c *caller) takenBack(t *testing.T) (taken int) {
	t.Helper()
	running := map[string]int{}
	for _, p := range c.list(t, api.StateRunning) {
		running[p.ID] = p.Attempt
	}
	for id, attempt := range running {
		eventually(t, "a job of a stopped worker is taken back", func() bool {
			var p *api.Proof
			err := c.again(t.Context(), func(c *client.Client) (err error) {
				p, err = c.Proof(t.Context(), id, 0)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if p.Attempt > attempt {
				taken++
				return true
			}
			return p.State.Terminal()
		})
	}
	return taken
}

// list returns all jobs in a state.
func (c *caller) list(t *testing.T, state api.State) (out []api.Proof) {
	t.Helper()
	for cursor := ""; ; {
		var page *api.Page[api.Proof]
		err := c.again(t.Context(), func(c *client.Client) (err error) {
			page, err = c.Proofs(t.Context(), api.ProofFilter{State: state}, cursor, 100)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if out, cursor = append(out, page.Items...), page.Next; cursor == "" {
			return out
		}
	}
}

// diskTrouble is what the log says when the engine's write has failed.
const diskTrouble = "nothing can be written"

// idle reports whether there is no job that hasn't ended.
func (c *caller) idle(t *testing.T) bool {
	s, err := c.clients[0].Queue(t.Context())
	return err == nil && s.Queued+s.Running == 0
}

// fullDisk fills the service's disk to the last byte, and makes room again.
func fullDisk(t *testing.T, name string) row {
	runs := times(1, 5)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size=160m"); err != nil {
		t.Skipf("a full disk isn't tested: making a small one needs the right to mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	n, c := startAllInOne(t, filepath.Join(dir, "data"))
	l := startLoad(t, c, clients, nil)
	for i := range runs {
		l.more(some(i))
		filler, noticed := filepath.Join(dir, "filler"), n.count(diskTrouble)
		fill(t, filler)
		eventually(t, "/readyz says so", func() bool {
			r, err := c.clients[0].Ready(t.Context())
			return err == nil && !r.Ready
		})
		if i%2 == 0 { // until the engine has failed, too, if there was anything left to write
			eventually(t, "the engine notices", func() bool { return n.count(diskTrouble) > noticed || c.idle(t) })
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		c.ready(t)
	}
	l.more(window * clients)
	l.stop()
	return l.account(name).with(runs, 0)
}

// fill writes to a file until the disk is full.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 20; size > 0; size /= 4 {
		for block := make([]byte, size); ; {
			if _, err := f.Write(block); err == nil {
				continue
			} else if !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
			break
		}
	}
}

// badClock lets processes work whose clocks are an hour early and late. Nobody's
// deadline or retention may depend on them.
func badClock(t *testing.T, name string) row {
	runs := times(1, 6)
	s := startCluster(t, 1, 1, 1, "result_ttl=10m")
	s.addWorker(late)
	if long {
		s.addWorker(early)
	}
	l := startLoad(t, s.caller, clients, func(r *api.ProofRequest) {
		half := time.Now().Add(30 * time.Minute) // half of what the clocks are off
		r.Deadline = &half
	})
	begin := time.Now()
	for i := range runs {
		l.more(8 * window)
		w := s.workers[1+i%(len(s.workers)-1)]
		w.terminate() // they look at everything when they start
		w.restart()
	}
	l.more(8 * window)
	l.stop()
	r := l.account(name).with(runs, 0)
	if r.expired != 0 {
		t.Errorf("%d jobs have expired", r.expired)
	}
	for _, a := range l.attemptsOf(t) {
		if a.Started.Before(begin.Add(-time.Minute)) || a.Started.After(time.Now().Add(time.Minute)) {
			t.Fatalf("an attempt started at %v, which was no time of this test", a.Started)
		}
	}
	return r
}
