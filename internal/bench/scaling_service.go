package bench

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"provery/api"
	"provery/client"
	"provery/internal/bench/stats"
	"provery/internal/fault"
	"provery/internal/queue"
)

// ServiceOptions say how a service that runs elsewhere, in containers or in a
// cluster, is measured at several numbers of workers.
type ServiceOptions struct {
	// Clients are of the same service: requests go to each of them in turn.
	Clients []*client.Client
	// Circuit is the reference of a registered circuit to prove. Without one,
	// the workload is registered; with one, only its arguments are used.
	Circuit  string
	Workload Workload
	// Workers are the numbers of workers, and Scale starts or ends some of
	// them, so that there will be n. Nil: there are as many as Workers says,
	// which is one number then.
	Workers []int
	Scale   func(ctx context.Context, n int) error
	// Rounds is how many times all numbers are gone through, so that a machine
	// that gets slower for a while does so for all of them.
	Rounds int
	// PerSlot is the number of requests that are under way for each proof at a
	// time of the workers: more than 1, so that they never wait for work.
	PerSlot int
	// Settle bounds the wait until the service has so many workers.
	Settle time.Duration
	// Limit bounds the whole, but for requests that are under way then, and
	// Enough the proofs of a point in a round; 0 is none.
	Limit  time.Duration
	Enough int
}

// ServicePoint is what a point tells of workers that are elsewhere.
type ServicePoint struct {
	Slots int `json:"slots"` // proofs at a time of all workers together
	// Rates are the proofs a second of blocks of proofs that ended one after
	// another, of all rounds.
	Rates []float64 `json:"rates"`
	// Busy is the median of the seconds that a worker spent on a proof: to open,
	// witness, prove and check.
	Busy float64 `json:"busy_seconds"`
	busy []float64
	// Least and Most are the proofs that one worker made while it was measured.
	Least int `json:"least"`
	Most  int `json:"most"`
	// Efficiency is the rate over that of the first point, times the ratio of
	// the workers. The first point has none.
	Efficiency *Estimate `json:"efficiency,omitempty"`
}

// Estimate is a value with an interval.
type Estimate struct {
	Value      float64 `json:"value"`
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	Confidence float64 `json:"confidence"`
}

// blocks is how many parts a round of a point is cut into, if there are proofs
// enough.
const blocks = 10

// measured is a running service under measurement.
type measured struct {
	lab     *Lab
	o       ServiceOptions
	circuit string
	asked   atomic.Int64 // requests so far: no arguments are proven twice
}

// ScaleService measures a running service at each number of workers: how many
// proofs a second it makes while there are always some waiting. Each number of
// workers gets an equal share of the time that is left, in which it is scaled,
// warmed up, until every worker has made a proof, and measured.
func (l *Lab) ScaleService(ctx context.Context, o ServiceOptions) (*Scaling, []Skip, error) {
	if o.Limit <= 0 || o.Rounds < 1 || o.PerSlot < 1 || len(o.Clients) == 0 || len(o.Workers) == 0 || slices.Min(o.Workers) < 1 {
		return nil, nil, fault.New(fault.InvalidRequest, "a service is measured with numbers of workers, rounds and requests of at least 1, and a limit of time")
	}
	if o.Scale == nil && len(o.Workers) != 1 {
		return nil, nil, fault.New(fault.InvalidRequest, "several numbers of workers need a command that scales")
	}
	until := time.Now().Add(o.Limit)
	m := &measured{lab: l, o: o}
	out, err := m.prepare(ctx)
	if err != nil {
		return nil, nil, err
	}
	e := &out.Experiments[0]
	left := o.Rounds * len(o.Workers)
	for round := range o.Rounds {
		for i := range e.Points {
			p := &e.Points[i]
			share := time.Until(until) / time.Duration(left)
			left--
			if p.Failure != "" {
				continue
			}
			l.say("round %d of %d: %d workers, about %.0f s", round+1, o.Rounds, p.Processes, share.Seconds())
			if err := m.point(ctx, p, share); err != nil {
				p.Failure = err.Error()
				l.say("%d workers: %s", p.Processes, p.Failure)
			}
		}
	}
	return out, e.compare(), ctx.Err()
}

// prepare finds or registers the circuit and returns the report to fill in.
func (m *measured) prepare(ctx context.Context) (*Scaling, error) {
	cl := m.o.Clients[0]
	about, err := cl.About(ctx)
	if err != nil {
		return nil, err
	}
	var circuit *api.Circuit
	if m.o.Circuit != "" {
		circuit, err = cl.Circuit(ctx, m.o.Circuit)
	} else {
		circuit, err = m.register(ctx)
	}
	if err != nil {
		return nil, err
	}
	m.circuit = circuit.ID
	w := &m.o.Workload
	out := &Scaling{Workload: w.Name, Title: w.Title, Signatures: w.Signatures, Constraints: circuit.Statistics.Constraints}
	e := Experiment{
		Name: ByService, Title: "throughput against the workers of a service", X: "workers",
		How: fmt.Sprintf("version %s, %s engine, %d requests under way for each proof at a time", about.Version, about.Engine, m.o.PerSlot),
	}
	for _, n := range m.o.Workers {
		e.Points = append(e.Points, Point{X: float64(n), Processes: n, Service: &ServicePoint{}})
	}
	out.Experiments = []Experiment{e}
	return out, nil
}

