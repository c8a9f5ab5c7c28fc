package scalesim

import (
	"cmp"
	"container/heap"
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"provery/internal/fault"
)

// Run says what to simulate of a model.
type Run struct {
	// Load is what comes in, as a part of what the workers could prove if they
	// did nothing else, at random moments (Poisson). 0: there are always Waiting
	// requests under way for each worker.
	Load    float64
	Waiting int
	// Queue is how many jobs may wait; requests beyond it are refused. 0: 10,000,
	// the service's default.
	Queue int
	// Jobs is how many of them count; as many before them don't.
	Jobs int
	Seed uint64
}

// Result is what came out. Times are seconds.
type Result struct {
	// Rate is in proofs a second, of all cells, and Efficiency its ratio to
	// what the workers could prove if they did nothing else.
	Rate       float64 `json:"rate"`
	Efficiency float64 `json:"efficiency"`
	// Wait is from the acceptance of a job to the start of its proof, and Accept
	// from the request to the acceptance.
	Wait   Times `json:"wait"`
	Accept Times `json:"accept"`
	// Late is the number of claims for each job that came too late.
	Late float64 `json:"late_claims"`
	// Refused is the part of the requests that were refused.
	Refused float64 `json:"refused"`
	// Used is the part of each thing that was in use.
	Used map[string]float64 `json:"used"`
	// First is what is used most, if that is more than nine tenths.
	First string `json:"first,omitempty"`
	Jobs  int    `json:"jobs"`
}

// Times are those of many jobs.
type Times struct {
	Mean float64 `json:"mean"`
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
}

func timesOf(v []float64) Times {
	if len(v) == 0 {
		return Times{}
	}
	slices.Sort(v)
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return Times{sum / float64(len(v)), v[(len(v)-1)/2], v[(len(v)-1)*99/100]}
}

// job is one that was asked for.
type job struct {
	number                   int // in the order of acceptance, from 1
	asked, accepted, started float64
	claimed                  bool
	known                    float64 // when everybody has heard that it is claimed
}

// event is something that happens at a moment.
type event struct {
	at  float64
	seq uint64 // of what happens at one moment, the first that was planned is first
	do  func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, k int) bool {
	return e[i].at < e[k].at || e[i].at == e[k].at && e[i].seq < e[k].seq
}
func (e events) Swap(i, k int) { e[i], e[k] = e[k], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// sim is a simulation of one cell under way.
type sim struct {
	m   Model
	run Run
	rng *rand.Rand

	now    float64
	events events
	seq    uint64

	api, cpu, network *station
	streams           []*station

	waiting   []*job  // accepted, in this order; those known as claimed are dropped at the front
	accepted  int     // jobs so far
	idle      int     // workers
	changed   float64 // when the last records changed, and
	changeFor float64 // how much time a worker gives to such news at present, as a part
	late      int

	from           float64 // when what counts began
	ended          int
	came, refused  int // requests
	inside         int // jobs that have come and not ended, if they come at random
	waits, accepts []float64
	busy           float64 // seconds of workers since then
}

// Simulate runs a model. The same seed gives the same result.
func Simulate(ctx context.Context, m Model, r Run) (*Result, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	if r.Jobs < 1 || r.Load < 0 || r.Load == 0 && r.Waiting < 1 {
		return nil, fault.New(fault.InvalidRequest, "a simulation needs jobs, and a load or requests that wait")
	}
	cells := float64(m.Engine.Cells)
	c := m.cell()
	ideal := float64(m.Workers) / m.Proof
	if c.beating() >= 1 { // nothing else gets through
		return &Result{Used: map[string]float64{Processors: 1}, First: Processors}, nil
	}
	s := newSim(c, r)
	s.begin()
	for n := 0; s.ended < 2*r.Jobs && len(s.events) > 0; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return nil, fault.Wrap(ctx.Err(), fault.CodeOf(ctx.Err()), "simulate")
		}
		e := heap.Pop(&s.events).(event)
		s.now = e.at
		e.do()
	}
	out := s.result()
	out.Rate *= cells * float64(m.Pieces)
	out.Efficiency = out.Rate / ideal
	return out, nil
}

