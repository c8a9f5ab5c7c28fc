package parallel

import (
	"context"
	"errors"
	"iter"
	"testing"
)

// count yields numbers until its context ends, or fails after some.
func count(fail int, ended chan<- struct{}) func(context.Context) iter.Seq2[int, error] {
	return func(ctx context.Context) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			defer close(ended)
			for i := 0; ctx.Err() == nil; i++ {
				if i == fail {
					yield(i, errors.New("enough"))
					return
				}
				if !yield(i, nil) {
					return
				}
			}
		}
	}
}

func TestPull(t *testing.T) {
	t.Parallel()
	for _, ahead := range []int{0, 2} {
		ended := make(chan struct{})
		values, stop := Pull(t.Context(), ahead, count(3, ended))
		for i := range 4 {
			if v := <-values; v.Value != i || (v.Err != nil) != (i == 3) {
				t.Errorf("got %+v, want %d", v, i)
			}
		}
		if _, open := <-values; open {
			t.Error("got something behind the end")
		}
		stop()
		<-ended
	}
}

// TestPullStops in the middle, and waits for the iterator.
func TestPullStops(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	values, stop := Pull(t.Context(), 1, count(-1, ended))
	<-values
	stop()
	select {
	case <-ended:
	default:
		t.Error("stop returned before the iterator had ended")
	}
}

// TestPullCatchesPanics, which nobody else could on that goroutine.
func TestPullCatchesPanics(t *testing.T) {
	t.Parallel()
	values, stop := Pull(t.Context(), 0, func(context.Context) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			yield(1, nil)
			panic("oh")
		}
	})
	defer stop()
	<-values
	var p *PanicError
	if v, open := <-values; !open || !errors.As(v.Err, &p) || p.Value != "oh" {
		t.Errorf("got %+v, %v, want the panic", v, open)
	}
}
