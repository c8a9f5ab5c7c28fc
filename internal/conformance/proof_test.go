package conformance

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"provery/internal/peer"
	"provery/internal/prove"
	"provery/internal/scheme"
)

// threads is how many threads a proof of ours takes: units run side by side.
const threads = 1

// proof is one backend for a unit, and the case that is proved with it.
type proof struct {
	*unit
	*backend
	run  *run
	own  scheme.Backend
	keys string // folder of zokrates-js's keys
	dir  string // for this run
	vk   scheme.VerifyingKey

	broken bool
}

func (p *proof) file(name string) string { return filepath.Join(p.dir, name) }

// check records err as a failure of the backend, and reports whether there is
// none.
func (p *proof) check(doing string, err error) bool {
	if err == nil {
		return true
	}
	var e *peer.Error
	if errors.As(err, &e) {
		doing = "zokrates-js: " + doing
	}
	p.broken = true
	p.failf(p.column, "%s: %s", doing, describe(err))
	return false
}

// theirProofs adds to s, for each backend, the set-up and a proof by
// zokrates-js of the unit's first case that succeeds.
func (u *unit) theirProofs(c *cache, s *script) {
	i := slices.IndexFunc(u.program.Cases, func(c testCase) bool { return c.Fails == "" && !c.Refused && c.Crashes == "" })
	if i < 0 {
		u.skipProofs("zokrates-js crashes on the witness")
		return
	}
	n := u.imported.System().NumConstraints()
	if limit := maxConstraints[u.curve]; n > limit {
		u.skipProofs(fmt.Sprintf("more than %d constraints on %v, to bound the time", limit, u.curve))
		return
	}
	for k := range backends {
		if b := &backends[k]; b.on(u.curve) {
			u.theirProof(c, s, b, u.runs[i])
		}
	}
}

func (u *unit) theirProof(c *cache, s *script, b *backend, r *run) {
	p := &proof{unit: u, backend: b, run: r, dir: filepath.Join(u.work, b.folder())}
	suite, program := b.suite(u.curve), filepath.Join(u.dir, "out")
	var fresh string
	fresh, p.keys = c.setup(s, suite, u.dir, b.folder(), func(err *peer.Error) {
		if b.dense && u.program.Unconstrained {
			u.skip(b.column, "private values in no constraint, for which bellman makes no keys")
			p.broken = true
			return
		}
		p.check("set up", err)
	})
	s.add(peer.Prove{
		Suite: suite, Program: program, Witness: r.file("witness"), Key: filepath.Join(fresh, "proving.key"), Out: p.file("theirs.json"), Entropy: "conformance",
	}, func(result peer.Result) error {
		if !p.broken && result.Err != nil {
			p.check("prove", result.Err)
		}
		return nil
	})
	u.proofs = append(u.proofs, p)
}

// prove checks their proof, proves with their keys and with ours, and adds to s
// what zokrates-js has to say about these.
func (p *proof) prove(ctx context.Context, s *script) {
	if p.broken {
		return
	}
	if p.dense && p.program.Unconstrained {
		p.check("set up", errors.New("it works, want it refused: the program isn't unconstrained"))
		return
	}
	var err error
	if p.own, err = p.create(p.curve); !p.check("open the scheme", err) {
		return
	}
	if key := p.importKey(ctx); key != nil {
		p.verifyTheirs("theirs.json", key.VerifyingKey())
		p.proveOurs(ctx, s, key, "imported", filepath.Join(p.keys, "verification.key"))
	}
	if p.exports {
		p.proveWithOwnKey(ctx, s)
	}
}

// importKey reads zokrates-js's keys.
func (p *proof) importKey(ctx context.Context) scheme.ProvingKey {
	file, err := os.ReadFile(filepath.Join(p.keys, "proving.key"))
	if !p.check("read proving.key", err) {
		return nil
	}
	key, err := p.own.ImportProvingKey(ctx, scheme.ImportInput{
		System: p.imported.System(), Data: bytes.NewReader(file), Size: int64(len(file)), Threads: threads,
	})
	if !p.check("import proving.key", err) {
		return nil
	}
	if key.Layout() != p.layout {
		p.check("import proving.key", fmt.Errorf("got layout %s, want %s", key.Layout(), p.layout))
	}
	text, err := os.ReadFile(filepath.Join(p.keys, "verification.key"))
	if !p.check("read verification.key", err) {
		return nil
	}
	vk, err := p.own.ParseVerifyingKey(text)
	if p.check("parse verification.key", err) && !vk.Equal(key.VerifyingKey()) {
		p.check("import proving.key", errors.New("its verifying part differs from verification.key"))
	}
	return key
}

// verifyTheirs verifies a proof of zokrates-js, whose public inputs must be ours.
func (p *proof) verifyTheirs(name string, vk scheme.VerifyingKey) {
	text, err := os.ReadFile(p.file(name))
	if !p.check("read "+name, err) {
		return
	}
	proof, public, err := p.own.ParseProof(text)
	if p.check("parse "+name, err) {
		p.check("verify "+name, p.own.Verify(vk, proof, public))
	}
}

// proveOurs makes a proof and has zokrates-js verify it.
func (p *proof) proveOurs(ctx context.Context, s *script, key scheme.ProvingKey, name, vk string) {
	prover, err := prove.New(p.reopened, p.own, key)
	if !p.check("join program and key", err) {
		return
	}
	result, err := prover.Prove(ctx, prove.Request{Arguments: p.run.Args, Threads: threads, Rand: rand.Reader})
	if !p.check("prove with the "+name+" key", err) {
		return
	}
	file := p.file(name + ".json")
	if !p.check("write proof", os.WriteFile(file, result.Proof, 0o644)) {
		return
	}
	s.add(peer.Verify{VK: vk, Proof: file, Backend: string(p.layout)}, func(r peer.Result) error {
		var accepted bool
		err := r.Decode(&accepted)
		if p.check("verify our proof with the "+name+" key", err) && !accepted {
			p.check("verify", &peer.Error{Kind: peer.Rejected, Message: "our proof with the " + name + " key doesn't hold"})
		}
		return nil
	})
}

// proveWithOwnKey makes keys, proves with them, and has zokrates-js prove with
// them too.
func (p *proof) proveWithOwnKey(ctx context.Context, s *script) {
	key, err := p.own.Setup(ctx, scheme.SetupInput{System: p.imported.System(), Rand: rand.Reader, Threads: threads})
	if !p.check("set up", err) {
		return
	}
	var pk bytes.Buffer
	vk, err := key.VerifyingKey().Encode()
	if !p.check("export the key", errors.Join(key.Export(&pk, nil), err)) {
		return
	}
	for name, content := range map[string][]byte{"own.key": pk.Bytes(), "own.vk": vk} {
		if !p.check("write "+name, os.WriteFile(p.file(name), content, 0o644)) {
			return
		}
	}
	p.proveOurs(ctx, s, key, "own", p.file("own.vk"))
	p.vk = key.VerifyingKey()
	s.add(peer.Prove{
		Suite: p.suite(p.curve), Program: filepath.Join(p.unit.dir, "out"), Witness: p.run.file("witness"), Key: p.file("own.key"), Out: p.file("exported.json"),
	}, func(r peer.Result) error {
		if r.Err != nil {
			p.check("prove with our key", r.Err)
		}
		return nil
	})
}

// finish verifies what zokrates-js proved with our key.
func (p *proof) finish() {
	if p.vk != nil && !p.broken {
		p.verifyTheirs("exported.json", p.vk)
	}
}
