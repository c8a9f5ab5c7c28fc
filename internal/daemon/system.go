package daemon

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"time"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/queue"
	"provery/internal/verify"
)

// Verify implements httpapi.Tools.
func (s *services) Verify(ctx context.Context, r api.VerifyRequest) (api.VerifyResult, error) {
	in := verify.Input{VerifyingKey: r.VerifyingKey, Proof: r.Proof, PublicInputs: r.PublicInputs}
	if r.Circuit != "" {
		c, err := s.d.registry.Resolve(ctx, r.Circuit)
		if err != nil {
			return api.VerifyResult{}, err
		}
		id := r.Keys
		if id == "" {
			id = string(verify.SchemeOf(r.Proof))
		}
		k, err := s.selectKeys(ctx, c.ID, id)
		if err != nil {
			return api.VerifyResult{}, err
		}
		if in.VerifyingKey, err = s.d.catalogue.VerifyingKey(ctx, k); err != nil {
			return api.VerifyResult{}, err
		}
	}
	valid, why, err := s.d.tools.Verify(ctx, in)
	return api.VerifyResult{Valid: valid, Reason: why}, err
}

// DryRun implements httpapi.Tools.
func (s *services) DryRun(ctx context.Context, ref string, r api.WitnessRequest) (api.WitnessResult, error) {
	c, err := s.d.registry.Resolve(ctx, ref)
	if err != nil {
		return api.WitnessResult{}, err
	}
	solution, witness, err := s.dryRun(ctx, c, &r)
	var f *fault.Error
	if errors.As(err, &f) && f.Code == fault.UnsatisfiedWitness {
		a := &api.Assertion{Message: f.Detail}
		if f.Position != nil {
			a.Position = &api.Position{File: f.Position.File, Line: f.Position.Line, Column: f.Position.Column}
		}
		return api.WitnessResult{Assertion: a, Logs: logsOf(solution)}, nil
	}
	if err != nil {
		return api.WitnessResult{}, underArguments(err)
	}
	return api.WitnessResult{Satisfied: true, Outputs: solution.Outputs, Logs: solution.Logs, Witness: witness}, nil
}

// About implements httpapi.System.
func (s *services) About(context.Context) api.About {
	d := s.d
	about := api.About{
		Service: "provery", Version: d.build.Version, Commit: d.build.Commit, GoVersion: runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH, Started: d.started.UTC(), Uptime: time.Since(d.started).Seconds(),
		Engine: "embedded", Frontends: d.frontends(),
	}
	if d.pool != nil {
		about.Workers = api.Workers{Slots: d.pool.Slots(), Threads: cmp.Or(d.cfg.Workers.Threads, d.budget.Config().Threads)}
	}
	if d.cfg.Engine.URL != "" {
		about.Engine = "external"
	}
	for _, b := range d.kit.Backends {
		about.Backends = append(about.Backends, api.Backend{Scheme: string(b.Scheme()), Curve: b.Curve().String()})
	}
	return about
}

// readyTimeout bounds the look at the engine: readiness answers fast.
const readyTimeout = 2 * time.Second

// Ready implements httpapi.System. A damaged file of one circuit doesn't make
// the service unready: the others still prove; it is listed all the same.
func (s *services) Ready(ctx context.Context) api.Readiness {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if why := s.d.starting.Load(); why != nil {
		return api.Readiness{Checks: []api.Check{*why}}
	}
	r := api.Readiness{Ready: true}
	check := func(name string, err error) {
		c := api.Check{Name: name, OK: err == nil}
		if err != nil {
			c.Detail, r.Ready = err.Error(), false
		}
		r.Checks = append(r.Checks, c)
	}
	err := s.d.engine.Healthy(ctx)
	if err == nil {
		err = s.d.queue.Healthy(ctx)
	}
	check("engine", err)
	check("disk", s.space())
	if s.d.bucket != nil {
		check("blobs", s.d.bucket.Healthy(ctx))
	}
	for _, damage := range s.d.registry.Health() {
		name := damage.Circuit.String()
		if len(damage.Names) > 0 {
			name = damage.Names[0]
		}
		r.Checks = append(r.Checks, api.Check{Name: "circuit " + name, Detail: damage.Detail})
	}
	return r
}

// minimumFree is the space below which nothing new is taken: what was accepted
// needs it to end well.
const minimumFree = 64 << 20

// space reports an error if the disk is almost full.
func (s *services) space() error {
	free, err := s.d.free()
	if err != nil {
		return fault.New(fault.Internal, "the data directory can't be read")
	}
	if free < minimumFree {
		return fault.New(fault.InsufficientStorage, "less than %d MiB are free for the data directory", minimumFree>>20)
	}
	return nil
}

// Queue implements httpapi.System.
func (s *services) Queue(context.Context) (api.QueueStats, error) {
	st := s.d.queue.Stats()
	return api.QueueStats{
		Queued: st.ByState[queue.Queued], Running: st.ByState[queue.Running], QueuedBytes: st.QueuedBytes,
		OldestSeconds: st.OldestWait.Seconds(), MaxJobs: s.d.cfg.Limits.MaxQueueJobs, MaxBytes: int64(s.d.cfg.Limits.MaxQueueBytes),
	}, nil
}
