package worker

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"runtime/debug"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/prove"
	"provery/internal/registry"
	"provery/internal/scheme"
	"provery/internal/store"
)

// Registrar checks circuits and keys, converts them to Provery's own form and
// registers them: one at a time, since each may take gigabytes of memory.
type Registrar struct {
	kit       *Kit
	registry  *registry.Registry
	blobs     store.Blobs
	catalogue *Catalogue
	threads   int
	heavy     gate
}

// NewRegistrar returns a registrar that uses at most threads threads.
func NewRegistrar(kit *Kit, r *registry.Registry, blobs store.Blobs, c *Catalogue, threads int) *Registrar {
	return &Registrar{kit: kit, registry: r, blobs: blobs, catalogue: c, threads: max(threads, 1), heavy: newGate(1)}
}

// Upload is a file from a client, with its digest.
type Upload struct {
	Digest store.Digest
	Reader *io.SectionReader
}

// maxDerived bounds the files that are derived from an upload.
const maxDerived = 64 << 30

// Circuit registers a circuit from its artefacts under name:tag (name may be
// empty). If the same artefacts were registered before, existed is true and
// nothing is read again.
func (r *Registrar) Circuit(ctx context.Context, frontName string, artefacts map[string]Upload, name, tag string) (c registry.Circuit, existed bool, err error) {
	defer recoverTo(&err)
	front, err := r.kit.Frontend(frontName)
	if err != nil {
		return c, false, err
	}
	in, err := collect(front, artefacts)
	if err != nil {
		return c, false, err
	}
	if err := checkNames(name, tag); err != nil {
		return c, false, err
	}
	// The curve is part of the id, and only reading the program tells it; but
	// then every circuit with these files is the same one.
	if c, found, err := r.known(ctx, frontName, artefacts); err != nil || found {
		if err != nil || name == "" {
			return c, found, err
		}
		return r.registry.AddCircuit(ctx, c, name, tags(tag)...)
	}
	leave, err := r.heavy.enter(ctx)
	if err != nil {
		return c, false, err
	}
	defer leave()
	program, err := front.Import(ctx, in)
	if err != nil {
		return c, false, err
	}
	m := manifest(frontName, program.Curve().String(), artefacts)
	c = registry.Circuit{Frontend: m.Frontend, Curve: m.Curve, Sources: m.Sources, SourceBytes: map[string]int64{}}
	for role, u := range artefacts {
		c.SourceBytes[role] = u.Reader.Size()
	}
	if err := r.store(ctx, &c, program); err != nil {
		return c, false, err
	}
	return r.registry.AddCircuit(ctx, c, name, tags(tag)...)
}

func checkNames(name, tag string) error {
	for _, s := range []string{name, tag} {
		if s == "" {
			continue
		}
		if err := registry.CheckName(s); err != nil {
			return err
		}
	}
	return nil
}

// tags returns the tags to set beside "latest".
func tags(tag string) []string {
	if tag == "" || tag == registry.Latest {
		return nil
	}
	return []string{tag}
}

// collect checks that the artefacts are those that the front-end wants.
func collect(front frontend.Frontend, artefacts map[string]Upload) (frontend.Artefacts, error) {
	in := frontend.Artefacts{}
	for _, role := range front.Roles() {
		u, found := artefacts[role.Name]
		if found {
			in[role.Name] = u.Reader
		} else if !role.Optional {
			return nil, fault.New(fault.InvalidRequest, "the part %q is missing: %s", role.Name, role.Usage)
		}
	}
	if len(in) != len(artefacts) {
		return nil, fault.New(fault.InvalidRequest, "the upload has a part that the front-end %s doesn't know; GET /v1/about lists its parts", front.Name())
	}
	return in, nil
}

func manifest(front, curveName string, artefacts map[string]Upload) registry.Manifest {
	m := registry.Manifest{Frontend: front, Curve: curveName, Sources: map[string]store.Digest{}}
	for role, u := range artefacts {
		m.Sources[role] = u.Digest
	}
	return m
}

// known looks for a circuit that was registered from the same files.
func (r *Registrar) known(ctx context.Context, front string, artefacts map[string]Upload) (registry.Circuit, bool, error) {
	for _, id := range curve.All() {
		c, err := r.registry.Circuit(ctx, manifest(front, id.String(), artefacts).ID())
		if !fault.Is(err, fault.NotFound) {
			return c, err == nil, err
		}
	}
	return registry.Circuit{}, false, nil
}

