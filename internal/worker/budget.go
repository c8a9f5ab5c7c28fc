package worker

import (
	"sync"
)

// Need is what a job takes of its process while it runs.
type Need struct {
	// Bytes is the memory, beside mapped files, which the kernel can drop.
	Bytes int64
	// Elastic says that the job makes do with all the memory that there is, if
	// that is less.
	Elastic bool
	// Threads is how many threads the job can use; 0: any number; below 0: none,
	// since it computes elsewhere, or hardly.
	Threads int
	// Disk is the size of the blobs that the job needs at hand, program and key.
	Disk int64
}

// Grant is what a job got.
type Grant struct {
	Bytes   int64
	Threads int
	// Alone says that no other job ran when this one was let in.
	Alone bool
}

// BudgetConfig says what there is to share.
type BudgetConfig struct {
	// Memory is what jobs may take together; 0: as much as they like.
	Memory int64
	// Threads is the number of threads for all jobs together.
	Threads int
	// PerJob is a fixed number of threads for each job, however many run: 0
	// shares Threads by what waits.
	PerJob int
}

// Budget shares a process's memory and threads between jobs. It is safe for
// concurrent use.
//
// Threads: where one job waits it gets all that are free, and is done as soon
// as can be (latency); where as many wait as there are threads each gets one,
// and most are done in a given time (throughput); in between the free threads
// are divided by the number of jobs that could start now. What a job got it
// keeps until it ends.
type Budget struct {
	cfg BudgetConfig

	mu      sync.Mutex
	bytes   int64 // granted
	threads int   // granted
	jobs    int   // running
	starts  int   // jobs let in so far
}

// NewBudget returns a budget of which nothing is taken.
func NewBudget(cfg BudgetConfig) *Budget {
	cfg.Threads = max(cfg.Threads, 1)
	return &Budget{cfg: cfg}
}

// Capacity returns the memory for all jobs together, 0 if it isn't bounded.
func (b *Budget) Capacity() int64 { return b.cfg.Memory }

// Config returns what there is to share.
func (b *Budget) Config() BudgetConfig { return b.cfg }

// Used returns the memory and threads that are taken.
func (b *Budget) Used() (bytes int64, threads int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes, b.threads
}

// trim returns the need of an elastic job as it can be met.
func (b *Budget) trim(n Need) Need {
	if n.Elastic && b.cfg.Memory > 0 {
		n.Bytes = min(n.Bytes, b.cfg.Memory)
	}
	return n
}

// Fits reports whether a job of this size can ever run here.
func (b *Budget) Fits(n Need) bool { return b.cfg.Memory == 0 || n.Bytes <= b.cfg.Memory }

// HasThread reports whether a job could get a thread now.
func (b *Budget) HasThread() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cfg.PerJob > 0 || b.threads < b.cfg.Threads
}

// Take takes what a job needs, if it is there. waiting is the number of jobs
// that this process should run soon, this one included, and places how many of
// them it could run at once if there were memory.
func (b *Budget) Take(n Need, waiting, places int) (Grant, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	free := b.cfg.Threads - b.threads
	if b.cfg.Memory > 0 && b.bytes+n.Bytes > b.cfg.Memory || n.Threads >= 0 && b.cfg.PerJob == 0 && free < 1 {
		return Grant{}, false
	}
	g := Grant{Bytes: n.Bytes, Alone: b.jobs == 0}
	switch {
	case n.Threads < 0:
	case b.cfg.PerJob > 0:
		g.Threads = b.cfg.PerJob
	default:
		g.Threads = share(free, min(waiting, places, b.room(n.Bytes)))
	}
	if n.Threads > 0 {
		g.Threads = min(g.Threads, n.Threads)
	}
	b.bytes, b.threads, b.jobs, b.starts = b.bytes+g.Bytes, b.threads+g.Threads, b.jobs+1, b.starts+1
	return g, true
}

// room returns how many jobs of this size there is memory for now.
func (b *Budget) room(bytes int64) int {
	if b.cfg.Memory == 0 || bytes <= 0 {
		return b.cfg.Threads
	}
	return int(min((b.cfg.Memory-b.bytes)/bytes, int64(b.cfg.Threads)))
}

// share divides the free threads by the jobs that could start now.
func share(free, jobs int) int { return max(1, free/max(1, jobs)) }

// Return gives back what Take took.
func (b *Budget) Return(g Grant) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes, b.threads, b.jobs = b.bytes-g.Bytes, b.threads-g.Threads, b.jobs-1
}

// began returns how many jobs were let in so far: if that is the same at two
// moments, none began in between.
func (b *Budget) began() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.starts
}
