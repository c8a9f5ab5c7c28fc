package daemon

import (
	"context"
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
)

// await opens a connection, again and again while there is hope: the parts of
// a cluster start in any order. What waiting doesn't heal, such as refused
// credentials, ends it at once.
func (d *Daemon) await(ctx context.Context, what string, open func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, awaitTimeout)
	defer cancel()
	for {
		err := open(ctx)
		if err == nil || !fault.Is(err, fault.Overloaded) {
			return err
		}
		d.log.Warn("waiting for the "+what, "error", err)
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
		return err
	})
	if err != nil {
		return err
	}
	d.onClose(d.engine.Close)
	return nil
}
