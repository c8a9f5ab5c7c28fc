package httpapi

import (
	"context"
	"time"

	"provery/api"
	"provery/internal/fault"
)

// waiterRetry is when to come back to a server with too many waiting
// requests.
const waiterRetry = 2 * time.Second

// wait returns the granted wait for the seconds that were asked for.
func (s *Server) wait(asked int) time.Duration {
	if asked <= 0 {
		return 0
	}
	if asked > int(s.limits.Wait/time.Second) {
		return s.limits.Wait.Truncate(time.Second)
	}
	return time.Duration(asked) * time.Second
}

// takeWaiter takes a slot for a waiting request, if there is one. It never
// blocks.
func (s *Server) takeWaiter() (release func(), ok bool) {
	select {
	case s.waiters <- struct{}{}:
	default:
		return nil, false
	}
	s.observer.AddWaiters(1)
	return func() {
		s.observer.AddWaiters(-1)
		<-s.waiters
	}, true
}

// await returns p once its state is terminal, or as it is after timeout or
// when the server drains. It ends with ctx: a client that went away frees its
// slot, and the job goes on.
func (s *Server) await(ctx context.Context, p api.Proof, timeout time.Duration) (api.Proof, error) {
	if p.State.Terminal() {
		return p, nil
	}
	who := exchangeOf(ctx).caller
	return untilDrain(ctx, s,
		func(ctx context.Context) (api.Proof, error) { return s.services.Proofs.Wait(ctx, who, p.ID, timeout) },
		func(ctx context.Context) (api.Proof, error) { return s.services.Proofs.Proof(ctx, who, p.ID) })
}

// untilDrain returns what wait does. When the server drains the wait is ended,
// and the answer is that of now.
func untilDrain[T any](ctx context.Context, s *Server, wait, now func(context.Context) (T, error)) (T, error) {
	exchangeOf(ctx).clearReadDeadline()
	waiting, cancel := context.WithCancel(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-s.draining:
			cancel()
		case <-waiting.Done():
		}
	}()
	defer func() { cancel(); <-watched }()
	v, err := wait(waiting)
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		return now(ctx)
	}
	return v, err
}

// errNoWaiter refuses a request that would wait.
func errNoWaiter(what string) error {
	err := fault.New(fault.Overloaded, "too many requests are waiting%s", what)
	err.RetryAfter = waiterRetry
	return err
}

// abandonTimeout bounds the cancelling of a job whose client has gone.
const abandonTimeout = 10 * time.Second

// abandon cancels a job that nobody waits for any more.
func (s *Server) abandon(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonTimeout)
	defer cancel()
	if _, err := s.services.Proofs.Cancel(ctx, exchangeOf(ctx).caller, id); err != nil && !fault.Is(err, fault.NotFound) {
		s.log.Warn("cancel an abandoned proof", "proof", id, "cause", err)
	}
}
