package daemon

import (
	"context"

	"provery/api"
	"provery/internal/httpapi"
)

// openAdmin serves the admin listener, if there is one, from the beginning to
// the end: who looks after the process learns what it waits for while it starts,
// and that it drains.
func (d *Daemon) openAdmin(ctx context.Context) (err error) {
	d.starting.Store(&api.Check{Name: "start", Detail: "the process is starting"})
	if d.cfg.AdminListen == "" {
		return nil
	}
	if d.admin, err = d.listenOn("admin_listen", d.cfg.AdminListen); err != nil {
		return err
	}
	a := httpapi.NewAdmin(&services{d}, d.metrics.Handler(), d.log.With("part", "admin"))
	a.OnDrain(d.Drain)
	if d.cfg.AdminPprof {
		a.Profile()
	}
	d.stopsServing = a.Drain
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() {
		err := a.Serve(serving, d.admin, drainMargin)
		if err != nil {
			d.Drain(false)
		}
		ended <- err
	}()
	d.onClose(func(context.Context) error { stop(); return <-ended })
	d.log.Info("admin listener", "address", d.AdminAddr())
	return nil
}

// waitFor tells of what the start waits for, and why.
func (d *Daemon) waitFor(what string, err error) {
	d.log.Warn("waiting for the "+what, "error", err)
	d.starting.Store(&api.Check{Name: "start", Detail: "waiting for the " + what + ": " + err.Error()})
}
