package worker

import (
	"context"
	"math"
	"sync"
	"time"

	"provery/internal/curve"
	"provery/internal/registry"
	"provery/internal/scheme"
	"provery/internal/store"
)

// Estimate is what one proof will take.
type Estimate struct {
	Bytes int64         // memory at the peak, beside mapped files
	Work  time.Duration // processor time, all threads together
	// Proofs is the number of proofs that it was learned from; 0: it comes from
	// the circuit's size alone.
	Proofs int
}

// Costs predicts what proofs take, from their circuits' sizes and from what
// earlier proofs of the same circuits and keys took. That is kept in the
// registry, so that it outlasts the process and other processes know it. It is
// safe for concurrent use.
type Costs struct {
	kit      *Kit
	registry *registry.Registry
	threads  int

	mu    sync.Mutex
	speed float64 // time that proofs take here over that of the model
}

// NewCosts returns predictions for proofs on up to so many threads.
func NewCosts(kit *Kit, r *registry.Registry, threads int) *Costs {
	return &Costs{kit: kit, registry: r, threads: threads, speed: 1}
}

// Predict returns the estimate for a proof of a circuit with a key set. ok is
// false where there are no such. It is quick.
func (c *Costs) Predict(circuit, keySet store.Digest) (e Estimate, ok bool) {
	model, keySet, ok := c.model(circuit, keySet)
	if !ok {
		return e, false
	}
	c.mu.Lock()
	speed := c.speed
	c.mu.Unlock()
	e = Estimate{Bytes: model.Bytes, Work: time.Duration(float64(model.Work) * speed)}
	if u, known := c.registry.Usage(circuit, keySet); known {
		e.Proofs = u.Proofs
		if u.Bytes > 0 {
			e.Bytes = bounded(u.Bytes, model.Bytes)
		}
		if u.Work > 0 {
			e.Work = u.Work
		}
	}
	return e, true
}

// model returns the cost by the circuit's size.
func (c *Costs) model(circuit, keySet store.Digest) (cost scheme.Cost, keys store.Digest, ok bool) {
	s, ok := c.registry.Sizes(circuit, keySet)
	if !ok {
		return cost, keys, false
	}
	id, err := curve.Parse(s.Curve)
	if err != nil {
		return cost, keys, false
	}
	backend, err := c.kit.Backend(scheme.ID(s.Scheme), id)
	if err != nil {
		return cost, keys, false
	}
	rows := s.Stats.Rows
	if rows == 0 { // registered by an earlier version
		rows = 2 * s.Stats.Constraints
	}
	size := scheme.Size{Constraints: s.Stats.Constraints, Variables: s.Stats.Variables, Public: s.Stats.Public, Rows: rows}
	cost = backend.Cost(size, c.threads)
	// The calculator's memory is given back before the proof begins.
	cost.Bytes = max(cost.Bytes, cost.Solving+s.Stats.SolverBytes)
	return cost, s.KeySet, true
}

// argumentFactor is how much memory a byte of sealed arguments takes once it is
// opened, read and converted.
const argumentFactor = 8

// Need returns what a proof with arguments of so many bytes needs; nothing
// where there is no such circuit with such keys.
func (c *Costs) Need(circuit, keySet store.Digest, arguments int64) Need {
	e, ok := c.Predict(circuit, keySet)
	if !ok {
		return Need{}
	}
	need := Need{Bytes: e.Bytes + argumentFactor*arguments}
	if s, ok := c.registry.Sizes(circuit, keySet); ok {
		need.Disk = s.Compact + s.ProvingKey
	}
	return need
}

// maxCorrection bounds how far observations can be from the model: what the
// heap shows has other causes, too.
const maxCorrection = 4

func bounded(bytes, model int64) int64 {
	return min(max(bytes, model/maxCorrection), model*maxCorrection)
}

// margin is what is added to what was observed.
const margin = 1.1

// correct returns the prediction of memory after a proof of which the heap
// showed so much.
func correct(predicted int64, seen heapRange) int64 {
	switch {
	case predicted < seen.least: // it took more, for certain
		return int64(float64(seen.least) * margin)
	case float64(predicted) > float64(seen.most)*margin: // it took less, for certain
		return int64(float64(seen.most) * margin)
	}
	return predicted
}

// observation is what one proof took.
type observation struct {
	took    time.Duration // without loading
	threads int
	heap    *heapRange // nil if something else ran meanwhile
	cold    bool       // the circuit had just been opened, so that no memory of an earlier proof was used again
}

// parallelExponent says how well proofs use several threads: t of them do the
// work of t to this power.
const parallelExponent = 0.9

// observe learns from a proof. It writes to the registry if that changes the
// estimate by something, so that most proofs write nothing.
func (c *Costs) observe(ctx context.Context, circuit, keySet store.Digest, o observation) error {
	model, keySet, ok := c.model(circuit, keySet)
	if !ok {
		return nil // removed meanwhile
	}
	work := time.Duration(float64(o.took) * math.Pow(float64(o.threads), parallelExponent))
	c.learnSpeed(work, model.Work)
	u, _ := c.registry.Usage(circuit, keySet)
	next := u
	next.Proofs++
	next.Work += (work - u.Work) / time.Duration(min(next.Proofs, 8))
	if o.heap != nil {
		known := u.Bytes
		if known == 0 {
			known = model.Bytes
		}
		if !o.cold {
			o.heap.most = math.MaxInt64
		}
		next.Bytes = bounded(correct(known, *o.heap), model.Bytes)
	}
	if u.Proofs > 0 && !differs(float64(u.Work), float64(next.Work)) && !differs(float64(u.Bytes), float64(next.Bytes)) {
		return nil
	}
	return c.registry.SetUsage(ctx, circuit, keySet, next)
}

// differs reports whether a value has changed by more than a tenth.
func differs(a, b float64) bool { return math.Abs(a-b) > 0.1*max(a, b) }

// shortWork is the work below which a proof says nothing about the machine.
const shortWork = 50 * time.Millisecond

// learnSpeed compares this machine with the model.
func (c *Costs) learnSpeed(work, model time.Duration) {
	if model < shortWork {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.speed += (min(max(work.Seconds()/model.Seconds(), 0.01), 100) - c.speed) / 8
}