func newSim(m Model, r Run) *sim {
	e := &m.Engine
	slower := 1 / (1 - m.beating())
	s := &sim{
		m: m, run: r, rng: rand.New(rand.NewPCG(r.Seed, 0x9e3779b97f4a7c15)), idle: m.Workers,
		api: newStation(m.API.Cores, 1), cpu: newStation(e.Cores, slower), network: newStation(1, 1),
	}
	for range e.Streams {
		s.streams = append(s.streams, newStation(1, 1))
	}
	return s
}

// after plans something.
func (s *sim) after(d float64, do func()) { s.at(s.now+d, do) }

func (s *sim) at(t float64, do func()) {
	s.seq++
	heap.Push(&s.events, event{t, s.seq, do})
}

// begin plans the first requests.
func (s *sim) begin() {
	if s.run.Load == 0 {
		for range s.run.Waiting * s.m.Workers {
			s.after(s.rng.Float64()*s.m.Proof, s.ask)
		}
		return
	}
	mean := s.m.Proof * float64(s.m.Pieces) / (s.run.Load * float64(s.m.Workers))
	var next func()
	next = func() {
		s.came++
		if s.inside >= s.m.Workers+cmp.Or(s.run.Queue, 10_000) {
			s.refused++
		} else {
			s.inside++
			s.ask()
		}
		s.after(s.rng.ExpFloat64()*mean, next)
	}
	s.after(0, next)
}

// ask is a request that reaches an API process: it writes the job's record.
func (s *sim) ask() {
	j := &job{asked: s.now, known: math.Inf(1)}
	s.at(s.api.serve(s.now, s.m.API.Request), func() {
		part := 1.0
		if b := s.m.Engine.Batch; b > 1 && s.rng.IntN(b) > 0 {
			part = 0 // another job of its batch pays for the write
		}
		s.write(part, func(float64) { s.accept(j) })
	})
}

// write lets the engine write a record, tells everybody of the change, and calls
// then when the writer hears that it is done, with the moment at which the last
// process hears of it.
func (s *sim) write(part float64, then func(known float64)) {
	s.after(s.m.Trip/2, func() { s.store(part, then) })
}

// store is write, at the engine.
func (s *sim) store(part float64, then func(known float64)) {
	e := &s.m.Engine
	s.at(s.cpu.serve(s.now, part*e.Write), func() {
		s.at(s.streams[s.rng.IntN(len(s.streams))].serve(s.now, part*e.Sync), func() {
			n := s.m.listeners()
			// The answer leaves before the news of this change, and after those of
			// earlier ones.
			answer := s.network.serve(s.now, e.Bytes/e.Network)
			known := max(s.cpu.share(s.now, n*e.Deliver), s.network.serve(s.now, n*e.Bytes/e.Network)) + s.m.Trip/2
			s.hear()
			s.at(answer+s.m.Trip/2, func() { then(known) })
		})
	})
}

// hear notes a change for the time that workers spend on hearing of it: the
// mean of the last second or so.
func (s *sim) hear() {
	const memory = 1.0
	if s.m.Engine.Followers {
		s.changeFor = s.changeFor*math.Exp(-(s.now-s.changed)/memory) + s.m.Follow/memory
		s.changed = s.now
	}
}

// accept makes a job visible to the workers.
func (s *sim) accept(j *job) {
	s.accepted++
	j.accepted, j.number = s.now, s.accepted
	s.waiting = append(s.waiting, j)
	if !s.m.Engine.Followers { // it is handed out
		s.attempt(j, 1)
		return
	}
	// The first few of the job's own order are free to take it at once, if they
	// are idle, and all others after the hold.
	idle, left := s.idle, s.m.Workers
	for r := 0; r < left && float64(r)*s.m.Rank < s.m.Hold; r++ {
		if s.rng.IntN(left-r) < idle {
			idle--
			s.after(float64(r)*s.m.Rank, func() { s.attempt(j, 1) })
		}
	}
	s.after(s.m.Hold, func() { s.attempt(j, s.idle) })
}

// attempt lets so many idle workers claim the job, unless they know by now that
// it is taken.
func (s *sim) attempt(j *job, workers int) {
	if workers = min(workers, s.idle); workers > 0 && s.now < j.known {
		s.idle -= workers
		s.claim(j, workers)
	}
}

