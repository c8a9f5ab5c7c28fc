package worker

import (
	"bytes"
	"context"
	"io"
	"slices"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/registry"
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
	if c, found, err := r.known(ctx, frontName, artefacts, name, tag); err != nil || found {
		return c, found, err
	}
	leave, err := r.heavy.enter(ctx)
	if err != nil {
		return c, false, err
	}
	defer leave()
	// Somebody else may have registered the same files meanwhile.
	if c, found, err := r.known(ctx, frontName, artefacts, name, tag); err != nil || found {
		return c, found, err
	}
	program, err := front.Import(ctx, in)
	if err != nil {
		return c, false, err
	}
	defer func() { _ = frontend.Release(program) }()
	m := manifest(frontName, program.Curve().String(), artefacts)
	c = registry.Circuit{Frontend: m.Frontend, Curve: m.Curve, Sources: m.Sources, SourceBytes: map[string]int64{}}
	for role, u := range artefacts {
		c.SourceBytes[role] = u.Reader.Size()
	}
	if err := r.store(ctx, &c, program); err != nil {
		return c, false, err
	}
	c, existed, err = r.registry.AddCircuit(ctx, c, name, tags(tag)...)
	if err == nil && existed {
		err = r.look(ctx, c.ID, c.Compact)
	}
	return c, existed, err
}

// checkNames checks a name and a tag, both optional, before the work is done.
func checkNames(name, tag string) error {
	for _, s := range []string{name, tag} {
		if s == "" {
			continue
		}
		if err := registry.CheckName(s); err != nil {
			return err
		}
	}
	if name == "" {
		return nil
	}
	if ref, err := registry.ParseRef(name); err != nil || ref.Name != name {
		return fault.New(fault.InvalidRequest, "a circuit's name must not look like an id")
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

// known looks for a circuit that was registered from the same files, and
// gives it the name. One whose stored files are damaged isn't known: storing
// them again mends it.
func (r *Registrar) known(ctx context.Context, front string, artefacts map[string]Upload, name, tag string) (c registry.Circuit, found bool, err error) {
	// The curve is part of the id, and only reading the program tells it; but
	// then every circuit with these files is the same one.
	for _, id := range curve.All() {
		c, err := r.registry.Circuit(ctx, manifest(front, id.String(), artefacts).ID())
		switch {
		case fault.Is(err, fault.NotFound):
			continue
		case err != nil:
			return c, false, err
		case r.damaged(c.ID):
			return c, false, nil
		case name == "":
			return c, true, nil
		}
		return r.registry.AddCircuit(ctx, c, name, tags(tag)...)
	}
	return registry.Circuit{}, false, nil
}

// damaged reports whether a stored file of the circuit is known to be damaged.
func (r *Registrar) damaged(circuit store.Digest) bool {
	return slices.ContainsFunc(r.registry.Health(), func(d registry.Damage) bool { return d.Circuit == circuit })
}

// look opens files that were stored again, so that the registry sees that they
// are whole.
func (r *Registrar) look(ctx context.Context, circuit store.Digest, files ...registry.Artifact) error {
	for _, a := range files {
		b, err := r.registry.OpenBlob(ctx, circuit, a)
		if err != nil {
			return broken("a file of the circuit", err)
		}
		if err := b.Close(); err != nil {
			return err
		}
	}
	return nil
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
		Terms: int64(s.Terms), Arguments: s.Arguments, Coefficients: s.Coefficients, Directives: s.Directives, Rows: s.Rows,
		SolverBytes: s.SolverBytes,
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
