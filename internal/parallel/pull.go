package parallel

import (
	"context"
	"iter"
)

// Pulled is what an iterator yields.
type Pulled[T any] struct {
	Value T
	Err   error
}

// Pull runs an iterator on a goroutine of its own, so that its consumer can
// wait for something else, too. Up to ahead values may wait to be taken; the
// channel is closed after the last one. A panic in the iterator is its last
// error. stop ends the iterator, by its context, and waits for it; it must be
// called.
func Pull[T any](ctx context.Context, ahead int, source func(context.Context) iter.Seq2[T, error]) (_ <-chan Pulled[T], stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	out := make(chan Pulled[T], ahead)
	send := func(p Pulled[T]) bool {
		select {
		case out <- p:
			return true
		case <-ctx.Done():
			return false
		}
	}
	go func() {
		defer close(out)
		err := protect(0, func(int) error {
			for v, err := range source(ctx) {
				if !send(Pulled[T]{v, err}) {
					break
				}
			}
			return nil
		})
		if err != nil {
			send(Pulled[T]{Err: err})
		}
	}()
	return out, func() {
		cancel()
		for range out { // until the goroutine has ended
		}
	}
}
