package daemon

import (
	"cmp"
	"context"
	"crypto/rand"
	"os"
	"runtime"

	"provery/internal/queue"
	"provery/internal/registry"
	"provery/internal/worker"
)

// openBudget finds out what there is for the jobs of this process.
func (d *Daemon) openBudget(context.Context) error {
	limit := cmp.Or(int64(d.cfg.Workers.Memory), worker.MemoryLimit())
	d.memory = limit
	d.budget = worker.NewBudget(worker.BudgetConfig{
		Memory: worker.ForJobs(limit), Threads: runtime.GOMAXPROCS(0), PerJob: d.cfg.Workers.Threads,
	})
	d.log.Info("budget of the workers", "threads", d.budget.Config().Threads, "memory_limit", limit, "memory", d.budget.Capacity())
	return nil
}

// MemoryLimit returns how much memory the process should take, in bytes; 0 where
// that isn't known, or the process has no workers. Whoever owns the process may
// tell the collector.
func (d *Daemon) MemoryLimit() int64 { return d.memory }

// buildPool makes the workers of this process, and tells the others of them.
func (d *Daemon) buildPool(context.Context) error {
	cfg := d.poolConfig()
	d.pool = worker.NewPool(cfg, d.queue, d.proving())
	kinds := []string{queue.KindProof}
	if d.compilePool != nil {
		kinds = append(kinds, worker.KindCompile)
	}
	d.queue.Announce(queue.WorkerInfo{
		Name: cfg.Name, Slots: cfg.Slots, Threads: d.budget.Config().Threads, Memory: d.budget.Capacity(), Disk: cfg.Disk, Kinds: kinds,
	})
	return nil
}

// proving returns the handler of proofs.
func (d *Daemon) proving() *worker.Proving {
	return worker.NewProving(worker.ProvingConfig{
		Rand: rand.Reader, Now: now, Observer: d.metrics, Costs: d.costs, Budget: d.budget, Log: d.log.With("part", "worker"),
	}, d.catalogue, d.ring)
}

// poolConfig returns the configuration of the pool of workers.
func (d *Daemon) poolConfig() worker.PoolConfig {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	slots := d.cfg.Workers.Slots
	if slots == 0 {
		slots = max(1, d.budget.Config().Threads/max(1, d.cfg.Workers.Threads))
	}
	disk := int64(0)
	if d.copies != nil {
		disk = int64(d.cfg.Store.CacheBytes)
	}
	return worker.PoolConfig{
		Name: host, Disk: disk, Slots: slots, Budget: d.budget, Hot: d.catalogue.Hot, Drain: d.cfg.DrainTimeout,
		Tracer: d.tracing.Tracer(), Log: d.log.With("part", "worker"),
	}
}

// fits refuses a proof that no worker could ever make. Where no worker is known
// at the moment it is let in.
func (s *services) fits(k registry.KeySet, arguments int64) error {
	most := worker.Largest(s.d.queue.Workers())
	if s.d.budget != nil { // its workers may not have asked for work yet
		most = max(most, s.d.budget.Capacity())
	}
	need := s.d.costs.Need(k.Circuit, k.ID, arguments)
	if most == 0 || need.Bytes <= most {
		return nil
	}
	return worker.TooLarge(need.Bytes, most)
}
