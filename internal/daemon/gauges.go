package daemon

import (
	"github.com/prometheus/client_golang/prometheus"

	"provery/internal/fault"
	"provery/internal/queue"
	"provery/internal/worker"
)

// figure is a metric that is read from the service when somebody asks. Counters
// are those whose names end in _total.
type figure struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(d *Daemon, add func(value float64, labels ...string))
}

func gauge(name, help string, read func(*Daemon, func(float64, ...string)), labels ...string) figure {
	return figure{prometheus.NewDesc(name, help, labels, nil), prometheus.GaugeValue, read}
}

func counter(name, help string, read func(*Daemon, func(float64, ...string)), labels ...string) figure {
	return figure{prometheus.NewDesc(name, help, labels, nil), prometheus.CounterValue, read}
}

// one is a figure without labels.
func one(value func(*Daemon) float64) func(*Daemon, func(float64, ...string)) {
	return func(d *Daemon, add func(float64, ...string)) { add(value(d)) }
}

// collector reads figures. docs/metrics.md describes each.
type collector struct {
	d       *Daemon
	figures []figure
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, f := range c.figures {
		out <- f.desc
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	for _, f := range c.figures {
		f.read(c.d, func(value float64, labels ...string) {
			out <- prometheus.MustNewConstMetric(f.desc, f.kind, value, labels...)
		})
	}
}

func (d *Daemon) gauges() error {
	figures := append(queueFigures(), cacheFigures()...)
	if d.budget != nil {
		figures = append(figures, workerFigures()...)
	}
	if d.webhooks.Load() != nil {
		figures = append(figures, webhookFigure())
	}
	if d.copies != nil {
		figures = append(figures, copyFigures()...)
	}
	return d.metrics.Register(&collector{d, figures})
}

// queueFigures are about all jobs of the service: every process knows them.
func queueFigures() []figure {
	state := func(s queue.State) func(*Daemon, func(float64, ...string)) {
		return one(func(d *Daemon) float64 { return float64(d.queue.Stats().ByState[s]) })
	}
	return []figure{
		gauge("provery_build_info", "1, with the version as a label.",
			func(d *Daemon, add func(float64, ...string)) { add(1, d.build.Version, d.cfg.Role) }, "version", "role"),
		gauge("provery_queue_queued_jobs", "Jobs that wait for a worker.", state(queue.Queued)),
		gauge("provery_queue_running_jobs", "Jobs in work.", state(queue.Running)),
		gauge("provery_queue_waiting_jobs", "Jobs that wait for a worker, by kind and priority.", waiting, "kind", "priority"),
		gauge("provery_queue_predicted_seconds", "Processor time that the waiting proofs will take, by priority.", predicted, "priority"),
		gauge("provery_queue_queued_bytes", "Size of the sealed arguments of waiting jobs.",
			one(func(d *Daemon) float64 { return float64(d.queue.Stats().QueuedBytes) })),
		gauge("provery_queue_oldest_wait_seconds", "Age of the oldest waiting job.",
			one(func(d *Daemon) float64 { return d.queue.Stats().OldestWait.Seconds() })),
		gauge("provery_queue_dead_letters", "Jobs that failed too often and wait for somebody's decision.",
			one(func(d *Daemon) float64 { return float64(d.queue.Stats().Dead) })),
		gauge("provery_queue_workers", "Processes that look for work.",
			one(func(d *Daemon) float64 { return float64(len(d.queue.Workers())) })),
		gauge("provery_damaged_files", "Stored files of circuits and keys that are damaged or missing, as far as this process has seen.",
			one(func(d *Daemon) float64 { return float64(len(d.registry.Health())) })),
	}
}

// priorities are the values of the label, so that those without jobs show 0.
var priorities = []queue.Priority{queue.High, queue.Normal, queue.Low}

func waiting(d *Daemon, add func(float64, ...string)) {
	type label struct{ kind, priority string }
	counts := map[label]int{}
	for _, p := range priorities {
		counts[label{queue.KindProof, string(p)}] = 0
	}
	for _, w := range d.queue.Waiting() {
		counts[label{w.Kind, string(w.Priority)}] += w.Jobs
	}
	for l, n := range counts {
		add(float64(n), l.kind, l.priority)
	}
}

func predicted(d *Daemon, add func(float64, ...string)) {
	seconds := map[queue.Priority]float64{}
	for _, w := range d.queue.Waiting() {
		if w.Kind != queue.KindProof {
			continue
		}
		if e, ok := d.costs.Predict(w.CircuitID, w.KeySetID); ok {
			seconds[w.Priority] += float64(w.Jobs) * e.Work.Seconds()
		}
	}
	for _, p := range priorities {
		add(seconds[p], string(p))
	}
}

// cacheFigures are about what this process has opened.
func cacheFigures() []figure {
	type numbers struct{ bytes, hits, misses, evictions float64 }
	of := func(pick func(numbers) float64) func(*Daemon, func(float64, ...string)) {
		return func(d *Daemon, add func(float64, ...string)) {
			p, k := d.catalogue.Stats()
			add(pick(numbers{float64(p.Bytes), float64(p.Hits), float64(p.Misses), float64(p.Evictions)}), "program")
			add(pick(numbers{float64(k.Bytes), float64(k.Hits), float64(k.Misses), float64(k.Evictions)}), "key")
		}
	}
	return []figure{
		gauge("provery_cache_bytes", "Opened circuits and proving keys.", of(func(n numbers) float64 { return n.bytes }), "cache"),
		counter("provery_cache_hits_total", "Uses of circuits and keys that were open.", of(func(n numbers) float64 { return n.hits }), "cache"),
		counter("provery_cache_misses_total", "Uses that had to open them.", of(func(n numbers) float64 { return n.misses }), "cache"),
		counter("provery_cache_evictions_total", "Circuits and keys that were closed to make room.", of(func(n numbers) float64 { return n.evictions }), "cache"),
	}
}

// workerFigures are about the jobs of this process.
func workerFigures() []figure {
	share := func(pick func(*worker.Budget) float64) func(*Daemon, func(float64, ...string)) {
		return one(func(d *Daemon) float64 { return pick(d.budget) })
	}
	return []figure{
		gauge("provery_workers_slots", "Jobs that this process may run at a time.",
			one(func(d *Daemon) float64 { return float64(d.pool.Slots()) })),
		gauge("provery_workers_memory_bytes", "Memory for jobs in this process; 0 is no bound.",
			share(func(b *worker.Budget) float64 { return float64(b.Capacity()) })),
		gauge("provery_workers_memory_reserved_bytes", "Memory that the running jobs were predicted to take.",
			share(func(b *worker.Budget) float64 { bytes, _ := b.Used(); return float64(bytes) })),
		gauge("provery_workers_threads", "Threads for jobs in this process.",
			share(func(b *worker.Budget) float64 { return float64(b.Config().Threads) })),
		gauge("provery_workers_threads_busy", "Threads that running jobs have.",
			share(func(b *worker.Budget) float64 { _, threads := b.Used(); return float64(threads) })),
	}
}

// copyFigures are about this process's copies of a bucket's blobs.
func copyFigures() []figure {
	return []figure{
		gauge("provery_blob_cache_bytes", "Copies of the bucket's blobs.",
			one(func(d *Daemon) float64 { return float64(d.copies.Stats().Bytes) })),
		gauge("provery_blob_cache_capacity_bytes", "Bound of the copies.",
			one(func(d *Daemon) float64 { return float64(d.copies.Stats().Limit) })),
		counter("provery_blob_cache_hits_total", "Opened blobs of which there was a copy.",
			one(func(d *Daemon) float64 { return float64(d.copies.Stats().Hits) })),
		counter("provery_blob_cache_misses_total", "Opened blobs that had to be downloaded.",
			one(func(d *Daemon) float64 { return float64(d.copies.Stats().Misses) })),
		counter("provery_blob_cache_evictions_total", "Copies that were removed to make room.",
			one(func(d *Daemon) float64 { return float64(d.copies.Stats().Evictions) })),
	}
}

// refused counts a job that wasn't accepted for want of room, and returns err.
func (s *services) refused(err error) error {
	switch code := fault.CodeOf(err); code {
	case fault.Overloaded, fault.RateLimited, fault.TooLarge, fault.InsufficientStorage, fault.Unsupported:
		s.d.metrics.ObserveRefusal(string(code))
	}
	return err
}
