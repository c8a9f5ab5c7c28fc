package worker

import (
	"context"
	"log/slog"
	"testing"

	"provery/internal/queue"
)

// sized is a handler whose jobs need as many bytes as their arguments have.
type sized struct{ echo }

// Need returns the size of the arguments.
func (sized) Need(j queue.Job) Need { return Need{Bytes: j.Arguments.Size} }

// TestSeatsDontShare lets two places ask for jobs at the same time: what one has
// taken the other can't have, until the first turns to another job or gives up.
func TestSeatsDontShare(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	budget := NewBudget(BudgetConfig{Memory: 100, Threads: 4})
	p := NewPool(PoolConfig{Name: "test", Slots: 2, Budget: budget, Log: slog.New(slog.DiscardHandler)}, r.queue, sized{})
	job := func(id string, bytes int64) queue.Job {
		return queue.Job{ID: id, Kind: sized{}.Kind(), Arguments: &queue.Payload{Size: bytes}}
	}
	a, b := &seat{pool: p}, &seat{pool: p}
	if !a.able(job("1", 60)) || !a.fits(job("1", 60)) || !a.fits(job("1", 60)) {
		t.Fatal("the first job doesn't fit into an empty process")
	}
	if bytes, _ := budget.Used(); bytes != 60 {
		t.Errorf("got %d bytes taken, want those of the job once", bytes)
	}
	if b.fits(job("2", 60)) {
		t.Error("memory was given twice")
	}
	if !a.fits(job("3", 30)) { // somebody was faster to get the first job
		t.Error("the place kept what it had taken for another job")
	}
	a.leave()
	a.leave()
	if !b.able(job("2", 60)) || !b.fits(job("2", 60)) {
		t.Error("what was given back can't be had")
	}
	b.leave()
	if bytes, threads := budget.Used(); bytes != 0 || threads != 0 {
		t.Errorf("%d bytes and %d threads are left over", bytes, threads)
	}
}

// bulky is a handler whose jobs need as many bytes of disk as their arguments
// have.
type bulky struct{ echo }

// Need returns the size of the arguments.
func (bulky) Need(j queue.Job) Need { return Need{Disk: j.Arguments.Size} }

// crowd is a queue with other workers.
type crowd struct{ disks []int64 }

func (c crowd) LeaseWith(ctx context.Context, _ queue.LeaseOptions) (*queue.Lease, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
func (c crowd) Load() (int, int) { return 0, 0 }
func (c crowd) Nudge()           {}
func (c crowd) Workers() (out []queue.Worker) {
	for _, d := range c.disks {
		out = append(out, queue.Worker{WorkerInfo: queue.WorkerInfo{Disk: d}})
	}
	return out
}

// TestDiskTooSmall leaves jobs whose files don't fit to those who have room, and
// takes them, to fail with the reason, where nobody has.
func TestDiskTooSmall(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		own, need int64
		others    []int64
		able      bool
	}{
		{"fits", 100, 100, nil, true},
		{"no bound", 0, 1 << 40, []int64{100}, true},
		{"another has room", 100, 101, []int64{1000}, false},
		{"another needs no copies", 100, 101, []int64{0}, false},
		{"nobody has room", 100, 101, []int64{100, 50}, true},
	} {
		p := NewPool(PoolConfig{Disk: c.own, Log: slog.New(slog.DiscardHandler)}, crowd{append(c.others, c.own)}, bulky{})
		job := queue.Job{ID: "1", Kind: bulky{}.Kind(), Arguments: &queue.Payload{Size: c.need}}
		if got := (&seat{pool: p}).able(job); got != c.able {
			t.Errorf("%s: got %v, want %v", c.name, got, c.able)
		}
	}
}