// store writes the program's files and fills in what the record says of them.
func (r *Registrar) store(ctx context.Context, c *registry.Circuit, program frontend.Program) error {
	compact, err := r.put(ctx, program.WriteFile)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "store circuit")
	}
	c.Compact = compact
	if abi := program.ABI(); len(abi) <= maxInlineABI {
		c.ABI = bytes.Clone(abi)
	}
	s := program.Statistics()
	c.Stats = registry.Stats{
		Constraints: s.Constraints, Variables: s.Variables, Public: s.PublicInputs, Outputs: s.Outputs,
		Terms: int64(s.Terms), Arguments: s.Arguments, Coefficients: s.Coefficients, Directives: s.Directives,
	}
	return nil
}

// maxInlineABI is the size up to which an ABI is part of the circuit's record.
const maxInlineABI = 256 << 10

// put stores what write writes as a blob.
func (r *Registrar) put(ctx context.Context, write func(io.Writer) error) (registry.Artifact, error) {
	pr, pw := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		var err error
		func() {
			defer recoverTo(&err)
			err = write(pw)
		}()
		pw.CloseWithError(err)
	}()
	digest, size, err := r.blobs.Put(ctx, pr, maxDerived)
	_ = pr.CloseWithError(io.ErrClosedPipe) // ends the writer if Put failed
	<-done
	return registry.Artifact{Digest: digest, Size: size}, err
}

// KeyUpload is a proving key to register, with the verifying key if the client
// has it.
type KeyUpload struct {
	Scheme       string // "" to find out
	Layout       scheme.Layout
	ProvingKey   Upload
	VerifyingKey *Upload
}

// maxVerifyingKey bounds a verifying key's JSON.
const maxVerifyingKey = 64 << 20

// Keys checks a proving key against the circuit and registers it. A verifying
// key that belongs to another proving key is fault.InvalidArtifact.
func (r *Registrar) Keys(ctx context.Context, circuit registry.Circuit, u KeyUpload) (_ registry.KeySet, existed bool, err error) {
	defer recoverTo(&err)
	id, err := curve.Parse(circuit.Curve)
	if err != nil {
		return registry.KeySet{}, false, err
	}
	backends, err := r.kit.backends(u.Scheme, id)
	if err != nil {
		return registry.KeySet{}, false, err
	}
	if u.VerifyingKey == nil { // otherwise it has to be compared
		for _, b := range backends {
			m := registry.KeyManifest{Circuit: circuit.ID, Scheme: string(b.Scheme()), Curve: circuit.Curve, Source: u.ProvingKey.Digest}
			if k, err := r.registry.KeySet(ctx, circuit.ID, m.ID()); err == nil {
				return k, true, nil
			}
		}
	}
	return r.withProgram(ctx, circuit, func(program frontend.Program) (registry.KeySet, error) {
		backend, key, err := r.importKey(ctx, backends, program, u)
		if err != nil {
			return registry.KeySet{}, err
		}
		k := registry.KeySet{Layout: string(key.Layout()), Provenance: registry.Uploaded}
		k.Source = registry.Artifact{Digest: u.ProvingKey.Digest, Size: u.ProvingKey.Reader.Size()}
		return r.storeKey(ctx, k, program, backend, key)
	})
}

// importKey reads the key with the backends in turn and compares the verifying
// key, if there is one.
func (r *Registrar) importKey(ctx context.Context, backends []scheme.Backend, program frontend.Program, u KeyUpload) (scheme.Backend, scheme.ProvingKey, error) {
	var first error
	for _, backend := range backends {
		key, err := backend.ImportProvingKey(ctx, scheme.ImportInput{
			System: program.System(), Data: u.ProvingKey.Reader, Size: u.ProvingKey.Reader.Size(),
			Layout: u.Layout, Threads: r.threads,
		})
		if err == nil {
			return backend, key, matches(backend, key, u.VerifyingKey)
		}
		if first == nil || !fault.Is(err, fault.InvalidArtifact) {
			first = err
		}
	}
	return nil, nil, first
}

// matches checks that a verifying key belongs to the proving key.
func matches(backend scheme.Backend, key scheme.ProvingKey, upload *Upload) error {
	if upload == nil {
		return nil
	}
	if upload.Reader.Size() > maxVerifyingKey {
		return fault.New(fault.TooLarge, "the verifying key has more than %d bytes", maxVerifyingKey)
	}
	b, err := io.ReadAll(io.NewSectionReader(upload.Reader, 0, upload.Reader.Size()))
	if err != nil {
		return fault.Wrap(err, fault.Internal, "read verifying key")
	}
	vk, err := backend.ParseVerifyingKey(b)
	if err != nil {
		return err
	}
	if !key.VerifyingKey().Equal(vk) {
		return fault.New(fault.InvalidArtifact, "the verifying key belongs to another proving key")
	}
	return nil
}

