package daemon

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provery/api"
	"provery/client"
	"provery/internal/fault"
)

// damage flips a byte of a stored blob, or removes it.
func damage(t *testing.T, dir, digest string, remove bool) {
	t.Helper()
	hex := strings.TrimPrefix(digest, "sha256:")
	path := filepath.Join(dir, "blobs", "objects", hex[:2], hex)
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.Remove(path)
	}
	if err == nil && !remove {
		err = os.WriteFile(path, tamper(b, len(b)/2), 0o400)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// failed returns the checks of /readyz that aren't well.
func (r *rig) failed() []api.Check {
	r.t.Helper()
	ready, err := r.cl.Ready(r.ctx())
	if err != nil || !ready.Ready {
		r.t.Fatalf("got %+v, %v, want ready: other circuits still prove", ready, err)
	}
	var out []api.Check
	for _, c := range ready.Checks {
		if !c.OK {
			out = append(out, c)
		}
	}
	return out
}

// TestFailure10DamagedFiles is failure 10, for every kind of stored file: the service
// names the circuit, the others still prove, and registering again mends it.
func TestFailure10DamagedFiles(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		digest func(*rig) string
		remove bool
	}{
		{"program", func(r *rig) string { return r.compactOf("mul") }, false},
		{"proving key", func(r *rig) string { return r.keysOf("mul").provingKey }, false},
		{"verifying key", func(r *rig) string { return r.keysOf("mul").verifyingKey }, false},
		{"lost proving key", func(r *rig) string { return r.keysOf("mul").provingKey }, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, setup{})
			r.ready(mul)
			r.ready(fixture{"inout", "bn128"})
			digest := tc.digest(r)
			r.stop()
			damage(t, r.dir, digest, tc.remove)

			again := start(t, setup{dir: r.dir})
			var checks []api.Check
			again.eventually("/readyz names the circuit", func() bool { checks = again.failed(); return len(checks) > 0 })
			if len(checks) != 1 || checks[0].Name != "circuit mul:latest" || checks[0].Detail == "" {
				t.Errorf("got %+v, want the circuit's name", checks)
			}
			again.wantDamage(tc.name)
			p := again.prove(requestOf(t, fixture{"inout", "bn128"}))
			again.wantVerdict("another circuit", api.VerifyRequest{Circuit: "inout", Proof: p.Result.Proof}, true)

			again.ready(mul) // mends it
			if checks := again.failed(); len(checks) != 0 {
				t.Errorf("after it was registered again: got %+v, want nothing damaged", checks)
			}
			p = again.prove(times(6, 7))
			wantProduct(t, p, 6, 7)
			again.wantVerdict("after it was mended", api.VerifyRequest{Circuit: "mul", Proof: p.Result.Proof}, true)
		})
	}
}

// wantDamage asks the damaged circuit for what it can't do.
func (r *rig) wantDamage(kind string) {
	r.t.Helper()
	var err error
	switch kind {
	case "program":
		_, err = r.cl.Submit(r.ctx(), times(6, 7), client.SubmitOptions{})
	case "verifying key":
		_, err = r.cl.Verify(r.ctx(), api.VerifyRequest{Circuit: "mul", Proof: read(r.t, mul.file("ark-g16/proof.json"))})
	default:
		_, err = r.cl.Prove(r.ctx(), times(6, 7))
	}
	if e := wantProblem(r.t, kind, err, api.CodeInternal, ""); !strings.Contains(e.Detail, "damaged or missing") || !e.Retryable {
		r.t.Errorf("%s: got %+v, want it to say what is wrong", kind, e)
	}
}

func (r *rig) compactOf(ref string) string {
	r.t.Helper()
	c, err := r.registry.Resolve(r.ctx(), ref)
	if err != nil {
		r.t.Fatal(err)
	}
	return c.Compact.Digest.String()
}

type keyDigests struct{ provingKey, verifyingKey string }

func (r *rig) keysOf(ref string) keyDigests {
	r.t.Helper()
	c, err := r.registry.Resolve(r.ctx(), ref)
	if err != nil {
		r.t.Fatal(err)
	}
	k, err := r.registry.DefaultKeySet(c.ID, "")
	if err != nil {
		r.t.Fatal(err)
	}
	return keyDigests{k.ProvingKey.Digest.String(), k.VerifyingKey.Digest.String()}
}

