package httpapi

import (
	"context"
	"time"

	"provery/api"
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
	now, err := s.services.Proofs.Wait(waiting, p.ID, timeout)
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		return s.services.Proofs.Proof(ctx, p.ID)
	}
	return now, err
}
