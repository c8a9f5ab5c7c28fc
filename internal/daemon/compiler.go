package daemon

import (
	"context"
	"io"
	"maps"
	"slices"

	"provery/api"
	"provery/internal/config"
	"provery/internal/curve"
	"provery/internal/frontend/zokrates"
	"provery/internal/frontend/zokrates/compiler"
	"provery/internal/httpapi"
	"provery/internal/queue"
	"provery/internal/source"
	"provery/internal/worker"
)

// openCompilers makes the compilers, which need not be installed: what asks for
// one is told how to, and one that is installed later is used without a
// restart.
func (d *Daemon) openCompilers(context.Context) error {
	c := d.cfg.Compiler
	made, err := compiler.New(compiler.Config{
		Toolchain: d.cfg.CompilerPath(), TempDir: d.spool, Concurrency: max(c.Slots, 1),
		Limits: compiler.Limits{
			Time: c.Time, Memory: int64(c.Memory), SourceBytes: int64(c.MaxSourceBytes),
			Files: c.MaxFiles, ImportDepth: c.MaxImportDepth,
		},
	})
	if err != nil {
		return err
	}
	d.compilers = map[string]worker.Compiler{zokrates.New().Name(): zokratesCompiler{made}}
	d.compiling = worker.NewCompiling(d.compilers, d.registrar, d.registry, d.ring, now)
	return nil
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
	c := d.compilers[front]
	if c == nil || d.cfg.Compiler.Slots == 0 {
		return nil
	}
	out := &api.Compiler{Name: c.Version(), Installed: d.cfg.Role == config.RoleAPI || c.Ready() == nil, Extension: compiler.Extension}
	for _, id := range curve.All() {
		out.Curves = append(out.Curves, id.String())
	}
	return out
}

// zokratesCompiler joins the compiler of ZoKrates to the workers.
type zokratesCompiler struct{ *compiler.Compiler }

// Version implements worker.Compiler.
func (zokratesCompiler) Version() string { return "zokrates-js " + compiler.PackageVersion }

// Check implements worker.Compiler.
func (c zokratesCompiler) Check(s *worker.Sources) error {
	req, err := zokratesRequest(s)
	if err != nil {
		return err
	}
	return c.Compiler.Check(req)
}

func zokratesRequest(s *worker.Sources) (compiler.Request, error) {
	id, err := curve.Parse(s.Curve)
	if err != nil {
		return compiler.Request{}, err
	}
	files := make(map[string][]byte, len(s.Files))
	for name, text := range s.Files {
		files[name] = []byte(text)
	}
	return compiler.Request{Sources: files, Main: s.Main, Curve: id, Debug: s.Debug}, nil
}

// Compile implements worker.Compiler.
func (c zokratesCompiler) Compile(ctx context.Context, s *worker.Sources, stage func(string)) (*worker.Compiled, error) {
	req, err := zokratesRequest(s)
	if err != nil {
		return nil, err
	}
	req.Stage = stage
	result, err := c.Compiler.Compile(ctx, req)
	if err != nil {
		return nil, err
	}
	out := &worker.Compiled{Artefacts: map[string]*io.SectionReader{}, Close: result.Close}
	for role, file := range result.Artefacts() {
		out.Artefacts[role] = file
	}
	return out, nil
}

// zokratesAPI returns the facade's options, nil if it is off.
func (d *Daemon) zokratesAPI() *httpapi.ZoKratesAPI {
	z := d.cfg.Facades.ZoKratesAPI
	if !z.Enabled {
		return nil
	}
	return &httpapi.ZoKratesAPI{Scheme: z.Scheme, Curve: z.Curve}
}
