package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"provery/internal/fault"
)

// RunOptions say what to measure.
type RunOptions struct {
	Workloads []Workload
	// Repeat is the number of runs that count of each workload and number of
	// threads, after one that doesn't.
	Repeat int
	// Threads are the numbers of threads of a proof.
	Threads []int
	// Limit bounds the whole; 0 is no bound. What isn't done by then is left
	// out, and said so.
	Limit time.Duration
	// Memory bounds the processes that are alive together; 0 is half of the
	// machine's.
	Memory int64
}

// numArguments is how many argument lists a process is given to prove in turn.
const numArguments = 8

// runner measures workloads.
type runner struct {
	lab     *Lab
	o       RunOptions
	until   time.Time // zero: no limit
	results []*running
	skipped []Skip
}

// running is a workload that is measured.
type running struct {
	w     Workload
	m     material
	r     Result
	lanes []*lane
}

// lane is a process that measures a workload at a number of threads.
type lane struct {
	of   *running
	s    *session
	l    Lane
	last time.Duration // that the last run took
}

// Run measures the workloads in rounds: each of them once, then each once more.
// It returns what it has when the limit is over. It fails if ctx is done, or if
// nothing could be measured at all.
func (l *Lab) Run(ctx context.Context, o RunOptions) ([]Result, []Skip, error) {
	if o.Repeat < 1 || len(o.Threads) == 0 || slices.Min(o.Threads) < 1 {
		return nil, nil, fault.New(fault.InvalidRequest, "at least one repetition and one thread are needed")
	}
	if o.Memory == 0 {
		o.Memory = ThisMachine().Memory / 2
	}
	r := &runner{lab: l, o: o}
	limited := ctx
	if o.Limit > 0 {
		r.until = time.Now().Add(o.Limit)
		var cancel context.CancelFunc
		limited, cancel = context.WithDeadline(ctx, r.until)
		defer cancel()
	}
	for _, w := range o.Workloads {
		r.prepare(limited, w)
	}
	left := r.results
	for _, group := range r.groups() {
		r.measure(limited, group, float64(points(group))/float64(points(left)))
		left = left[len(group):]
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	return r.outcome()
}

// outcome returns the results of what was measured at least once.
func (r *runner) outcome() (out []Result, skipped []Skip, err error) {
	for _, w := range r.results {
		for _, l := range w.lanes {
			if len(l.l.Runs) > 0 {
				w.r.Lanes = append(w.r.Lanes, l.l)
			}
		}
		if len(w.r.Lanes) > 0 {
			out = append(out, w.r)
		}
	}
	if len(out) == 0 {
		return nil, r.skipped, withReasons("nothing could be measured", r.skipped)
	}
	return out, r.skipped, nil
}

// withReasons returns an error that says what was left out and why, a line each.
func withReasons(text string, skipped []Skip) error {
	why := errors.New(text)
	for _, s := range skipped {
		why = fmt.Errorf("%w\n%s: %s", why, s.Name, s.Why)
	}
	return why
}

func (r *runner) skip(name string, err error) {
	why := err.Error()
	if errors.Is(err, context.DeadlineExceeded) {
		why = "the time was over"
	}
	r.skipped = append(r.skipped, Skip{name, why})
	r.lab.say("%s: left out: %s", name, why)
}

// material returns the workload as children need it.
func (l *Lab) material(w Workload) (material, error) {
	w = w.in(l.Cache)
	m := material{Frontend: w.Frontend, Files: w.Files, Key: w.Key, SetUpKey: w.SetUpKey, Synthetic: w.Synthetic, Cache: l.prepared()}
	if name := w.Missing(l.Cache); name != "" {
		if inside, err := filepath.Rel(l.Cache, name); err == nil {
			name = inside // reports are shown to others
		}
		return m, fault.New(fault.NotFound, "%s isn't there: %s makes it", name, w.Make)
	}
	seen := map[string]bool{}
	for i := range numArguments {
		a, err := w.Arguments(i)
		if err != nil {
			return m, err
		}
		if seen[string(a)] {
			break
		}
		seen[string(a)], m.Arguments = true, append(m.Arguments, json.RawMessage(a))
	}
	return m, nil
}

// prepareWorkload prepares a workload in a process of its own.
func (l *Lab) prepareWorkload(ctx context.Context, w Workload) (*running, error) {
	m, err := l.material(w)
	if err != nil {
		return nil, err
	}
	l.say("preparing %s", w.Name)
	reply, err := l.once(ctx, sizing{}, &request{Prepare: &m})
	if err != nil {
		return nil, err
	}
	p := *reply.Prepared
	return &running{w: w, m: m, r: Result{
		Name: w.Name, Title: w.Title, Signatures: w.Signatures, Scheme: "groth16", Statistics: p.Statistics, Prepared: p,
	}}, nil
}

// Prepare prepares the workloads, which makes the keys of synthetic ones.
func (l *Lab) Prepare(ctx context.Context, workloads []Workload) error {
	for _, w := range workloads {
		w, err := l.prepareWorkload(ctx, w)
		if err != nil {
			return err
		}
		l.say("%s: %d constraints, key of %.1f MiB, made in %.1f s", w.w.Name, w.r.Statistics.Constraints, mib(w.r.Prepared.Mapped), w.r.Prepared.Setup.Wall)
	}
	return nil
}

func (r *runner) prepare(ctx context.Context, w Workload) {
	p, err := r.lab.prepareWorkload(ctx, w)
	if err != nil {
		r.skip(w.Name, err)
		return
	}
	r.results = append(r.results, p)
}

// groups divides the workloads, in order, so that the processes of a group fit
// the memory together.
func (r *runner) groups() (out [][]*running) {
	var used int64
	for _, w := range r.results {
		needs := w.memory(len(r.o.Threads))
		if len(out) == 0 || used+needs > r.o.Memory {
			out, used = append(out, nil), 0
		}
		out[len(out)-1] = append(out[len(out)-1], w)
		used += needs
	}
	return out
}

// memory estimates what the processes of a workload need.
func (w *running) memory(lanes int) int64 {
	const base, each = 64 << 20, 640
	p := &w.r.Prepared
	return p.Compact + p.Mapped + int64(lanes)*(base+each*int64(domain(w.r.Statistics)))
}

// points adds up the domains' sizes, which the time for a round goes with.
func points(group []*running) (n int) {
	for _, w := range group {
		n += domain(w.r.Statistics)
	}
	return n
}

// measure measures one group, which has that share of the time that is left.
func (r *runner) measure(ctx context.Context, group []*running, share float64) {
	until := r.until
	if !until.IsZero() {
		until = time.Now().Add(time.Duration(float64(time.Until(r.until)) * share))
	}
	var lanes []*lane
	for _, w := range group {
		for _, threads := range r.o.Threads {
			l, err := r.open(ctx, w, threads)
			if err != nil {
				r.skip(w.w.Name+", "+threadCount(threads), err)
				continue
			}
			defer l.s.close()
			w.lanes, lanes = append(w.lanes, l), append(lanes, l)
		}
	}
	for round := range r.o.Repeat {
		var took time.Duration
		for _, l := range lanes {
			took += l.last
		}
		if round > 0 && (ctx.Err() != nil || !until.IsZero() && time.Now().Add(took).After(until)) {
			r.skipped = append(r.skipped, Skip{"repetitions", fmt.Sprintf("%d of %d: the time was over", round, r.o.Repeat)})
			r.lab.say("stopping after %d of %d rounds: the time is over", round, r.o.Repeat)
			return
		}
		r.lab.say("round %d of %d, about %.0f s", round+1, r.o.Repeat, took.Seconds())
		lanes = slices.DeleteFunc(lanes, func(l *lane) bool { return !r.round(ctx, l, round) })
	}
}

// round runs a lane once, and reports whether it goes on.
func (r *runner) round(ctx context.Context, l *lane, round int) bool {
	run, err := l.run(ctx, round+1)
	if err != nil {
		if ctx.Err() != nil && round > 0 {
			return false // measure says how many rounds there are
		}
		r.skip(fmt.Sprintf("%s, %s, round %d", l.of.w.Name, threadCount(l.l.Threads), round+1), err)
		return false
	}
	l.l.Runs = append(l.l.Runs, *run)
	return true
}

// open starts a lane's process, opens the workload in it and warms it up.
func (r *runner) open(ctx context.Context, w *running, threads int) (_ *lane, err error) {
	r.lab.say("warming up %s, %s", w.w.Name, threadCount(threads))
	l := &lane{of: w, l: Lane{Threads: threads, Mapped: w.r.Prepared.Compact + w.r.Prepared.Mapped}}
	if l.s, err = r.lab.start(ctx, sizing{threads: threads}); err != nil {
		return nil, err
	}
	reply, err := l.s.ask(ctx, &request{Open: &openRequest{w.m, w.r.Prepared}})
	if err != nil {
		return nil, errors.Join(err, l.s.close())
	}
	l.l.Open, w.r.Curve, w.r.Domain = reply.Opened.Cost, reply.Opened.Curve, reply.Opened.Domain
	warm, err := l.run(ctx, 0)
	if err != nil {
		return nil, errors.Join(err, l.s.close())
	}
	l.l.Warm = *warm
	if w.r.Bound == nil {
		if err := r.bound(ctx, w); err != nil {
			return nil, errors.Join(err, l.s.close())
		}
	}
	return l, nil
}

// bound computes the workload's bound, in a process of its own, since it takes
// memory.
func (r *runner) bound(ctx context.Context, w *running) error {
	s, err := r.lab.start(ctx, sizing{threads: 1})
	if err != nil {
		return err
	}
	defer s.close()
	if _, err := openIn(ctx, s, w); err != nil {
		return err
	}
	reply, err := s.ask(ctx, &request{Bound: true})
	if err == nil {
		w.r.Bound = reply.Bound
	}
	return err
}

// run makes one proof.
func (l *lane) run(ctx context.Context, index int) (*Run, error) {
	start := time.Now()
	reply, err := l.s.ask(ctx, &request{Run: &runRequest{Index: index, Threads: l.l.Threads}})
	if err != nil {
		return nil, err
	}
	l.last, l.l.Peak = time.Since(start), reply.Peak
	return reply.Run, nil
}