// claim is the attempt of so many workers at once to get a job. One at most
// gets it. The others come back together, and look on behind it.
func (s *sim) claim(j *job, workers int) {
	if !s.m.Engine.Followers {
		j.known = s.now // by who hands out
	}
	s.after(s.m.Trip/2, func() {
		losers := workers
		if !j.claimed {
			j.claimed = true
			losers--
			s.store(1, func(known float64) {
				j.known = min(j.known, known)
				s.start(j)
			})
		}
		s.late += losers
		if losers > 0 {
			end := s.cpu.share(s.now, float64(losers)*s.m.Engine.Refuse)
			s.at(end+s.m.Trip/2, func() { s.look(losers, j.number) })
		}
	})
}

// look lets workers that have nothing to do choose the oldest job that they
// don't know to be taken, behind the one of a number; or each of them one of the
// first few of those, if the model scatters them.
func (s *sim) look(workers, behind int) {
	for len(s.waiting) > 0 && s.now >= s.waiting[0].known {
		s.waiting = s.waiting[1:]
	}
	first := 0
	if s.m.Scatter <= 1 {
		first, _ = slices.BinarySearchFunc(s.waiting, behind+1, func(j *job, n int) int { return j.number - n })
	}
	var choice []*job
	for _, j := range s.waiting[first:] {
		if len(choice) >= s.m.Scatter || s.m.Engine.Followers && s.now < j.accepted+s.m.Hold {
			break // a job that new has a moment of its own
		}
		if s.now < j.known && j.number != behind {
			choice = append(choice, j)
		}
	}
	switch {
	case len(choice) == 0:
		s.idle += workers
	case s.m.Scatter <= 1:
		s.claim(choice[0], workers)
	default:
		for range workers {
			s.claim(choice[s.rng.IntN(len(choice))], 1)
		}
	}
}

// start begins a proof.
func (s *sim) start(j *job) {
	j.started = s.now
	own := min(0.99, s.changeFor*math.Exp(s.changed-s.now))
	took := s.duration() / (1 - own)
	s.after(took, func() {
		s.write(1, func(float64) {
			s.end(j, took)
			s.look(1, 0)
		})
	})
}

// duration draws the time of a job's proofs.
func (s *sim) duration() float64 {
	sum := 0.0
	for range s.m.Pieces {
		sum += s.m.Proof * (1 - s.m.Spread + s.m.Spread*s.rng.ExpFloat64())
	}
	return sum
}

// end counts a job whose result is written.
func (s *sim) end(j *job, took float64) {
	s.ended++
	s.inside--
	if s.ended == s.run.Jobs {
		s.from, s.late, s.came, s.refused = s.now, 0, 0, 0
		for _, st := range append(s.streams, s.api, s.cpu, s.network) {
			st.busy = 0
		}
	}
	if s.ended > s.run.Jobs {
		s.busy += took
		s.waits, s.accepts = append(s.waits, j.started-j.accepted), append(s.accepts, j.accepted-j.asked)
	}
	if s.run.Load == 0 {
		s.after(s.m.Trip, s.ask)
	}
}

// result sums up what counted.
func (s *sim) result() *Result {
	n, long := len(s.waits), s.now-s.from
	if n == 0 || long <= 0 {
		return &Result{Used: map[string]float64{}}
	}
	syncs := 0.0
	for _, st := range s.streams {
		syncs += st.busy / float64(len(s.streams))
	}
	out := &Result{
		Rate: float64(n) / long, Wait: timesOf(s.waits), Accept: timesOf(s.accepts), Late: float64(s.late) / float64(n), Jobs: n,
		Used: map[string]float64{
			Workers: s.busy / long / float64(s.m.Workers), Syncs: syncs / long, Network: s.network.busy / long,
			Processors: s.m.beating() + (1-s.m.beating())*s.cpu.busy/long/float64(s.m.Engine.Cores), Requests: s.api.busy / long / float64(s.m.API.Cores),
		},
	}
	if s.came > 0 {
		out.Refused = float64(s.refused) / float64(s.came)
	}
	if s.m.Engine.Followers {
		out.Used[Following] = min(1, s.changeFor)
	}
	const full = 0.9
	most := full
	for _, name := range []string{Workers, Syncs, Processors, Network, Requests, Following} {
		if out.Used[name] > most {
			most, out.First = out.Used[name], name
		}
	}
	return out
}
