package prove_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"testing"

	"provery/internal/prove"
)

// TestCancelAtEachStage ends the context as each stage of a proof begins, by
// both schemes: no later stage begins, and there is no proof. The same request
// succeeds afterwards.
func TestCancelAtEachStage(t *testing.T) {
	t.Parallel()
	tried := map[bool]bool{}
	for _, f := range all(t) {
		if tried[f.isGM17()] {
			continue
		}
		tried[f.isGM17()] = true
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			program, backend, key := f.open(t)
			p, err := prove.New(program, backend, key)
			if err != nil {
				t.Fatal(err)
			}
			run := func(ctx context.Context, stage func(string)) error {
				_, err := p.Prove(ctx, prove.Request{Arguments: f.arguments(t), Threads: 2, Rand: rand.Reader, Stage: stage})
				return err
			}
			var stages []string
			if err := run(t.Context(), func(name string) { stages = append(stages, name) }); err != nil {
				t.Fatal(err)
			}
			if len(stages) < 6 || !slices.Contains(stages, prove.StageWitness) || !slices.Contains(stages, prove.StageCheck) {
				t.Fatalf("got stages %v", stages)
			}
			for i, last := range stages {
				ctx, cancel := context.WithCancel(t.Context())
				var seen []string
				err := run(ctx, func(name string) {
					if seen = append(seen, name); name == last {
						cancel()
					}
				})
				cancel()
				if !errors.Is(err, context.Canceled) {
					t.Errorf("canceled at %s: got %v", last, err)
				}
				// Sums that share a queue may have begun together.
				if len(seen) > i+4 || slices.Contains(seen, prove.StageCheck) && last != prove.StageCheck {
					t.Errorf("canceled at %s: stages %v began", last, seen)
				}
			}
			if err := run(t.Context(), nil); err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
	if len(tried) != 2 {
		t.Errorf("got fixtures of %d schemes, want 2", len(tried))
	}
}
