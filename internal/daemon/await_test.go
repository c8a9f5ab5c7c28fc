package daemon

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"

	"provery/internal/fault"
)

// TestAwaitUnanswered opens something whose first request is never answered:
// the second attempt gets its turn.
func TestAwaitUnanswered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &Daemon{log: slog.New(slog.DiscardHandler)}
		attempts := 0
		err := d.await(t.Context(), "engine", func(ctx context.Context) error {
			if attempts++; attempts == 1 {
				<-ctx.Done()
				return fault.Wrap(ctx.Err(), fault.Internal, "open")
			}
			return nil
		})
		if err != nil || attempts != 2 {
			t.Errorf("got %v after %d attempts, want none after 2", err, attempts)
		}
		err = d.await(t.Context(), "engine", func(ctx context.Context) error {
			<-ctx.Done()
			return fault.Wrap(ctx.Err(), fault.Internal, "open")
		})
		if !fault.Is(err, fault.DeadlineExceeded) {
			t.Errorf("never answered: got %v", err)
		}
	})
}
