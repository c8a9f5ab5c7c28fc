package engine

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"provery/internal/fault"
)

// The oldest server that has what the queue relies on.
const (
	minMajor = 2
	minMinor = 15
)

// connect fills in conn and js.
func (e *Engine) connect(ctx context.Context, cfg Config) error {
	opts, err := connectOptions(ctx, cfg, e.drained)
	if err != nil {
		return err
	}
	if e.server != nil {
		opts = append(opts, nats.InProcessServer(e.server))
	}
	if e.conn, err = nats.Connect(cfg.URL, opts...); err != nil {
		return connectFault(err)
	}
	if err := checkVersion(e.conn.ConnectedServerVersion()); err != nil {
		return err
	}
	if e.js, err = jetstream.New(e.conn); err != nil {
		return fault.Wrap(err, fault.Internal, "prepare JetStream")
	}
	err = e.awaitJetStream(ctx)
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return &fault.Error{Code: fault.Unsupported, Detail: "JetStream is not enabled on the server for this account", Err: err}
	case err != nil:
		return unreachable(err, "no answer from JetStream")
	}
	return nil
}

// accountTimeout bounds one question to JetStream.
const accountTimeout = 2 * time.Second

// awaitJetStream asks until there is an answer: a cluster that has just been
// started leaves questions unanswered until it has a leader.
func (e *Engine) awaitJetStream(ctx context.Context) error {
	for {
		try, cancel := context.WithTimeout(ctx, accountTimeout)
		_, err := e.js.AccountInfo(try)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return err
		}
	}
}

// connectOptions returns the options for both kinds of server. Reconnecting
// goes on for ever: who uses the engine sees errors meanwhile, and Healthy
// tells.
func connectOptions(ctx context.Context, cfg Config, closed chan struct{}) ([]nats.Option, error) {
	log := cfg.Logger
	opts := []nats.Option{
		nats.Name(cfg.Name),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		// A machine that vanished doesn't close its connections: find out.
		nats.PingInterval(10 * time.Second),
		nats.MaxPingsOutstanding(2),
		// A publish that sits in a buffer while the connection is away would
		// be reported as sent: fail it at once instead.
		nats.ReconnectBufSize(-1),
		// Credentials that expired are replaced in their file: go on.
		nats.IgnoreAuthErrorAbort(),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("engine disconnected", "error", err)
			}
		}),
		nats.ReconnectHandler(func(c *nats.Conn) {
			log.Info("engine reconnected", "server", c.ConnectedServerName(), "version", c.ConnectedServerVersion())
			if err := checkVersion(c.ConnectedServerVersion()); err != nil {
				log.Error("engine reconnected to a server that is too old", "error", err)
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			log.Warn("engine reports an error", "error", err, "subject", subjectOf(sub))
		}),
	}
	if deadline, ok := ctx.Deadline(); ok {
		opts = append(opts, nats.Timeout(max(time.Until(deadline), time.Millisecond)))
	}
	return accessOptions(opts, cfg)
}

func subjectOf(sub *nats.Subscription) string {
	if sub == nil {
		return ""
	}
	return sub.Subject
}

// checkVersion refuses servers older than minMajor.minMinor. Text after the
// patch number ("-RC.1") is ignored.
func checkVersion(version string) error {
	major, rest, ok := strings.Cut(version, ".")
	minor, _, ok2 := strings.Cut(rest, ".")
	ma, err := strconv.Atoi(major)
	mi, err2 := strconv.Atoi(minor)
	if !ok || !ok2 || err != nil || err2 != nil {
		return fault.New(fault.Unsupported, "the server's version %q can't be read; %d.%d or newer is needed", version, minMajor, minMinor)
	}
	if ma < minMajor || ma == minMajor && mi < minMinor {
		return fault.New(fault.Unsupported, "the server's version is %s; %d.%d or newer is needed", version, minMajor, minMinor)
	}
	return nil
}
