package queue

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"provery/internal/store"
)

// shop is a queue without an engine: jobs come, are chosen and end.
type shop struct {
	*Queue
	rev  uint64
	jobs int
}

func newShop(cfg Config) *shop {
	cfg, err := cfg.withDefaults()
	if err != nil {
		panic(err)
	}
	return &shop{Queue: &Queue{cfg: cfg, index: newIndex(cfg.Weights, nil), preference: preference{misfits: map[string]time.Time{}}}}
}

// put queues a job and returns its id.
func (s *shop) put(owner, circuit string, p Priority) string {
	s.rev++
	s.jobs++
	id := fmt.Sprintf("%s/%s/%d", owner, circuit, s.jobs)
	s.index.apply(id, s.rev, meta{State: Queued, Priority: p, Owner: owner, Circuit: store.Sum([]byte(circuit)), Created: int64(s.jobs)})
	return id
}

// serve chooses a job, runs it and ends it; nil where there is none to choose.
func (s *shop) serve(o LeaseOptions) *entry {
	o.Kinds = or1(o.Kinds)
	e, _, _ := s.choose(&o)
	if e == nil {
		return nil
	}
	m := e.meta
	for _, st := range []State{Running, Succeeded} {
		s.rev++
		m.State = st
		s.index.apply(e.id, s.rev, m)
	}
	return e
}

func or1(kinds []string) []string {
	if len(kinds) == 0 {
		return []string{KindProof}
	}
	return kinds
}

// holds returns a Hot function for the circuits.
func holds(circuits ...string) func(store.Digest) bool {
	hot := map[store.Digest]bool{}
	for _, c := range circuits {
		hot[store.Sum([]byte(c))] = true
	}
	return func(d store.Digest) bool { return hot[d] }
}

func TestOwnersTakeTurns(t *testing.T) {
	t.Parallel()
	s := newShop(Config{})
	for range 1000 {
		s.put("many", "c", Normal)
	}
	for range 100 {
		s.serve(LeaseOptions{})
	}
	single := s.put("one", "c", Normal)
	for i := range 3 {
		if e := s.serve(LeaseOptions{}); e.id == single {
			return
		} else if i == 2 {
			t.Errorf("the owner with one job waits behind one with 1,000")
		}
	}
}

func TestWeights(t *testing.T) {
	t.Parallel()
	s := newShop(Config{Weights: map[string]float64{"double": 2, "half": 0.5}})
	for range 400 {
		for _, owner := range []string{"plain", "double", "half"} {
			s.put(owner, "c", Normal)
		}
	}
	got := map[string]int{}
	for range 350 {
		got[s.serve(LeaseOptions{}).Owner]++
	}
	for owner, want := range map[string]int{"plain": 100, "double": 200, "half": 50} {
		if d := got[owner] - want; d < -3 || d > 3 {
			t.Errorf("%s: got %d starts, want %d", owner, got[owner], want)
		}
	}
}

func TestIdleOwnersGetNoCredit(t *testing.T) {
	t.Parallel()
	s := newShop(Config{})
	s.put("late", "c", Normal)
	s.serve(LeaseOptions{})
	for range 300 {
		s.put("busy", "c", Normal)
	}
	for range 200 {
		s.serve(LeaseOptions{})
	}
	for range 50 {
		s.put("late", "c", Normal)
	}
	got := map[string]int{}
	for range 40 {
		got[s.serve(LeaseOptions{}).Owner]++
	}
	if got["busy"] < 18 || got["late"] < 18 {
		t.Errorf("got %v, want halves", got)
	}
}

// TestTwoProcessesShareFairly lets two processes choose, each of which learns
// of the other's choices afterwards only.
func TestTwoProcessesShareFairly(t *testing.T) {
	t.Parallel()
	a, b := newShop(Config{}), newShop(Config{})
	for range 200 {
		for _, owner := range []string{"x", "y", "y", "y"} {
			a.put(owner, "c", Normal)
			b.put(owner, "c", Normal)
		}
	}
	got := map[string]int{}
	for range 100 {
		for _, pair := range [][2]*shop{{a, b}, {b, a}} {
			e := pair[0].serve(LeaseOptions{})
			got[e.Owner]++
			m := e.meta
			m.State = Running
			pair[1].index.apply(e.id, e.rev+10_000, m)
		}
	}
	if got["x"] < 95 || got["x"] > 105 {
		t.Errorf("got %v, want 100 each", got)
	}
}

func TestHotCircuitsComeFirst(t *testing.T) {
	t.Parallel()
	s := newShop(Config{})
	for range 20 {
		s.put("o", "cold", Normal)
		s.put("o", "hot", Normal)
	}
	o := LeaseOptions{Hot: holds("hot")}
	for i := range maxOvertakes {
		if e := s.serve(o); e.Circuit != store.Sum([]byte("hot")) {
			t.Fatalf("choice %d: got the cold circuit", i)
		}
	}
	if e := s.serve(o); e.Circuit != store.Sum([]byte("cold")) {
		t.Errorf("the old job was overtaken %d times", maxOvertakes+1)
	}
	if e := s.serve(o); e.Circuit != store.Sum([]byte("hot")) {
		t.Errorf("after its turn: got the cold circuit")
	}
}

func TestHotCircuitsDontOvertakeOwners(t *testing.T) {
	t.Parallel()
	s := newShop(Config{})
	for range 100 {
		s.put("hot", "h", Normal)
		s.put("cold", "c", Normal)
	}
	got := map[string]int{}
	for range 100 {
		got[s.serve(LeaseOptions{Hot: holds("h")}).Owner]++
	}
	if got["hot"] > 50+fairSlack {
		t.Errorf("got %v, want halves", got)
	}
}

