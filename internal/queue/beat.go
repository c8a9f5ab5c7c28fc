package queue

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// Heartbeats tell all processes which attempts are alive. Each process
// publishes one message four times in a lease's length, which lists its
// leases, and hears its own message too: that echo is the only clock by which
// silence is measured. A process that was stopped, or cut off, or whose clock
// jumped, hears no echo meanwhile and so sees no time pass; after it, the
// heartbeats that had piled up come before the next echo.

// silentTicks is how many echoes in a row without a heartbeat of a job end its
// lease: at a quarter of the lease each, three quarters to the whole of it.
const silentTicks = 3

// beat is one process's sign of life.
type beat struct {
	Worker bool           `json:"w,omitempty"` // it looks for work
	Jobs   map[string]int `json:"j,omitempty"` // attempts by job
	Info   *WorkerInfo    `json:"i,omitempty"` // what it tells of its workers
}

// peer is another process with workers.
type peer struct {
	tick uint64 // of its last beat
	beat beat   // that beat
}

// hearing is what a process has heard. It is guarded by the index's lock.
type hearing struct {
	ticks uint64 // own echoes so far
	peers map[uint64]peer
}

func newHearing() hearing { return hearing{peers: map[uint64]peer{}} }

// workers returns the other processes that look for work.
func (h *hearing) workers() []uint64 {
	if len(h.peers) == 0 {
		return nil
	}
	out := make([]uint64, 0, len(h.peers))
	for p := range h.peers {
		out = append(out, p)
	}
	return out
}

// hear notes a beat of another process or of this one.
func (x *index) hear(process uint64, b beat, own bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for id, attempt := range b.Jobs {
		if e := x.entries[id]; e != nil && e.State == Running && e.Attempt == attempt {
			e.heard = x.hearing.ticks
		}
	}
	if own {
		return
	}
	if b.Worker {
		x.hearing.peers[process] = peer{x.hearing.ticks, b}
	} else {
		delete(x.hearing.peers, process)
	}
}

// tick counts an echo and returns the running jobs that have been silent for
// too long, or that an earlier run of the embedded engine, named by another
// session than this one's, has left behind.
func (x *index) tick(session string) []entry {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.hearing.ticks++
	for p, heard := range x.hearing.peers {
		if x.hearing.ticks-heard.tick > silentTicks {
			delete(x.hearing.peers, p)
		}
	}
	if x.counts[Running] == 0 {
		return nil
	}
	var silent []entry
	for _, e := range x.active {
		if e.State == Running && (x.hearing.ticks-e.heard > silentTicks || e.orphan(session)) {
			silent = append(silent, *e)
		}
	}
	return silent
}

// orphan reports whether an attempt's process can't be there any more.
func (e *entry) orphan(session string) bool {
	return e.State == Running && session != "" && e.Session != session
}

// beatLoop publishes this process's heartbeats until the queue is closed.
func (q *Queue) beatLoop() {
	t := time.NewTicker(q.cfg.LeaseTTL / 4)
	defer t.Stop()
	for {
		q.sendBeat()
		select {
		case <-t.C:
		case <-q.beatNow:
		case <-q.ctx.Done():
			return
		}
	}
}

func (q *Queue) sendBeat() {
	data, err := json.Marshal(q.ownBeat())
	if err == nil {
		_ = q.conn.Publish(q.names.beat+q.id, data) // the next one makes up for it
	}
}

// ownBeat returns this process's present heartbeat.
func (q *Queue) ownBeat() beat {
	q.heldMu.Lock()
	defer q.heldMu.Unlock()
	return beat{Worker: q.worker, Jobs: maps.Clone(q.held), Info: q.info}
}

// hold adds a lease to the heartbeats, and drop takes it out.
func (q *Queue) hold(id string, attempt int) {
	q.heldMu.Lock()
	defer q.heldMu.Unlock()
	q.held[id] = attempt
}

func (q *Queue) letGo(id string, attempt int) {
	q.heldMu.Lock()
	defer q.heldMu.Unlock()
	if q.held[id] == attempt {
		delete(q.held, id)
	}
}

// announceWorker tells the others that this process looks for work.
func (q *Queue) announceWorker() {
	q.heldMu.Lock()
	news := !q.worker
	q.worker = true
	q.heldMu.Unlock()
	if news {
		q.beatSoon()
	}
}

// onBeat takes a heartbeat off the wire.
func (q *Queue) onBeat(m *nats.Msg) {
	var b beat
	if json.Unmarshal(m.Data, &b) != nil {
		return // not written by this service
	}
	id := strings.TrimPrefix(m.Subject, q.names.beat)
	own := id == q.id
	q.index.hear(processNumber(id), b, own)
	if !own {
		return
	}
	q.echo.Store(time.Now().UnixNano())
	if silent := q.index.tick(q.session); len(silent) > 0 && q.reaping.CompareAndSwap(false, true) {
		q.background("take back lost jobs", func(ctx context.Context) error {
			defer q.reaping.Store(false)
			_, err := q.takeBackLost(ctx, silent)
			return err
		})
	}
}

// takeBackLost queues jobs again whose attempts are lost.
func (q *Queue) takeBackLost(ctx context.Context, silent []entry) (int, error) {
	return each(silent, func(e entry) error {
		if now, ok := q.index.lookup(e.id); !ok || now.State != Running || now.Attempt != e.Attempt || now.heard != e.heard {
			return errSwapped // it was heard of after all
		}
		s, err := q.update(ctx, e.id, nil, lost{attempt: e.Attempt, now: q.now()})
		if err == nil {
			q.cfg.Logger.Info("queue", "doing", "take back lost job", "job", e.id, "attempt", e.Attempt, "state", s.State)
			q.afterEnd(s)
		}
		return err
	})
}
