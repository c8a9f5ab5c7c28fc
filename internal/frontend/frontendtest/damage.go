package frontendtest

import (
	"math/rand/v2"
	"slices"
	"testing"

	"provery/internal/fault"
	"provery/internal/frontend"
)

// offsets returns up to 300 places of a file of n bytes: all of a short one,
// else those near its ends and some between.
func offsets(n int) []int {
	var out []int
	step := max(1, n/200)
	for i := 0; i < n; i++ {
		if i < 50 || i >= n-50 || i%step == 0 {
			out = append(out, i)
		}
	}
	return out
}

// some returns every tenth place.
func some(places []int) []int {
	var out []int
	for i := 0; i < len(places); i += 10 {
		out = append(out, places[i])
	}
	return out
}

// damagedCode reports whether a damaged file may be answered with err. A
// change may turn a feature into one that doesn't exist.
func damagedCode(err error) bool {
	return fault.Is(err, fault.InvalidArtifact) || fault.Is(err, fault.Unsupported)
}

// testDamagedArtefact cuts each artefact off at many places, which must be
// noticed, and changes bytes, which must at least not cause a panic.
func testDamagedArtefact(t *testing.T, f frontend.Frontend, c *Case) {
	for role, whole := range c.Artefacts {
		try := func(damaged []byte) error {
			files := map[string][]byte{}
			for name, b := range c.Artefacts {
				files[name] = b
			}
			files[role] = damaged
			p, err := f.Import(t.Context(), Artefacts(files))
			if err == nil {
				solveAnyway(t, p, c)
			} else if !damagedCode(err) {
				t.Errorf("%s: got code %v (%v)", role, fault.CodeOf(err), err)
			}
			return err
		}
		places := offsets(len(whole))
		if role == c.Opaque {
			places = some(places)
		}
		for _, n := range places {
			if err := try(whole[:n]); err == nil && role != c.Opaque {
				t.Errorf("%s cut off at byte %d of %d is accepted", role, n, len(whole))
			}
		}
		for _, damaged := range changed(whole, places) {
			_ = try(damaged)
		}
	}
}

// testDamagedFile does the same to the compact file.
func testDamagedFile(t *testing.T, f frontend.Frontend, c *Case) {
	whole := writeFile(t, importCase(t, f, c))
	places := offsets(len(whole))
	if c.Opaque != "" {
		places = some(places)
	}
	for _, n := range places {
		if _, err := f.Open(slices.Clone(whole[:n])); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("file cut off at byte %d of %d: got error %v", n, len(whole), err)
		}
	}
	for _, damaged := range changed(whole, places) {
		p, err := f.Open(damaged)
		if err == nil {
			solveAnyway(t, p, c)
		} else if !damagedCode(err) {
			t.Errorf("got code %v (%v)", fault.CodeOf(err), err)
		}
	}
}

// solveAnyway solves with a damaged program that was accepted: any result and
// any error will do, a panic won't.
func solveAnyway(t *testing.T, p frontend.Program, c *Case) {
	t.Helper()
	_ = p.Statistics()
	_, _ = p.Solve(t.Context(), c.Arguments, frontend.SolveOptions{Logs: true})
	_ = frontend.Release(p)
}

// changed returns copies of b with one byte changed each, at these places.
func changed(b []byte, places []int) [][]byte {
	rng := rand.New(rand.NewPCG(1, uint64(len(b))))
	var out [][]byte
	for _, i := range places {
		for _, v := range []byte{b[i] ^ 1<<rng.IntN(8), byte(rng.Uint32())} {
			damaged := slices.Clone(b)
			damaged[i] = v
			out = append(out, damaged)
		}
	}
	return out
}
