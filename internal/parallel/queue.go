package parallel

import (
	"context"
	"sync"
)

// Queue runs tasks that may add further tasks. Tasks have ranks: of those that
// are ready, one of the lowest rank starts first, the oldest of them. So a
// computation whose parts depend on each other keeps its threads busy with the
// next computation's parts while its own last ones run.
//
// The zero value is an empty queue, which may be run once.
type Queue struct {
	mu      sync.Mutex
	changed sync.Cond
	ready   [][]Task // by rank
	running int
	err     error // of the first task that failed
}

// Task is a piece of work. The number of the thread that it runs on, from 0
// to one less than the number of threads, lets it pick its scratch memory.
type Task func(thread int) error

// Add adds a task of a rank, which is at least 0. A running task may call it.
func (q *Queue) Add(rank int, task Task) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for rank >= len(q.ready) {
		q.ready = append(q.ready, nil)
	}
	q.ready[rank] = append(q.ready[rank], task)
	if q.changed.L != nil {
		q.changed.Signal()
	}
}

// Run runs tasks on at most threads goroutines (at least one) until none is
// left. It returns the first error in time, or ctx.Err() if ctx is done before
// the last task started. On one thread everything runs on the caller's
// goroutine.
func (q *Queue) Run(ctx context.Context, threads int) error {
	q.mu.Lock()
	q.changed.L = &q.mu
	q.mu.Unlock()
	if threads <= 1 {
		q.work(ctx, 0)
		return q.err
	}
	var wg sync.WaitGroup
	for thread := range threads {
		wg.Go(func() { q.work(ctx, thread) })
	}
	wg.Wait()
	return q.err
}

// work runs tasks until the queue is empty and no running task can add to it,
// or one has failed.
func (q *Queue) work(ctx context.Context, thread int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		task := q.next()
		switch {
		case q.err != nil || task == nil && q.running == 0:
			q.changed.Broadcast()
			return
		case task == nil:
			q.changed.Wait()
			continue
		}
		if q.err = ctx.Err(); q.err != nil {
			continue
		}
		q.running++
		q.mu.Unlock()
		err := protect(thread, task)
		q.mu.Lock()
		q.running--
		if q.err == nil {
			q.err = err
		}
	}
}

// next takes the task to start now, or nil if none is ready.
func (q *Queue) next() Task {
	for rank, tasks := range q.ready {
		if len(tasks) > 0 {
			task := tasks[0]
			tasks[0] = nil
			q.ready[rank] = tasks[1:]
			return task
		}
	}
	return nil
}
