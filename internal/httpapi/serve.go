package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

const (
	headerTimeout  = 10 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 64 << 10
)

// Serve answers requests on l until ctx ends. Then it takes no new ones,
// drains, and gives those in progress up to timeout to end. It closes l, and
// returns nil after an orderly stop.
func (s *Server) Serve(ctx context.Context, l net.Listener, timeout time.Duration) error {
	return serve(ctx, l, served{handler: s, log: s.log, drain: s.Drain, timeout: timeout})
}

// served is what serve serves.
type served struct {
	handler http.Handler
	log     *slog.Logger
	drain   func() // called when the end begins
	timeout time.Duration
}

func serve(ctx context.Context, l net.Listener, s served) error {
	h := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	s.drain()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timeout)
	defer cancel()
	err := h.Shutdown(stop)
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("requests were cut off at the end of the drain timeout")
		err = h.Close()
	}
	if end := <-ended; !errors.Is(end, http.ErrServerClosed) {
		return end
	}
	return err
}