// Setup makes insecure-dev keys for the circuit.
func (r *Registrar) Setup(ctx context.Context, circuit registry.Circuit, schemeName string) (_ registry.KeySet, err error) {
	defer recoverTo(&err)
	id, err := curve.Parse(circuit.Curve)
	if err != nil {
		return registry.KeySet{}, err
	}
	s, err := scheme.Parse(schemeName)
	if err != nil {
		return registry.KeySet{}, err
	}
	backend, err := r.kit.Backend(s, id)
	if err != nil {
		return registry.KeySet{}, err
	}
	k, _, err := r.withProgram(ctx, circuit, func(program frontend.Program) (registry.KeySet, error) {
		key, err := backend.Setup(ctx, program.System(), rand.Reader, r.threads)
		if err != nil {
			return registry.KeySet{}, err
		}
		return r.storeKey(ctx, registry.KeySet{Layout: string(key.Layout()), Provenance: registry.InsecureDev}, program, backend, key)
	})
	return k, err
}

// withProgram runs make with the circuit's program, alone among the heavy
// work, and registers the key set that it returns.
func (r *Registrar) withProgram(ctx context.Context, circuit registry.Circuit, make func(frontend.Program) (registry.KeySet, error)) (k registry.KeySet, existed bool, err error) {
	leave, err := r.heavy.enter(ctx)
	if err != nil {
		return k, false, err
	}
	defer leave()
	handle, err := r.catalogue.programs.Acquire(ctx, circuit.ID)
	if err != nil {
		return k, false, err
	}
	defer handle.Release()
	if k, err = make(handle.Value().program); err != nil {
		return k, false, err
	}
	k.Circuit = circuit.ID
	return r.registry.AddKeySet(ctx, k)
}

// storeKey tests the key and writes its files.
func (r *Registrar) storeKey(ctx context.Context, k registry.KeySet, program frontend.Program, backend scheme.Backend, key scheme.ProvingKey) (registry.KeySet, error) {
	var err error
	if k.SelfTest, err = r.selfTest(ctx, program, backend, key); err != nil {
		return k, err
	}
	if k.ProvingKey, err = r.put(ctx, key.WriteFile); err != nil {
		return k, fault.Wrap(err, fault.Internal, "store proving key")
	}
	vk, err := key.VerifyingKey().Encode()
	if err != nil {
		return k, fault.Wrap(err, fault.Internal, "encode verifying key")
	}
	if k.VerifyingKey.Digest, k.VerifyingKey.Size, err = r.blobs.Put(ctx, bytes.NewReader(vk), maxDerived); err != nil {
		return k, fault.Wrap(err, fault.Internal, "store verifying key")
	}
	if k.Source.Digest.IsZero() {
		k.Source = k.ProvingKey
	}
	k.Scheme, k.Curve = string(backend.Scheme()), backend.Curve().String()
	return k, nil
}

// The outcomes of a self-test.
const (
	selfTestPassed   = "passed"
	selfTestNoSample = "not possible: the program refuses the sample arguments"
)

// selfTest proves sample arguments, if the program accepts any, and verifies
// the proof: a key of another program fails here at the latest.
func (r *Registrar) selfTest(ctx context.Context, program frontend.Program, backend scheme.Backend, key scheme.ProvingKey) (string, error) {
	prover, err := prove.New(program, backend, key)
	if err != nil {
		return "", err
	}
	for _, arguments := range program.Samples() {
		_, err := prover.Prove(ctx, prove.Request{Arguments: arguments, Threads: r.threads, Rand: rand.Reader})
		switch fault.CodeOf(err) {
		case "":
			return selfTestPassed, nil
		case fault.UnsatisfiedWitness, fault.InvalidRequest:
			continue // these arguments aren't for this program
		case fault.Internal:
			return "", &fault.Error{Code: fault.InvalidArtifact, Detail: "a proof with this key doesn't verify: the key belongs to another program", Err: err}
		}
		return "", err
	}
	return selfTestNoSample, nil
}

// recoverTo turns a panic into an internal error.
func recoverTo(err *error) {
	if v := recover(); v != nil {
		*err = fromPanic(v, debug.Stack())
	}
}