func TestColdCircuitsAreLeftToOthers(t *testing.T) {
	t.Parallel()
	s := newShop(Config{})
	s.index.hear(7, beat{Worker: true}, false)
	s.put("o", "c", Normal)
	o := LeaseOptions{Kinds: []string{KindProof}, Hot: holds()}
	e, wait, _ := s.choose(&o)
	if e != nil || wait <= 0 || wait > 2*coldWait {
		t.Errorf("got %v, wait %v, want nothing yet", e, wait)
	}
	s.index.mu.Lock()
	for _, e := range s.index.entries {
		e.ready = e.ready.Add(-2 * coldWait)
	}
	s.index.mu.Unlock()
	if s.serve(o) == nil {
		t.Error("got nothing, want the job that nobody else took")
	}
}

func TestSmallJobsOvertakeOneThatDoesNotFit(t *testing.T) {
	t.Parallel()
	s := newShop(Config{MaxSkip: time.Hour})
	big := s.put("o", "big", Normal)
	for range 10 {
		s.put("o", "small", Normal)
	}
	free := false
	o := LeaseOptions{Fits: func(j Job) bool { return free || j.ID != big }}
	for range 5 {
		if e := s.serve(o); e == nil || e.id == big {
			t.Fatalf("got %v, want a small job", e)
		}
	}
	s.preference.misfits[big] = time.Now().Add(-2 * time.Hour)
	if e := s.serve(o); e != nil {
		t.Errorf("%s overtakes a job that waits too long", e.id)
	}
	unable := o
	unable.Able = func(j Job) bool { return j.ID != big }
	if e := s.serve(unable); e == nil || e.id == big {
		t.Errorf("got %v, want a small job: the big one is for others", e)
	}
	free = true
	if e := s.serve(o); e == nil || e.id != big {
		t.Errorf("got %v, want the big job, before all others", e)
	}
	if e := s.serve(o); e == nil {
		t.Error("got nothing after the big job")
	}
}

func TestDelayedJobsWait(t *testing.T) {
	t.Parallel()
	s := newShop(Config{})
	s.index.apply("late", 1, meta{State: Queued, Priority: Normal, Delay: 60_000})
	o := LeaseOptions{Kinds: []string{KindProof}}
	if e, wait, _ := s.choose(&o); e != nil || wait < 59*time.Second || wait > time.Minute {
		t.Errorf("got %v, wait %v", e, wait)
	}
	s.index.apply("late", 2, meta{State: Queued, Priority: Normal})
	if s.serve(o) == nil {
		t.Error("got nothing after the delay was taken back")
	}
}

// TestChooseModel checks for any mix of jobs, owners, circuits and workers
// that every job is served once and that none waits for ever.
func TestChooseModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := newShop(Config{Weights: map[string]float64{"0": float64(rapid.IntRange(1, 5).Draw(t, "weight"))}})
		waiting := map[string]int{} // times that a job was passed over
		served := map[string]bool{}
		o := LeaseOptions{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			for range rapid.IntRange(0, 4).Draw(t, "arrivals") {
				p := rapid.SampledFrom(priorities[:]).Draw(t, "priority")
				waiting[s.put(fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "owner")), fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "circuit")), p)] = 0
			}
			o.Hot = holds(fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "hot")))
			e := s.serve(o)
			if (e == nil) != (len(waiting) == 0) {
				t.Fatalf("got %v while %d jobs wait", e, len(waiting))
			}
			if e != nil && served[e.id] {
				t.Fatalf("%s was served twice", e.id)
			}
			if e != nil {
				served[e.id] = true
				delete(waiting, e.id)
			}
		}
		for n := len(waiting); n > 0; n-- { // no more arrivals: all are served
			if e := s.serve(o); e == nil || served[e.id] {
				t.Fatalf("%d jobs are left, and got %v", n, e)
			} else {
				served[e.id] = true
			}
		}
		checkSums(t, s.index, 0)
	})
}

// checkSums compares the index's sums with its entries.
func checkSums(t *rapid.T, x *index, queued int) {
	var got usage
	for _, u := range x.owners {
		got.add(u.jobs, u.bytes)
	}
	if got.jobs != queued || x.queued.jobs != queued || x.counts[Queued] != queued || len(x.active) != queued {
		t.Fatalf("got %+v by owner, %+v, %v, %d active, want %d queued", got, x.queued, x.counts, len(x.active), queued)
	}
	for _, c := range x.lines.classes {
		for name, a := range c.owners {
			if n := len(a.lines); n > 0 && queued == 0 {
				t.Fatalf("owner %s has %d lines and no jobs", name, n)
			}
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	var r rate
	now := time.Now()
	if got := r.retryAfter(1, now); got != retryUnknown {
		t.Errorf("nothing known: got %v", got)
	}
	for i := range 40 {
		r.note(now.Add(time.Duration(i-39) * 10 * time.Second))
	}
	var got []time.Duration
	for range 3 {
		got = append(got, r.retryAfter(1, now))
	}
	if fmt.Sprint(got) != "[10s 20s 30s]" {
		t.Errorf("a job ends every 10 s: got %v, want one place after the other", got)
	}
	if got := r.retryAfter(50, now); got != 500*time.Second {
		t.Errorf("50 have to go first: got %v", got)
	}
	for range 100 {
		r.retryAfter(1, now)
	}
	if got := r.retryAfter(1, now); got != 320*time.Second {
		t.Errorf("after 100 refusals: got %v, want no more than 32 places", got)
	}
	if got := r.retryAfter(1, now.Add(30*time.Minute)); got < 30*time.Minute || got > time.Hour {
		t.Errorf("after half an hour without an end: got %v", got)
	}
}
