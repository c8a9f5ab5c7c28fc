package daemon

import (
	"context"
	"crypto/sha256"
	"io"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend/zokrates"
	"provery/internal/frontend/zokrates/compiler"
	"provery/internal/httpapi"
)

// openCompiler makes the compiler, which need not be installed: what asks for
// it is told how to.
func (d *Daemon) openCompiler(context.Context) error {
	c, err := compiler.New(compiler.Config{Toolchain: d.path("toolchain"), TempDir: d.spool})
	if err != nil {
		return err
	}
	d.compiler = zokratesCompiler{c}
	return nil
}

// Compile implements httpapi.Compiler.
func (s *services) Compile(ctx context.Context, in httpapi.Sources) (*httpapi.Compiled, error) {
	return s.d.compiler.Compile(ctx, in)
}

// zokratesCompiler joins the compiler to the API.
type zokratesCompiler struct{ *compiler.Compiler }

// Compile implements httpapi.Compiler.
func (c zokratesCompiler) Compile(ctx context.Context, in httpapi.Sources) (*httpapi.Compiled, error) {
	id, err := curve.Parse(in.Curve)
	if err != nil {
		return nil, err
	}
	result, err := c.Compiler.Compile(ctx, compiler.Request{Sources: in.Files, Main: in.Main, Curve: id, Debug: in.Debug})
	if err != nil {
		return nil, err
	}
	out := &httpapi.Compiled{Frontend: zokrates.New().Name(), Artefacts: map[string]httpapi.Upload{}, Close: result.Close}
	for role, file := range result.Artefacts() {
		if out.Artefacts[role], err = artefact(file); err != nil {
			_ = result.Close()
			return nil, err
		}
	}
	return out, nil
}

// artefact returns a file as if it had been uploaded.
func artefact(file *io.SectionReader) (httpapi.Upload, error) {
	hash := sha256.New()
	size, err := io.Copy(hash, io.NewSectionReader(file, 0, file.Size()))
	if err != nil {
		return httpapi.Upload{}, fault.Wrap(err, fault.Internal, "read the compiled program")
	}
	u := httpapi.Upload{Size: size, Reader: file}
	hash.Sum(u.Digest[:0])
	return u, nil
}

// zokratesAPI returns the facade's options, nil if it is off.
func (d *Daemon) zokratesAPI() *httpapi.ZoKratesAPI {
	z := d.cfg.Facades.ZoKratesAPI
	if !z.Enabled {
		return nil
	}
	return &httpapi.ZoKratesAPI{Scheme: z.Scheme, Curve: z.Curve}
}