// TestAlmostFullDisk refuses new work in time: what was accepted still ends
// well.
func TestAlmostFullDisk(t *testing.T) {
	t.Parallel()
	h := newHold()
	free := make(chan int64, 1)
	free <- 1 << 40
	r := start(t, setup{before: func(d *Daemon) {
		h.before(d)
		d.free = func() (int64, error) {
			n := <-free
			free <- n
			if n < 0 {
				return 0, errors.New("disk failure at /secret/path")
			}
			return n, nil
		}
	}})
	set := func(n int64) { <-free; free <- n }
	r.ready(mul)
	accepted := r.submit(times(6, 7))
	set(minimumFree - 1)
	_, err := r.cl.Submit(r.ctx(), times(8, 9), client.SubmitOptions{})
	wantProblem(t, "a proof", err, api.CodeInsufficientStorage, "")
	_, _, err = r.cl.Register(r.ctx(), registration(t, fixture{"square", "bn128"}, ""))
	wantProblem(t, "a circuit", err, api.CodeInsufficientStorage, "")
	_, err = r.cl.SetupKeys(r.ctx(), "mul", "groth16")
	wantProblem(t, "keys", err, api.CodeInsufficientStorage, "")
	if ready, err := r.cl.Ready(r.ctx()); err != nil || ready.Ready {
		t.Errorf("got %+v, %v, want not ready", ready, err)
	}
	h.release()
	wantProduct(t, r.finished(accepted.ID), 6, 7)
	set(-1)
	_, err = r.cl.Submit(r.ctx(), times(8, 9), client.SubmitOptions{})
	if e := wantProblem(t, "unreadable disk", err, api.CodeInternal, ""); strings.Contains(e.Error(), "secret") {
		t.Errorf("got %v, want no paths of this machine", e)
	}
	set(1 << 40)
	wantProduct(t, r.prove(times(8, 9)), 8, 9)
}

// TestFullDisk fills the service's disk, where the test may make a small one.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, "96m")
	r := start(t, setup{dir: dir})
	r.ready(mul)
	before := r.prove(times(6, 7))
	filler := filepath.Join(dir, "filler")
	fill(t, filler)
	_, err := r.cl.Submit(r.ctx(), times(8, 9), client.SubmitOptions{})
	wantProblem(t, "a proof", err, api.CodeInsufficientStorage, "")
	_, _, err = r.cl.Register(r.ctx(), registration(t, fixture{"mixed", "bn128"}, ""))
	wantProblem(t, "a circuit", err, api.CodeInsufficientStorage, "-")
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if got, err := r.cl.Proof(r.ctx(), before.ID, 0); err != nil || string(got.Result.Proof) != string(before.Result.Proof) {
		t.Errorf("a finished proof: got %+v, %v", got, err)
	}
	wantProduct(t, r.prove(times(8, 9)), 8, 9)
	r.ready(fixture{"mixed", "bn128"})
	r.stop()
	again := start(t, setup{dir: dir})
	wantProduct(t, again.finished(before.ID), 6, 7)
}

// fill writes to a file until the disk is full.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := bytes.Repeat([]byte("full"), 64<<10); ; {
		if _, err := f.Write(block); errors.Is(err, fs.ErrInvalid) {
			t.Fatal(err)
		} else if err != nil {
			return
		}
	}
}

// TestProblemOfJobs holds how a job's failure is shown.
func TestProblemOfJobs(t *testing.T) {
	t.Parallel()
	if underArguments(nil) != nil {
		t.Error("an error of nothing")
	}
	err := underArguments(fault.New(fault.InvalidRequest, "x").At("/0"))
	if f := new(fault.Error); !errors.As(err, &f) || f.Path != "/arguments/0" {
		t.Errorf("got %v", err)
	}
	if err := underArguments(fault.New(fault.NotFound, "x")); err.(*fault.Error).Path != "" {
		t.Errorf("got %v, want no path", err)
	}
}
