package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"provery/api"
)

// pressure keeps a number of requests for proofs under way.
type pressure struct {
	mu     sync.Mutex
	over   bool
	ended  []ended // in the order of their ends
	failed error
	news   chan struct{} // closed at the next end
	work   sync.WaitGroup
}

// ended is a proof that has ended.
type ended struct {
	at     time.Time
	took   time.Duration // from the request to the answer
	worker string
	busy   float64 // seconds that the worker spent on it
	peak   int64   // bytes of the worker's process
}

// startPressure keeps n requests under way until it is stopped, or one fails.
func startPressure(ctx context.Context, n int, ask func(context.Context) (*api.Proof, error)) *pressure {
	l := &pressure{news: make(chan struct{})}
	for range n {
		l.work.Go(func() {
			for l.more() {
				start := time.Now()
				p, err := ask(ctx)
				l.end(start, p, err)
			}
		})
	}
	return l
}

// stop begins no more requests and waits for those that are under way.
func (l *pressure) stop() {
	l.mu.Lock()
	l.over = true
	l.mu.Unlock()
	l.work.Wait()
}

func (l *pressure) more() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.over && l.failed == nil
}

// end notes the end of a request.
func (l *pressure) end(start time.Time, p *api.Proof, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failed = err
	} else {
		e := ended{at: time.Now(), took: time.Since(start)}
		if n := len(p.Attempts); n > 0 {
			e.worker = p.Attempts[n-1].Worker
		}
		if w := p.Ledger; w != nil {
			e.busy, e.peak = (w.Load+w.Witness+w.Prove+w.Check)/1e3, w.PeakMemoryBytes
		}
		l.ended = append(l.ended, e)
	}
	close(l.news)
	l.news = make(chan struct{})
}

// until waits until done, which looks at the proofs that have ended, is true.
func (l *pressure) until(ctx context.Context, done func([]ended) bool) error {
	for {
		l.mu.Lock()
		yes, err, news := done(l.ended), l.failed, l.news
		l.mu.Unlock()
		if yes || err != nil {
			return err
		}
		select {
		case <-news:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// warm waits until that many workers have made a proof, and all together so
// many.
func (l *pressure) warm(ctx context.Context, workers, proofs int) error {
	seen := 0
	err := l.until(ctx, func(list []ended) bool {
		by := map[string]bool{}
		for _, e := range list {
			by[e.worker] = true
		}
		seen = len(by)
		return seen >= workers && len(list) >= proofs
	})
	if err != nil {
		return fmt.Errorf("wait for a proof of each of %d workers, of which %d have made one: %w", workers, seen, err)
	}
	return nil
}

// measure returns the proofs that end in so long, or so many of them, after the
// last one before, with which the list begins. The context's end isn't an error
// if there are any.
func (l *pressure) measure(ctx context.Context, long time.Duration, enough int) ([]ended, error) {
	timed, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	l.mu.Lock()
	first := len(l.ended) - 1
	l.mu.Unlock()
	err := l.until(timed, func(list []ended) bool { return enough > 0 && len(list)-1-first >= enough })
	if err != nil && timed.Err() == nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	run := slices.Clone(l.ended[first:])
	if enough > 0 {
		run = run[:min(len(run), 1+enough)]
	}
	return run, ctx.Err()
}
