package queue

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"provery/internal/fault"
)

// TestOwnTimeout tells lost connections from the ends of callers.
func TestOwnTimeout(t *testing.T) {
	t.Parallel()
	late, stop := context.WithDeadline(t.Context(), time.Now().Add(-time.Hour))
	defer stop()
	gone, leave := context.WithCancel(t.Context())
	leave()
	for name, tc := range map[string]struct {
		ctx  context.Context
		err  error
		want fault.Code
	}{
		"connection lost":                       {t.Context(), context.Canceled, fault.Overloaded},
		"no answer in time":                     {t.Context(), context.DeadlineExceeded, fault.Overloaded},
		"connection lost, and the time is over": {late, context.Canceled, fault.DeadlineExceeded},
		"the caller has gone":                   {gone, context.Canceled, fault.Canceled},
		"another error":                         {late, nats.ErrNoResponders, fault.Overloaded},
	} {
		if err := engineFault(ownTimeout(tc.ctx, tc.err), "read"); !fault.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %s", name, err, tc.want)
		}
	}
}