// register registers the workload, which stays there.
func (m *measured) register(ctx context.Context) (*api.Circuit, error) {
	if m.o.Workload.Synthetic != nil {
		return nil, fault.New(fault.Unsupported, "synthetic systems can't be registered with a service")
	}
	files, err := m.lab.material(m.o.Workload)
	if err != nil {
		return nil, err
	}
	m.lab.say("registering %s", m.o.Workload.Name)
	return register(ctx, m.o.Clients[0], &files, "bench-"+m.o.Workload.Name)
}

// point measures one number of workers for one round.
func (m *measured) point(ctx context.Context, p *Point, share time.Duration) error {
	until := time.Now().Add(share)
	// What is under way at the end is finished, and a point that can't begin
	// leaves time for the others.
	ctx, cancel := context.WithDeadline(ctx, until.Add(m.o.Settle))
	defer cancel()
	there, err := m.scale(ctx, p.Processes)
	if err != nil {
		return err
	}
	p.Service.Slots, p.Parallel = there.slots, there.slots*m.o.PerSlot
	l := startPressure(ctx, p.Parallel, m.prove)
	defer l.stop()
	if err := l.warm(ctx, len(there.names), 2*there.slots); err != nil {
		return err
	}
	run, err := l.measure(ctx, time.Until(until), m.o.Enough)
	if err != nil {
		return err
	}
	return p.add(run)
}

// crew is what a service says of its workers.
type crew struct {
	workers, slots int
	names          map[string]bool // fewer than workers where several share a host
}

// scale lets there be n workers and returns what is known of them.
func (m *measured) scale(ctx context.Context, n int) (crew, error) {
	if m.o.Scale != nil {
		if err := m.o.Scale(ctx, n); err != nil {
			return crew{}, err
		}
	}
	waiting, cancel := context.WithTimeout(ctx, m.o.Settle)
	defer cancel()
	tick := time.NewTicker(settleStep)
	defer tick.Stop()
	for seen := "nothing was heard of them"; ; {
		there, err := m.seen(waiting)
		switch {
		case err == nil && there.workers == n:
			return there, nil
		case err == nil:
			seen = fmt.Sprintf("there are %d", there.workers)
		case waiting.Err() == nil:
			seen = err.Error() // a service in change may refuse for a moment
		}
		select {
		case <-tick.C:
		case <-waiting.Done():
			return crew{}, fmt.Errorf("wait for %d workers that prove: %s: %w", n, seen, waiting.Err())
		}
	}
}

// settleStep is how often the service is asked for its workers.
const settleStep = time.Second

// seen returns the workers that take proofs.
func (m *measured) seen(ctx context.Context) (crew, error) {
	list, err := m.o.Clients[0].Workers(ctx)
	there := crew{names: map[string]bool{}}
	for _, w := range list {
		if slices.Contains(w.Kinds, queue.KindProof) && w.Slots > 0 {
			there.workers, there.slots, there.names[w.Name] = there.workers+1, there.slots+w.Slots, true
		}
	}
	return there, err
}

// prove asks for a proof of arguments that weren't asked for before, as far as
// there are such.
func (m *measured) prove(ctx context.Context) (*api.Proof, error) {
	i := int(m.asked.Add(1)) - 1
	arguments, err := m.o.Workload.Arguments(i)
	if err != nil {
		return nil, err
	}
	cl := m.o.Clients[i%len(m.o.Clients)]
	return cl.Prove(ctx, api.ProofRequest{Circuit: m.circuit, Arguments: arguments})
}

// add adds what was measured in a round.
func (p *Point) add(run []ended) error {
	first, rest := run[0], run[1:]
	if len(rest) == 0 {
		return fault.New(fault.DeadlineExceeded, "no proof ended while it was measured: it needs more time")
	}
	s := p.Service
	by := map[string]int{}
	peaks := map[string]int64{}
	for _, e := range rest {
		by[e.worker]++
		peaks[e.worker] = max(peaks[e.worker], e.peak)
		s.busy = append(s.busy, e.busy)
		p.Latencies = append(p.Latencies, e.took.Seconds())
	}
	var memory int64
	for w, peak := range peaks {
		memory += peak
		if s.Least == 0 || by[w] < s.Least {
			s.Least = by[w]
		}
		s.Most = max(s.Most, by[w])
	}
	p.Memory = max(p.Memory, memory)
	p.Proofs += len(rest)
	p.Wall += rest[len(rest)-1].at.Sub(first.at).Seconds()
	s.Busy = stats.Summarize(s.busy).Median
	s.Rates = append(s.Rates, rates(run)...)
	return nil
}

// rates cuts a run of proofs, of which the first begins it, into blocks of
// equal numbers of them and returns each one's rate.
func rates(run []ended) (out []float64) {
	n := len(run) - 1
	k := max(1, min(blocks, n/4))
	for i := range k {
		from, to := i*n/k, (i+1)*n/k
		if seconds := run[to].at.Sub(run[from].at).Seconds(); seconds > 0 {
			out = append(out, float64(to-from)/seconds)
		}
	}
	return out
}

// compare fills the efficiencies in and returns what is missing.
func (e *Experiment) compare() (skipped []Skip) {
	base := &e.Points[0]
	for i := range e.Points {
		p := &e.Points[i]
		if p.Failure != "" {
			skipped = append(skipped, Skip{fmt.Sprintf("%s, %g", e.Title, p.X), p.Failure})
		}
		if i == 0 || p.Failure != "" || base.Failure != "" {
			continue
		}
		expected := make([]float64, len(base.Service.Rates))
		for k, r := range base.Service.Rates {
			expected[k] = r * p.X / base.X
		}
		value, interval := stats.Ratio(expected, p.Service.Rates)
		p.Service.Efficiency = &Estimate{value, interval.Low, interval.High, interval.Confidence}
	}
	return skipped
}
