// Package parallel runs bounded loops on an explicit number of goroutines.
//
// The number of threads is always the caller's decision. Every call waits for
// its goroutines, stops handing out work when the context is done or a call
// fails, and turns a panic in a callee into an error in the caller.
package parallel

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// PanicError is a panic that was caught in a goroutine of this package.
type PanicError struct {
	Value any
	Stack []byte
}

// Error names the type of the panic's value. The value itself may be private,
// and the stack is long: whoever wants them takes them.
func (e *PanicError) Error() string { return fmt.Sprintf("panic of type %T", e.Value) }

// Each calls f(i) for every i in [0, n) on at most threads goroutines
// (at least one). It returns the first error in time, or ctx.Err() if ctx is
// done before all calls were made. With threads = 1 the calls are made in
// order on the caller's goroutine.
func Each(ctx context.Context, threads, n int, f func(i int) error) error {
	threads = min(threads, n)
	if threads <= 1 {
		for i := range n {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := protect(i, f); err != nil {
				return err
			}
		}
		return nil
	}
	var (
		next  atomic.Int64
		once  sync.Once
		first error
		stop  atomic.Bool
		wg    sync.WaitGroup
	)
	fail := func(err error) {
		once.Do(func() { first = err })
		stop.Store(true)
	}
	for range threads {
		wg.Go(func() {
			for !stop.Load() {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := ctx.Err(); err != nil {
					fail(err)
					return
				}
				if err := protect(i, f); err != nil {
					fail(err)
					return
				}
			}
		})
	}
	wg.Wait()
	return first
}

// Chunks splits [0, n) into consecutive ranges of size items (the last may be
// shorter) and calls f(lo, hi) for each as Each does.
func Chunks(ctx context.Context, threads, n, size int, f func(lo, hi int) error) error {
	size = max(size, 1)
	return Each(ctx, threads, (n+size-1)/size, func(i int) error {
		return f(i*size, min((i+1)*size, n))
	})
}

// Run calls the functions on at most threads goroutines, as Each does.
func Run(ctx context.Context, threads int, fs ...func() error) error {
	return Each(ctx, threads, len(fs), func(i int) error { return fs[i]() })
}

func protect(i int, f func(int) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return f(i)
}
