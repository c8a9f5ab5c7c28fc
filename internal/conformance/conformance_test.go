package conformance

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"provery/internal/curve"
	"provery/internal/peer"
)

// selection is the environment's variable for what to run on all curves: "all",
// or names of programs with commas between.
const selection = "PROVERY_CONFORMANCE"

// sample is what runs if there is no selection.
var sample = map[curve.ID][]string{
	curve.BN128: {
		"arrays_dynamic_read", "asm_field_operators", "assertions", "generics_explicit", "imports_failure", "logs_control",
		"outputs_identity", "structs_generic", "types_of_arguments", "u32_division", "unused_private", "visibility",
	},
	curve.BLS12381: {"structs_nested"},
	curve.BLS12377: {"pragma"},
	curve.BW6761:   {"asm_composites"},
}

const (
	workers   = 2
	chunkSize = 12 // units for one process of zokrates-js, whose start costs a second
)

// runner runs units and collects their outcomes.
type runner struct {
	t     *testing.T
	tools *peer.Toolchain
	cache *cache
	mu    sync.Mutex
	table table
	done  int
	total int
	start time.Time
}

// TestConformance compares both implementations and prints the table.
func TestConformance(t *testing.T) {
	t.Parallel()
	selected := os.Getenv(selection)
	tools := peer.Require(t)
	c, err := openCache(tools)
	if err != nil {
		t.Fatal(err)
	}
	r := &runner{t: t, tools: tools, cache: c, start: time.Now()}
	loaded := loadPrograms(t)
	r.run(r.units(loaded, selected))
	r.table.write(os.Stdout)
	if r.table.counts[passed] == 0 {
		t.Errorf("%s=%s: nothing was compared", selection, selected)
	}
	for _, p := range loaded {
		if selected == "all" && !r.table.applies(p.name) {
			t.Errorf("%s applies to no curve", p.name)
		}
	}
}

// units lists what there is to run, and puts down what is left out.
func (r *runner) units(loaded []*program, selected string) []*unit {
	var out []*unit
	for _, id := range curve.All() {
		for _, p := range loaded {
			names := strings.Split(selected, ",")
			if selected == "" {
				names = sample[id]
			}
			if selected != "all" && !slices.Contains(names, p.name) {
				continue
			}
			u := &unit{program: p, curve: id, dir: r.cache.dir(p, id), cells: map[string]cell{}}
			if p.Large && id != curve.BN128 {
				u.skipAll("large: run on bn128 only, to bound the time")
				r.table.add(u)
				continue
			}
			out = append(out, u)
		}
	}
	return out
}

// run runs the units in chunks, a few side by side.
func (r *runner) run(units []*unit) {
	r.total = len(units)
	chunks := make(chan []*unit)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for c := range chunks {
				if err := r.chunk(r.t.Context(), c); err != nil {
					r.t.Errorf("%s: %v", c[0].program.name, err)
				}
			}
		})
	}
	size := min(chunkSize, (len(units)+workers-1)/workers)
	for c := range slices.Chunk(units, size) {
		chunks <- c
	}
	close(chunks)
	wg.Wait()
}

// chunk takes units through all stages, with three processes of zokrates-js:
// one to compile, one for its own witnesses and proofs, one to judge ours.
func (r *runner) chunk(ctx context.Context, units []*unit) error {
	work := r.t.TempDir()
	var compile, theirs, cross script
	for i, u := range units {
		u.work = filepath.Join(work, fmt.Sprint(i))
		if err := r.cache.compile(&compile, u.program, u.curve); err != nil {
			return err
		}
	}
	if err := compile.run(ctx, r.tools); err != nil {
		return err
	}
	var loaded []*unit
	for _, u := range units {
		ok, err := u.load(ctx)
		if err != nil {
			return fmt.Errorf("%s on %v: %w", u.program.name, u.curve, err)
		}
		if ok {
			u.theirWitnesses(&theirs)
			u.theirProofs(r.cache, &theirs)
			loaded = append(loaded, u)
		}
	}
	if err := theirs.run(ctx, r.tools); err != nil {
		return err
	}
	for _, u := range loaded {
		u.compareWitnesses(ctx)
		for _, p := range u.proofs {
			p.prove(ctx, &cross)
		}
	}
	if err := cross.run(ctx, r.tools); err != nil {
		return err
	}
	for _, u := range units {
		r.record(u)
	}
	return os.RemoveAll(work)
}

// record finishes a unit and puts its outcome into the table.
func (r *runner) record(u *unit) {
	for _, p := range u.proofs {
		p.finish()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, column := range columns(u.curve) {
		c := u.cells[column]
		if c.state == absent {
			u.cells[column] = cell{state: passed}
		}
		for _, text := range c.failures {
			r.t.Errorf("%s on %v: %s: %s", u.program.name, u.curve, column, text)
		}
	}
	r.table.add(u)
	r.done++
	fmt.Printf("%4d/%d  %6.0f s  %v  %s\n", r.done, r.total, time.Since(r.start).Seconds(), u.curve, u.program.name)
	u.imported, u.reopened = nil, nil
}
