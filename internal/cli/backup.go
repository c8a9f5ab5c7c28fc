package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"provery/internal/config"
	"provery/internal/daemon"
	"provery/internal/telemetry"
)

// engineFlags say which engine a command is about.
type engineFlags struct {
	Config string            `help:"Configuration file of the service, for its engine." placeholder:"FILE" env:"PROVERY_CONFIG"`
	Set    map[string]string `help:"A setting, such as engine.url=nats://nats:4222." placeholder:"KEY=VALUE"`
	Dir    string            `arg:"" help:"Directory of the copies."`
}

type backupCommand struct{ engineFlags }

// Run copies a running service's records.
func (c *backupCommand) Run(ctx context.Context, e *env) error {
	return c.run(e, "copied", "The blobs (circuits, keys) and the sealing keys aren't in it: copy them next, the keys apart.",
		func(cfg *config.Config, log *slog.Logger) ([]string, error) {
			return daemon.Backup(ctx, cfg, log, c.Dir)
		})
}

type restoreCommand struct{ engineFlags }

// Run makes the records of a service anew.
func (c *restoreCommand) Run(ctx context.Context, e *env) error {
	return c.run(e, "restored", "Put the blobs and the sealing keys in their places, then start an API process and look at 'provery health'.",
		func(cfg *config.Config, log *slog.Logger) ([]string, error) {
			return daemon.Restore(ctx, cfg, log, c.Dir)
		})
}

func (c *engineFlags) run(e *env, done, next string, do func(*config.Config, *slog.Logger) ([]string, error)) error {
	cfg, err := config.Load(config.Sources{File: c.Config, Environ: e.Environ, Flags: func(cfg *config.Config) error { return cfg.SetAll(c.Set) }})
	if err != nil {
		return err
	}
	log, err := telemetry.NewLogger(io.Writer(e.Stderr), max(cfg.Log.Level, slog.LevelWarn), cfg.Log.Format)
	if err != nil {
		return err
	}
	streams, err := do(cfg, log)
	for _, name := range streams {
		if err == nil {
			fmt.Fprintf(e.Stdout, "%s  %s\n", done, name)
		}
	}
	if err == nil {
		fmt.Fprintln(e.Stdout, next)
	}
	return err
}
