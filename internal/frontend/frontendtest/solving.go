package frontendtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"provery/internal/curve"
	"provery/internal/curve/bls12377"
	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/curve/bw6761"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/r1cs"
)

// testRoles checks that the front-end names what it reads and misses it.
func testRoles(t *testing.T, f frontend.Frontend, c *Case) {
	if f.Name() == "" || len(f.Roles()) == 0 {
		t.Fatal("front-end without a name or roles")
	}
	for _, role := range f.Roles() {
		files := map[string][]byte{}
		for name, b := range c.Artefacts {
			if name != role.Name {
				files[name] = b
			}
		}
		_, err := f.Import(t.Context(), Artefacts(files))
		if (err == nil) != role.Optional {
			t.Errorf("Import without %q: got error %v, optional is %v", role.Name, err, role.Optional)
		}
		if err != nil && !fault.Is(err, fault.InvalidRequest) && !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("Import without %q: got code %v", role.Name, fault.CodeOf(err))
		}
	}
}

// testRoundTrip checks that nothing is lost by writing and opening.
func testRoundTrip(t *testing.T, f frontend.Frontend, c *Case) {
	imported := importCase(t, f, c)
	file := writeFile(t, imported)
	if again := writeFile(t, importCase(t, f, c)); !bytes.Equal(file, again) {
		t.Error("two imports give different files")
	}
	reopened, err := f.Open(file)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	if again := writeFile(t, reopened); !bytes.Equal(file, again) {
		t.Error("a reopened program gives another file")
	}
	if got, want := reopened.Statistics(), imported.Statistics(); got != want {
		t.Errorf("Statistics: got %+v, want %+v", got, want)
	}
	if got := imported.Statistics().CompactBytes; got != 0 && got != int64(len(file)) {
		t.Errorf("CompactBytes: got %d, want %d", got, len(file))
	}
	if got, want := reopened.ABI(), imported.ABI(); !bytes.Equal(got, want) {
		t.Errorf("ABI: got %s, want %s", got, want)
	}
	if got, want := reopened.Curve(), imported.Curve(); got != want {
		t.Errorf("Curve: got %v, want %v", got, want)
	}
	x, y := imported.System(), reopened.System()
	if x.NumPublic != y.NumPublic || x.NumVariables != y.NumVariables || x.NumConstraints() != y.NumConstraints() {
		t.Error("systems of different sizes")
	}
}

func testSolve(t *testing.T, f frontend.Frontend, c *Case) {
	for name, p := range both(t, f, c) {
		if err := p.Check(c.Arguments, frontend.SolveOptions{}); err != nil {
			t.Errorf("%s: Check: %v", name, err)
		}
		s, err := p.Solve(t.Context(), c.Arguments, frontend.SolveOptions{})
		if err != nil {
			t.Fatalf("%s: Solve: %v", name, err)
		}
		if !equalJSON(s.Outputs, c.Outputs) {
			t.Errorf("%s: outputs: got %s, want %s", name, s.Outputs, c.Outputs)
		}
		if s.Logs != nil {
			t.Errorf("%s: logs that weren't asked for", name)
		}
		if got, want := s.Public.Len(), p.System().NumPublic; got != want {
			t.Errorf("%s: %d public inputs, want %d", name, got, want)
		}
		if got, want := s.Witness.Z.Len(), p.System().NumVariables; got != want {
			t.Errorf("%s: witness of %d values, want %d", name, got, want)
		}
	}
}

// testSatisfied evaluates every constraint, by the witness's own evaluations
// and by new ones.
func testSatisfied(t *testing.T, f frontend.Frontend, c *Case) {
	p := importCase(t, f, c)
	s, err := p.Solve(t.Context(), c.Arguments, frontend.SolveOptions{})
	if err != nil {
		t.Fatalf("Solve: %v", err)
	}
	switch p.Curve() {
	case curve.BN128:
		satisfied(t, bn254.NewField(), p.System(), s.Witness)
	case curve.BLS12381:
		satisfied(t, bls12381.NewField(), p.System(), s.Witness)
	case curve.BLS12377:
		satisfied(t, bls12377.NewField(), p.System(), s.Witness)
	case curve.BW6761:
		satisfied(t, bw6761.NewField(), p.System(), s.Witness)
	}
}

func satisfied[S any](t *testing.T, f curve.Field[S], system *r1cs.System, w r1cs.Witness) {
	t.Helper()
	given, err := r1cs.Restore(t.Context(), f, system, w)
	if err != nil {
		t.Fatal(err)
	}
	w.Rows = curve.Vector{}
	fresh, err := r1cs.Restore(t.Context(), f, system, w)
	if err != nil {
		t.Fatal(err)
	}
	if i := r1cs.FirstUnsatisfied(f, system, fresh); i >= 0 {
		t.Errorf("constraint %d isn't satisfied", i)
	}
	for i := range fresh.Rows {
		if !f.Equal(&given.Rows[i], &fresh.Rows[i]) {
			t.Fatalf("the witness's value of row %d is wrong", i)
		}
	}
	unsatisfiedWhenAltered(t, f, system, fresh)
}

