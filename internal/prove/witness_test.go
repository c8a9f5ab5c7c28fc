package prove_test

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"strings"
	"testing"

	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/prove"
)

// TestProveWitness proves the witnesses that ZoKrates left, without arguments.
// The proofs are verified by Prove itself; inputs and outputs are ZoKrates's.
func TestProveWitness(t *testing.T) {
	t.Parallel()
	for _, f := range all(t) {
		if f.backend != "ark" {
			continue
		}
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			prover := f.prover(t)
			var stages []string
			result, err := prover.Prove(t.Context(), prove.Request{
				Witness: section(read(t, filepath.Join(f.dir(), "witness"))), Threads: 1, Rand: rand.Reader,
				Stage: func(s string) { stages = append(stages, s) },
			})
			if err != nil {
				t.Fatal(err)
			}
			sameInputs(t, f, result)
			if len(stages) < 4 || stages[0] != prove.StageWitness || stages[len(stages)-1] != prove.StageCheck {
				t.Errorf("got stages %v", stages)
			}
		})
	}
}

// TestProveSolution proves a solution that the caller has.
func TestProveSolution(t *testing.T) {
	t.Parallel()
	f := fixture{"mixed", "bn128", "ark"}
	program, backend, key := f.open(t)
	prover, err := prove.New(program, backend, key)
	if err != nil {
		t.Fatal(err)
	}
	s, err := program.Solve(t.Context(), f.arguments(t), frontend.SolveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	result, err := prover.ProveSolution(t.Context(), s, prove.Request{Threads: 1, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	sameInputs(t, f, result)
}

func TestProveRefusesWitness(t *testing.T) {
	t.Parallel()
	prover := fixture{"mul", "bn128", "ark"}.prover(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tc := range []struct {
		name, witness string
		ctx           context.Context
		code          fault.Code
	}{
		{"unsatisfied", "~out_0 16\n~one 1\n_0 3\n_1 5", t.Context(), fault.UnsatisfiedWitness},
		{"damaged", "~out_0", t.Context(), fault.InvalidArtifact},
		{"cancelled", "~out_0 15\n~one 1\n_0 3\n_1 5", ended, fault.Canceled},
	} {
		_, err := prover.Prove(tc.ctx, prove.Request{Witness: section([]byte(tc.witness)), Threads: 1, Rand: rand.Reader})
		if !fault.Is(err, tc.code) {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.code)
		}
	}
	program, backend, key := fixture{"mul", "bn128", "ark"}.open(t)
	bare, err := prove.New(bareProgram{program}, backend, key)
	if err != nil {
		t.Fatal(err)
	}
	_, err = bare.Prove(t.Context(), prove.Request{Witness: section([]byte("~one 1")), Threads: 1, Rand: rand.Reader})
	if !fault.Is(err, fault.Unsupported) || !strings.Contains(err.Error(), "no witness files") {
		t.Errorf("a language without witness files: got %v, want unsupported", err)
	}
}

// bareProgram hides all but what every language has.
type bareProgram struct{ frontend.Program }

func (f fixture) prover(t *testing.T) *prove.Prover {
	t.Helper()
	prover, err := prove.New(f.open(t))
	if err != nil {
		t.Fatal(err)
	}
	return prover
}
