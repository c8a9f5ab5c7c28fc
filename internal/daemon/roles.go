package daemon

import (
	"context"
	"sync"
	"time"

	"provery/internal/config"
	"provery/internal/httpapi"
)

// steps returns what builds a process of the configured role, in order.
func (d *Daemon) steps() []func(context.Context) error {
	steps := []func(context.Context) error{
		d.openTracing, d.openKit, d.openStore, d.openSpool, d.openEngine, d.openQueue, d.openRegistry, d.openSeal, d.openCatalogue,
		d.buildTools, d.openCompilers,
	}
	if d.cfg.Role != config.RoleAPI {
		steps = append(steps, d.openBudget, d.buildCompilePool, d.buildPool)
	}
	if d.cfg.Role != config.RoleWorker {
		steps = append(steps, d.openWebhooks, d.openUploads, d.buildHandler, d.listen)
	}
	if d.cfg.AdminListen != "" {
		steps = append(steps, d.listenAdmin)
	}
	return steps
}

func (d *Daemon) listenAdmin(context.Context) (err error) {
	d.admin, err = d.listenOn("admin_listen", d.cfg.AdminListen)
	return err
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

// startAdmin answers the admin listener's requests until end is called: also
// while the process drains, of which /readyz tells from the end of ctx on. A
// failure is reported by calling failed.
func (d *Daemon) startAdmin(ctx context.Context, failed func()) (end func() error) {
	if d.admin == nil {
		return func() error { return nil }
	}
	a := httpapi.NewAdmin(&services{d}, d.metrics.Handler(), d.log.With("part", "admin"))
	a.OnDrain(d.Drain)
	if d.cfg.AdminPprof {
		a.Profile()
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, a.Drain)
	var (
		wg  sync.WaitGroup
		err error
	)
	wg.Go(func() {
		if err = a.Serve(serving, d.admin, drainMargin); err != nil {
			failed()
		}
	})
	return func() error {
		stop()
		wg.Wait()
		unhook()
		return err
	}
}
