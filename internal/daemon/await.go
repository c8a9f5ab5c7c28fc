package daemon

import (
	"context"
	"net/url"
	"strings"
	"time"

	"provery/internal/engine"
	"provery/internal/fault"
)

const (
	// awaitTimeout bounds the wait for a server that can't be reached when
	// the service starts.
	awaitTimeout = time.Minute
	// awaitPause lies between two attempts.
	awaitPause = time.Second
	// awaitFirst bounds the first attempt; each may take twice as long as the
	// one before. A cluster that has just started may leave a request unanswered.
	awaitFirst = 10 * time.Second
)

// await opens a connection, again and again while there is hope: the parts of
// a cluster start in any order. What waiting doesn't heal, such as refused
// credentials, ends it at once.
func (d *Daemon) await(ctx context.Context, what string, open func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, awaitTimeout)
	defer cancel()
	for bound := awaitFirst; ; bound *= 2 {
		attempt, stop := context.WithTimeout(ctx, bound)
		err := open(attempt)
		unanswered := attempt.Err() != nil && ctx.Err() == nil
		stop()
		if err == nil || !unanswered && !fault.Is(err, fault.Overloaded) {
			return err
		}
		d.waitFor(what, err)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(awaitPause):
		}
	}
}

func (d *Daemon) openEngine(ctx context.Context) error {
	e := d.cfg.Engine
	cfg := engine.Config{Name: "provery", Logger: d.log.With("part", "engine")}
	if e.URL == "" {
		cfg.StoreDir, cfg.SyncInterval = d.path("engine"), e.SyncInterval()
	} else {
		cfg.URL, cfg.Credentials, cfg.NKey = e.URL, e.Credentials, e.NKey
		cfg.TLS = engine.TLS{CAFile: e.TLS.CAFile, CertFile: e.TLS.CertFile, KeyFile: e.TLS.KeyFile}
	}
	err := d.await(ctx, "engine", func(ctx context.Context) (err error) {
		d.engine, err = engine.Open(ctx, cfg)
		if e.URL != "" {
			err = fault.Wrap(err, fault.Internal, "engine at %s", hosts(e.URL))
		}
		return err
	})
	switch {
	case err == nil:
	case fault.Is(err, fault.Conflict) && e.URL == "":
		return fault.New(fault.Conflict, "%s: another process uses it: stop that, or give this one another --data-dir", d.cfg.DataDir)
	default:
		return err
	}
	d.onClose(d.engine.Close)
	return nil
}

// hosts returns the servers of a comma-separated list of addresses, without
// the user and the password that they may hold.
func hosts(addresses string) string {
	var out []string
	for one := range strings.SplitSeq(addresses, ",") {
		if u, err := url.Parse(strings.TrimSpace(one)); err == nil {
			out = append(out, u.Host)
		}
	}
	return strings.Join(out, ", ")
}
