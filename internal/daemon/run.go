package daemon

import (
	"context"
	"errors"
	"sync"
	"time"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/worker"
)

// Drain makes Run end as if its context had. If now is set the jobs in work are
// handed back at once, instead of being given the drain time: for a machine that
// is about to be taken away. It may be called at any time, also while Run
// drains.
func (d *Daemon) Drain(now bool) {
	if now && d.starting.Load() == nil {
		for _, p := range []*worker.Pool{d.pool, d.compilePool} {
			if p != nil {
				p.HandBack()
			}
		}
	}
	d.leave.Do(func() { close(d.leaving) })
}

// Run serves until ctx is done or Drain is called, then drains: no new work is taken, waiting
// requests are answered, running proofs get the drain time, and what isn't
// done by then is handed back to the queue. It closes everything.
func (d *Daemon) Run(ctx context.Context) error {
	working, stop := context.WithCancel(ctx)
	defer stop()
	var background sync.WaitGroup
	background.Go(func() {
		select {
		case <-d.leaving:
			stop()
		case <-working.Done():
		}
	})
	background.Go(func() { d.followSealKeys(working) })
	if d.pool != nil {
		background.Go(func() { d.pool.Run(working) })
	}
	if d.compilePool != nil {
		background.Go(func() { d.compilePool.Run(working) })
	}
	if d.handler != nil {
		d.webhooks.Load().Start()
		background.Go(func() { d.checkFiles(working) })
		background.Go(func() { d.uploads.Run(working) })
	}
	d.log.Info("serving", "address", d.Addr(), "role", d.cfg.Role, "admin", d.AdminAddr(), "data", d.cfg.DataDir, "version", d.build.Version)
	defer context.AfterFunc(working, func() {
		d.log.Info("stopping: nothing new is taken, running jobs are finished", "drain", d.cfg.DrainTimeout)
	})()
	defer context.AfterFunc(working, d.stopsServing)()
	err := d.serve(working)
	stop()
	background.Wait()
	return errors.Join(fault.Wrap(err, fault.Internal, "serve HTTP"), d.close(context.WithoutCancel(ctx)))
}

// checkFiles hashes all stored files once, so that /readyz names damaged ones
// before somebody needs them. It leaves a bucket alone: every process would
// download all of it.
func (d *Daemon) checkFiles(ctx context.Context) {
	if d.bucket != nil {
		return
	}
	if err := d.registry.Verify(ctx); err != nil {
		return // the service stops
	}
	for _, damage := range d.registry.Health() {
		d.log.Error("a stored file is damaged: register it again", "circuit", damage.Circuit, "names", damage.Names, "detail", damage.Detail)
	}
}

// closeTimeout bounds the closing of all parts together.
const closeTimeout = 15 * time.Second

func (d *Daemon) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	d.starting.Store(&api.Check{Name: "stop", Detail: "the process is stopping"}) // nobody looks at parts that are closed
	var errs []error
	for i := len(d.closers) - 1; i >= 0; i-- {
		errs = append(errs, d.closers[i](ctx))
	}
	d.closers = nil
	return errors.Join(errs...)
}
