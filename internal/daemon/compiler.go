package daemon

import (
	"context"
	"maps"
	"slices"

	"provery/api"
	"provery/internal/config"
	"provery/internal/curve"
	circomcompiler "provery/internal/frontend/circom/compiler"
	"provery/internal/frontend/hosting"
	zokratescompiler "provery/internal/frontend/zokrates/compiler"
	"provery/internal/httpapi"
	"provery/internal/queue"
	"provery/internal/source"
	"provery/internal/worker"
)

// Languages returns the circuit languages that this release can compile.
func Languages() []hosting.Language {
	return []hosting.Language{zokratescompiler.Language(), circomcompiler.Language()}
}

// openCompilers makes the compilers, which need not be installed: what asks for
// one is told how to, and one that is installed later is used without a
// restart. They share the slots.
func (d *Daemon) openCompilers(context.Context) error {
	c := d.cfg.Compiler
	slots := make(chan struct{}, max(c.Slots, 1))
	d.compilers = map[string]worker.Compiler{}
	for _, l := range Languages() {
		library, err := d.libraryOf(l)
		if err != nil {
			return err
		}
		made, err := hosting.New(hosting.Config{
			Language: l, Toolchain: d.cfg.CompilerPath(), TempDir: d.spool, Slots: slots,
			Limits: hosting.Limits{
				Time: c.Time, Memory: int64(c.Memory), SourceBytes: int64(c.MaxSourceBytes),
				Files: c.MaxFiles, ImportDepth: c.MaxImportDepth,
			},
			Library: library.files, LibraryRoots: library.roots,
		})
		if err != nil {
			return err
		}
		d.compilers[l.Name()] = &hosted{made, library.digest()}
	}
	d.compiling = worker.NewCompiling(d.compilers, d.registrar, d.registry, d.ring, now)
	return nil
}

// libraryOf returns the configured libraries' files of a language. One that
// doesn't look imports up in folders has no use for them.
func (d *Daemon) libraryOf(l hosting.Language) (*library, error) {
	if !l.Includes() {
		return &library{}, nil
	}
	return readLibrary(d.cfg.Compiler.Libraries, l.Extension())
}

// buildCompilePool makes the pool that runs compilations: one of their own,
// since a compilation may take minutes and proofs shouldn't wait for it. Where
// other processes may have a compiler, one without leaves the jobs to them.
func (d *Daemon) buildCompilePool(context.Context) error {
	installed := slices.ContainsFunc(slices.Collect(maps.Values(d.compilers)), func(c worker.Compiler) bool { return c.Ready() == nil })
	if d.cfg.Compiler.Slots == 0 || d.cfg.Engine.URL != "" && !installed {
		return nil
	}
	cfg := d.poolConfig()
	cfg.Slots = d.cfg.Compiler.Slots
	d.compilePool = worker.NewPool(cfg, d.queue, d.compiling)
	return nil
}

// compilesHere reports whether compilations that this process accepts are its
// own to run: there are no others, or none that is known to take them.
func (d *Daemon) compilesHere() bool {
	switch {
	case d.cfg.Role == config.RoleAPI:
		return false
	case d.cfg.Engine.URL == "":
		return true
	}
	return !slices.ContainsFunc(d.queue.Workers(), func(w queue.Worker) bool { return slices.Contains(w.Kinds, worker.KindCompile) })
}

// sourceLimits bounds the sources that are taken for compiling.
func (d *Daemon) sourceLimits() source.Limits {
	return source.Limits{Bytes: int64(d.cfg.Compiler.MaxSourceBytes), Files: d.cfg.Compiler.MaxFiles}
}

// compilerOf describes the compiler of a front-end, nil if there is none.
func (d *Daemon) compilerOf(front string) *api.Compiler {
	c, languages := d.compilers[front], Languages()
	i := slices.IndexFunc(languages, func(l hosting.Language) bool { return l.Name() == front })
	if c == nil || i < 0 || d.cfg.Compiler.Slots == 0 {
		return nil
	}
	l := languages[i]
	out := &api.Compiler{
		Name: l.Version(), Installed: d.cfg.Role == config.RoleAPI || c.Ready() == nil, Extension: l.Extension(),
		Optimizations: l.Optimizations(), Includes: l.Includes(),
	}
	for _, id := range l.Curves() {
		out.Curves = append(out.Curves, id.String())
	}
	return out
}

// hosted joins a compiler to the workers.
type hosted struct {
	*hosting.Compiler
	library string // digest of the files that it has beside every request's
}

// Version implements worker.Compiler. Another library may make other programs.
func (h *hosted) Version() string {
	if h.library == "" {
		return h.Language().Version()
	}
	return h.Language().Version() + " with " + h.library
}

// Check implements worker.Compiler.
func (h *hosted) Check(s *worker.Sources) error {
	req, err := compileRequest(s)
	if err != nil {
		return err
	}
	return h.Compiler.Check(req)
}

func compileRequest(s *worker.Sources) (hosting.Request, error) {
	id, err := curve.Parse(s.Curve)
	if err != nil {
		return hosting.Request{}, err
	}
	files := make(map[string][]byte, len(s.Files))
	for name, text := range s.Files {
		files[name] = []byte(text)
	}
	options := hosting.Options{Debug: s.Debug, Optimize: s.Optimize, Include: s.Include}
	return hosting.Request{Sources: files, Main: s.Main, Curve: id, Options: options}, nil
}

// Compile implements worker.Compiler.
func (h *hosted) Compile(ctx context.Context, s *worker.Sources, stage func(string)) (*worker.Compiled, error) {
	req, err := compileRequest(s)
	if err != nil {
		return nil, err
	}
	req.Stage = stage
	result, err := h.Compiler.Compile(ctx, req)
	if err != nil {
		return nil, err
	}
	return &worker.Compiled{Artefacts: result.Artefacts(), Close: result.Close}, nil
}

// zokratesAPI returns the facade's options, nil if it is off.
func (d *Daemon) zokratesAPI() *httpapi.ZoKratesAPI {
	z := d.cfg.Facades.ZoKratesAPI
	if !z.Enabled {
		return nil
	}
	return &httpapi.ZoKratesAPI{Scheme: z.Scheme, Curve: z.Curve}
}
