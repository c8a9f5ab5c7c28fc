package daemon

import (
	"errors"

	"provery/internal/queue"
)

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
		d.metrics.Gauge("provery_cache_program_bytes", "Opened circuits.", programs),
		d.metrics.Gauge("provery_cache_key_bytes", "Opened proving keys.", provers),
	)
}
