package prove

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"provery/internal/curve"
	"provery/internal/curve/bls12377"
	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/curve/bw6761"
)

// most is the processor time that may pass between the end of a context and
// that of the work under it. It is time of this process, so that it doesn't
// depend on what else the machine does; and ten times less would do on most.
const most = time.Second

// processorTime returns what this process has used.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestCancelStopsWork cancels long steps of proofs and set-ups at one thread,
// each of which would go on for several seconds, and measures what they still
// use. It isn't parallel: the time is the whole process's.
func TestCancelStopsWork(t *testing.T) {
	testCancel(t, "bn128", bn254.Suite(), 1<<20)
	testCancel(t, "bls12_381", bls12381.Suite(), 1<<19)
	testCancel(t, "bls12_377", bls12377.Suite(), 1<<19)
	testCancel(t, "bw6_761", bw6761.Suite(), 1<<17)
}

// testCancel tries a curve's operations on n scalars.
func testCancel[S, A1, A2 any](t *testing.T, name string, s *curve.Suite[S, A1, A2], n int) {
	t.Helper()
	if testing.Short() {
		n /= 2
	}
	scalars := make([]S, n)
	if err := s.Field.Random(scalars[:1<<10], rand.Reader); err != nil {
		t.Fatal(err)
	}
	for i := 1 << 10; i < n; i *= 2 {
		copy(scalars[i:], scalars[:i])
	}
	domain, err := s.NewDomain(n, nil)
	if err != nil {
		t.Fatal(err)
	}
	g1, g2 := s.G1.Generator(), s.G2.Generator()
	p, q := repeated(t, s.G1, scalars), repeated(t, s.G2, scalars)
	vector := func() []S { return append([]S(nil), scalars...) }
	for _, step := range []struct {
		name string
		run  func(ctx context.Context) error
	}{
		{"MSM in G1", func(ctx context.Context) error { _, err := s.G1.MSM(ctx, p, scalars, 1); return err }},
		{"MSM in G2", func(ctx context.Context) error { _, err := s.G2.MSM(ctx, q, scalars, 1); return err }},
		{"set-up in G1", func(ctx context.Context) error { _, err := s.G1.MulEach(ctx, &g1, scalars, 1); return err }},
		{"set-up in G2", func(ctx context.Context) error { _, err := s.G2.MulEach(ctx, &g2, scalars, 1); return err }},
		{"check of G2", func(ctx context.Context) error { return s.G2.Check(ctx, q, 1) }},
		{"quotient", func(ctx context.Context) error {
			for ctx.Err() == nil { // one may be over too soon
				if err := domain.Quotient(ctx, vector(), curve.EvaluationsOf(vector(), vector(), vector()), 1); err != nil {
					return err
				}
			}
			return ctx.Err()
		}},
	} {
		after, err := afterCancel(t, step.run)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s, %s: got %v, want it canceled", name, step.name, err)
		}
		if after > most {
			t.Errorf("%s, %s: used %v after its context's end, want at most %v", name, step.name, after, most)
		}
		t.Logf("%s, %s: %v of processor time after the end", name, step.name, after)
	}
}

// repeated returns a point for each scalar: a few different ones, again and again.
func repeated[S, A any](t *testing.T, g curve.Group[S, A], scalars []S) []A {
	t.Helper()
	base := g.Generator()
	points, err := g.MulEach(t.Context(), &base, scalars[:1<<10], 1)
	if err != nil {
		t.Fatal(err)
	}
	for len(points) < len(scalars) {
		points = append(points, points[:min(len(points), len(scalars)-len(points))]...)
	}
	return points
}

// afterCancel lets work run for a moment, cancels it, and returns the processor
// time from then until its end.
func afterCancel(t *testing.T, work func(context.Context) error) (time.Duration, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	start := processorTime(t)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				ended <- fmt.Errorf("panic: %v", v)
			}
		}()
		ended <- work(ctx)
	}()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for processorTime(t)-start < 50*time.Millisecond { // into the middle of it
		select {
		case <-tick.C:
		case err := <-ended:
			return 0, fmt.Errorf("it was over too soon: %v", err)
		}
	}
	from := processorTime(t)
	cancel()
	err := <-ended
	return processorTime(t) - from, err
}
