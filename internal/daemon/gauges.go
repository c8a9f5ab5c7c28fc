package daemon

import (
	"errors"

	"provery/internal/queue"
	"provery/internal/worker"
)

// share returns a figure of the workers' budget, 0 in a process without workers.
func (d *Daemon) share(figure func(*worker.Budget) float64) func() float64 {
	return func() float64 {
		if d.budget == nil {
			return 0
		}
		return figure(d.budget)
	}
}

// predictedSeconds is what the waiting proofs will take of processors, all
// together: what to scale workers by. Other kinds of job don't count.
func (d *Daemon) predictedSeconds() float64 {
	sum := 0.0
	for _, w := range d.queue.Waiting() {
		if w.Kind != queue.KindProof {
			continue
		}
		if e, ok := d.costs.Predict(w.CircuitID, w.KeySetID); ok {
			sum += e.Work.Seconds() * float64(w.Jobs)
		}
	}
	return sum
}

func (d *Daemon) gauges() error {
	state := func(s queue.State) func() float64 {
		return func() float64 { return float64(d.queue.Stats().ByState[s]) }
	}
	programs := func() float64 { p, _ := d.catalogue.Stats(); return float64(p.Bytes) }
	provers := func() float64 { _, p := d.catalogue.Stats(); return float64(p.Bytes) }
	return errors.Join(
		d.metrics.Gauge("provery_queue_queued_jobs", "Jobs that wait for a worker.", state(queue.Queued)),
		d.metrics.Gauge("provery_queue_running_jobs", "Jobs in work.", state(queue.Running)),
		d.metrics.Gauge("provery_queue_queued_bytes", "Size of the sealed arguments of waiting jobs.",
			func() float64 { return float64(d.queue.Stats().QueuedBytes) }),
		d.metrics.Gauge("provery_queue_oldest_wait_seconds", "Age of the oldest waiting job.",
			func() float64 { return d.queue.Stats().OldestWait.Seconds() }),
		d.metrics.Gauge("provery_queue_predicted_seconds", "Processor seconds that the waiting proofs are predicted to take.", d.predictedSeconds),
		d.metrics.Gauge("provery_workers_memory_bytes", "Memory for jobs in this process.", d.share(func(b *worker.Budget) float64 { return float64(b.Capacity()) })),
		d.metrics.Gauge("provery_workers_memory_reserved_bytes", "Memory that is reserved for running jobs.",
			d.share(func(b *worker.Budget) float64 { bytes, _ := b.Used(); return float64(bytes) })),
		d.metrics.Gauge("provery_workers_threads", "Threads for jobs in this process.", d.share(func(b *worker.Budget) float64 { return float64(b.Config().Threads) })),
		d.metrics.Gauge("provery_workers_threads_busy", "Threads that running jobs have.",
			d.share(func(b *worker.Budget) float64 { _, threads := b.Used(); return float64(threads) })),
		d.metrics.Gauge("provery_cache_program_bytes", "Opened circuits.", programs),
		d.metrics.Gauge("provery_cache_key_bytes", "Opened proving keys.", provers),
	)
}