// unsatisfiedWhenAltered changes one variable at a time, where it has an
// effect, and expects some constraint to fail.
func unsatisfiedWhenAltered[S any](t *testing.T, f curve.Field[S], system *r1cs.System, a r1cs.Assignment[S]) {
	t.Helper()
	used := make([]bool, system.NumVariables)
	for _, column := range system.Rows.Columns {
		used[column] = true
	}
	var one S
	f.SetUint64(&one, 1)
	noticed, tried := 0, 0
	for i := 1; i < system.NumVariables; i += 1 + system.NumVariables/64 {
		if !used[i] {
			continue
		}
		z := append([]S{}, a.Z...)
		f.Add(&z[i], &z[i], &one)
		altered, err := r1cs.Restore(t.Context(), f, system, r1cs.Witness{Z: curve.NewVector(system.Curve, z)})
		if err != nil {
			t.Fatal(err)
		}
		tried++
		if r1cs.FirstUnsatisfied(f, system, altered) >= 0 {
			noticed++
		}
	}
	// A factor of zero hides a change of the other one, so not all are seen.
	if 2*noticed < tried {
		t.Errorf("%d of %d altered witnesses are noticed", noticed, tried)
	}
}

// testSamples checks that samples are arguments of the right form.
func testSamples(t *testing.T, f frontend.Frontend, c *Case) {
	p := importCase(t, f, c)
	if len(p.Samples()) == 0 {
		t.Error("no samples")
	}
	for _, arguments := range p.Samples() {
		if err := p.Check(arguments, frontend.SolveOptions{}); err != nil {
			t.Errorf("sample %s: %v", arguments, err)
		}
		_, err := p.Solve(t.Context(), arguments, frontend.SolveOptions{})
		if err != nil && !fault.Is(err, fault.UnsatisfiedWitness) {
			t.Errorf("sample %s: %v", arguments, err)
		}
	}
}

// testConcurrent solves distinct arguments on one program at once.
func testConcurrent(t *testing.T, f frontend.Frontend, c *Case) {
	if c.Distinct == nil {
		t.Skip("the circuit has no distinct arguments")
	}
	p := both(t, f, c)["reopened"]
	const workers, rounds = 8, 8
	errs := make(chan error, workers*rounds)
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for round := range rounds {
				arguments, want := c.Distinct(worker*rounds + round)
				s, err := p.Solve(t.Context(), arguments, frontend.SolveOptions{})
				if err == nil && !equalJSON(s.Outputs, want) {
					err = fmt.Errorf("arguments %s: got %s, want %s", arguments, s.Outputs, want)
				}
				if err != nil {
					errs <- err
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		t.Error(err)
	}
}

func testCancelled(t *testing.T, f frontend.Frontend, c *Case) {
	p := importCase(t, f, c)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Solve(ctx, c.Arguments, frontend.SolveOptions{}); !fault.Is(err, fault.Canceled) {
		t.Errorf("Solve: got %v, want %v", err, context.Canceled)
	}
	if _, err := f.Import(ctx, Artefacts(c.Artefacts)); !fault.Is(err, fault.Canceled) {
		t.Errorf("Import: got %v, want %v", err, context.Canceled)
	}
	if _, err := p.Solve(t.Context(), c.Arguments, frontend.SolveOptions{}); err != nil {
		t.Errorf("Solve after a cancelled one: %v", err)
	}
}

func testRefused(t *testing.T, f frontend.Frontend, c *Case) {
	for name, p := range both(t, f, c) {
		for _, r := range c.Refused {
			_, err := p.Solve(t.Context(), r.Arguments, frontend.SolveOptions{})
			var e *fault.Error
			if !errors.As(err, &e) || e.Code != fault.InvalidRequest {
				t.Errorf("%s: %s: got error %v, want %v", name, r.Arguments, err, fault.InvalidRequest)
				continue
			}
			if e.Path != r.Path {
				t.Errorf("%s: %s: got path %q, want %q", name, r.Arguments, e.Path, r.Path)
			}
			keepsSecret(t, err, r.Secret)
			checked := p.Check(r.Arguments, frontend.SolveOptions{})
			if checked == nil || checked.Error() != err.Error() {
				t.Errorf("%s: %s: Check returns %v, Solve %v", name, r.Arguments, checked, err)
			}
		}
	}
}

func testUnsatisfied(t *testing.T, f frontend.Frontend, c *Case) {
	for name, p := range both(t, f, c) {
		for _, u := range c.Unsatisfied {
			if err := p.Check(u.Arguments, frontend.SolveOptions{}); err != nil {
				t.Errorf("%s: %s: Check: %v", name, u.Arguments, err)
			}
			s, err := p.Solve(t.Context(), u.Arguments, frontend.SolveOptions{})
			var e *fault.Error
			if !errors.As(err, &e) || e.Code != fault.UnsatisfiedWitness || s != nil {
				t.Errorf("%s: %s: got error %v, want %v", name, u.Arguments, err, fault.UnsatisfiedWitness)
				continue
			}
			position := ""
			if e.Position != nil {
				position = e.Position.String()
			}
			if position != u.Position || e.Detail != u.Detail {
				t.Errorf("%s: %s: got %q at %q, want %q at %q", name, u.Arguments, e.Detail, position, u.Detail, u.Position)
			}
			keepsSecret(t, err, u.Secret)
		}
	}
}

// keepsSecret fails if err or one of its causes holds the secret.
func keepsSecret(t *testing.T, err error, secret string) {
	t.Helper()
	for ; err != nil && secret != ""; err = errors.Unwrap(err) {
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, secret) {
			t.Errorf("error holds an argument's value: %s", text)
		}
	}
}
