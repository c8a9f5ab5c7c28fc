package daemon

import (
	"context"
	"time"

	"provery/internal/config"
)

// steps returns what builds a process of the configured role, in order.
func (d *Daemon) steps() []func(context.Context) error {
	steps := []func(context.Context) error{
		d.openAdmin, d.openTracing, d.openKit, d.openStore, d.openSpool, d.openEngine, d.openQueue, d.openRegistry, d.openSeal, d.openCatalogue,
		d.buildTools, d.openCompilers,
	}
	if d.cfg.Role != config.RoleAPI {
		steps = append(steps, d.openBudget, d.buildCompilePool, d.buildPool)
	}
	if d.cfg.Role != config.RoleWorker {
		steps = append(steps, d.openWebhooks, d.openUploads, d.buildHandler, d.listen)
	}
	return steps
}

// drainMargin is how much longer than the jobs that they may wait for requests
// get to end.
const drainMargin = 5 * time.Second

// serve answers the API's requests, if this process has one, until ctx is done
// and those in progress have ended.
func (d *Daemon) serve(ctx context.Context) error {
	if d.handler == nil {
		<-ctx.Done()
		return nil
	}
	return d.handler.Serve(ctx, d.listener, d.cfg.DrainTimeout+drainMargin)
}
