package worker

import (
	"provery/internal/fault"
	"provery/internal/queue"
)

// seat is one of a pool's places for a job. While the queue looks for a job for
// it, it takes from the budget what the job in question needs, so that two
// seats never count on the same memory.
type seat struct {
	pool  *Pool
	job   string // for which something is taken; "" if nothing is
	grant Grant
}

// able implements queue.LeaseOptions. Without a free thread nothing is able to
// run, and nothing is skipped for it. A job too large for this process, in memory
// or on its disk, is left to a larger one; if there is none, it is taken and
// refused.
func (s *seat) able(job queue.Job) bool {
	p := s.pool
	need := p.need(job)
	if s.job == "" && need.Threads >= 0 && !p.cfg.Budget.HasThread() {
		return false
	}
	if p.cfg.Disk > 0 && need.Disk > p.cfg.Disk {
		most := largest(p.queue.Workers(), func(w *queue.Worker) int64 { return w.Disk })
		return most > 0 && need.Disk > most
	}
	if p.cfg.Budget.Fits(need) {
		return true
	}
	most := Largest(p.queue.Workers())
	return most > 0 && need.Bytes > most
}

// fits implements queue.LeaseOptions. It takes what the job needs, and gives
// back what was taken for another one, which somebody else was faster to get.
func (s *seat) fits(job queue.Job) bool {
	if s.job == job.ID {
		return true
	}
	s.leave()
	p := s.pool
	need := p.need(job)
	if !p.cfg.Budget.Fits(need) {
		need = Need{Threads: -1} // it won't run: see able
	}
	waiting, others := p.queue.Load()
	mine := (waiting + others) / (others + 1) // the others take their part
	g, ok := p.cfg.Budget.Take(need, mine, p.cfg.Slots-int(p.busy.Load()))
	if ok {
		s.job, s.grant = job.ID, g
	}
	return ok
}

// leave gives back what was taken.
func (s *seat) leave() {
	if s.job != "" {
		s.pool.cfg.Budget.Return(s.grant)
		s.job, s.grant = "", Grant{}
	}
}

// Largest returns the memory that the largest of the workers has for jobs; 0 if
// that isn't known of one of them, or if there is none.
func Largest(workers []queue.Worker) int64 {
	return largest(workers, func(w *queue.Worker) int64 { return w.Memory })
}

// largest returns the most of something that a worker has; 0 if one of them
// doesn't say, or if there is none.
func largest(workers []queue.Worker, of func(*queue.Worker) int64) (most int64) {
	for i := range workers {
		has := of(&workers[i])
		if has == 0 {
			return 0
		}
		most = max(most, has)
	}
	return most
}

// TooLarge is the refusal of a job that needs more memory than any worker has.
func TooLarge(need, most int64) *fault.Error {
	return fault.New(fault.Unsupported, "the job needs about %d MiB of memory, more than the %d MiB that the largest worker has for jobs", mebibytes(need), mebibytes(most))
}

func mebibytes(n int64) int64 { return (n + 1<<20 - 1) >> 20 }
