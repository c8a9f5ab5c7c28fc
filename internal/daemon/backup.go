package daemon

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"provery/internal/config"
	"provery/internal/fault"
)

// streamPrefix begins the names of the service's streams.
const streamPrefix = "KV_provery-"

// copySuffix ends the names of copies of streams.
const copySuffix = ".stream"

// Backup copies everything that a running service keeps in an external engine to
// a new directory, and returns the names of the streams, in the order of their
// copies: jobs before what was there when they were accepted, so that none is
// copied without its circuit or its webhook.
func Backup(ctx context.Context, cfg *config.Config, log *slog.Logger, dir string) (streams []string, err error) {
	err = withEngine(ctx, cfg, log, func(d *Daemon) error {
		list := d.engine.JetStream().StreamNames(ctx)
		for name := range list.Name() {
			if strings.HasPrefix(name, streamPrefix) {
				streams = append(streams, name)
			}
		}
		if err := list.Err(); err != nil {
			return fault.Wrap(err, fault.Overloaded, "list streams")
		}
		if len(streams) == 0 {
			return fault.New(fault.NotFound, "there is no service on this engine")
		}
		if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
			return fileFault(err)
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			return fileFault(err)
		}
		slices.Sort(streams) // jobs, registry, …, webhooks
		for _, name := range streams {
			if err := d.backupStream(ctx, name, filepath.Join(dir, name+copySuffix)); err != nil {
				return err
			}
		}
		return nil
	})
	return streams, err
}

func (d *Daemon) backupStream(ctx context.Context, name, path string) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fileFault(err)
	}
	defer func() { err = errors.Join(err, fileFault(f.Close())) }()
	if err := d.engine.Backup(ctx, name, f); err != nil {
		return err
	}
	return fileFault(f.Sync())
}

// Restore makes the streams that Backup copied on an engine that has none of a
// service, and returns their names.
func Restore(ctx context.Context, cfg *config.Config, log *slog.Logger, dir string) (streams []string, err error) {
	paths, err := filepath.Glob(filepath.Join(dir, streamPrefix+"*"+copySuffix))
	if err != nil || len(paths) == 0 {
		return nil, fault.New(fault.InvalidRequest, "%s: there are no copies of streams in it", dir)
	}
	err = withEngine(ctx, cfg, log, func(d *Daemon) error {
		for _, path := range paths {
			name := strings.TrimSuffix(filepath.Base(path), copySuffix)
			f, err := os.Open(path)
			if err != nil {
				return fileFault(err)
			}
			err = errors.Join(d.engine.Restore(ctx, name, f), f.Close())
			if err != nil {
				return err
			}
			streams = append(streams, name)
		}
		return nil
	})
	return streams, err
}

// withEngine calls f with a connection to the engine, and nothing else of a
// service.
func withEngine(ctx context.Context, cfg *config.Config, log *slog.Logger, f func(*Daemon) error) error {
	if cfg.Engine.URL == "" {
		return fault.New(fault.InvalidRequest, "engine.url isn't set: the embedded engine is backed up by copying the data directory, with the process stopped")
	}
	d := &Daemon{cfg: cfg, log: log}
	err := d.openEngine(ctx)
	if err == nil {
		err = f(d)
	}
	return errors.Join(err, d.close(context.WithoutCancel(ctx)))
}

// fileFault is an error about the operator's own files.
func fileFault(err error) error {
	if err == nil {
		return nil
	}
	return &fault.Error{Code: fault.InvalidRequest, Detail: err.Error(), Err: err}
}
