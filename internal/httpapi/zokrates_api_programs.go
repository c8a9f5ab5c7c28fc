package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"provery/api"
	"provery/internal/fault"
)

// zokratesMain is the name that a program's source gets, for positions in
// errors.
const zokratesMain = "main.zok"

// zokratesLanguage is the front-end of the programs.
const zokratesLanguage = "zokrates"

// compile compiles the source in the body and registers the program under its
// hash. As with ZoKrates-API, a program that is registered is a conflict.
func (f *zokratesFacade) compile(r *http.Request) (any, error) {
	c, err := f.choose(r)
	if err != nil {
		return nil, err
	}
	source, err := f.body(r, min(maxZoKratesSource, f.limits.BodyBytes))
	if err != nil {
		return nil, err
	}
	if len(source) == 0 || !utf8.Valid(source) {
		return nil, fault.New(fault.InvalidRequest, "want the text of a .zok file")
	}
	sum := sha256.Sum256(source)
	c.hash = strings.ToUpper(hex.EncodeToString(sum[:]))
	switch _, err := f.services.Circuits.Circuit(r.Context(), c.ref()); {
	case err == nil:
		return nil, fault.New(fault.Conflict, "program %s is registered for %s already", c.hash, c.curve)
	case !fault.Is(err, fault.NotFound):
		return nil, err
	}
	return f.registerSource(r, &c, source)
}

func (f *zokratesFacade) registerSource(r *http.Request, c *zokratesChoice, source []byte) (any, error) {
	if f.services.Compilations == nil {
		return nil, fault.New(fault.Unsupported, "this service has no ZoKrates compiler: register the compiled program instead (provery import zokrates)")
	}
	release, ok := f.takeWaiter()
	if !ok {
		return nil, errNoWaiter("")
	}
	defer release()
	x := exchangeOf(r.Context())
	circuit, job, err := f.services.Compilations.Compile(r.Context(), Sources{
		Frontend: zokratesLanguage, Files: map[string][]byte{zokratesMain: source}, Main: zokratesMain, Curve: c.curve,
		Name: zokratesName, Tag: c.tag(), Priority: api.PriorityNormal, Caller: x.caller.Name,
	})
	switch {
	case err != nil:
		return nil, sourceError(err)
	case circuit != nil: // the same source was compiled under another name
		return zokratesProgram{Hash: c.hash, ABI: circuit.ABI}, nil
	}
	x.writer.Header().Set("Location", jobLocation(job.ID))
	id := job.ID
	if job, err = f.awaitJob(r.Context(), job, f.limits.Wait.Truncate(time.Second)); err != nil {
		f.abandonCompilation(r.Context(), id)
		return nil, err
	}
	if !job.State.Terminal() {
		return nil, fault.New(fault.DeadlineExceeded, "the compilation takes longer than a request may wait; it goes on, see Location (limits.max_wait)")
	}
	made, err := f.compiled(r.Context(), &job)
	return zokratesProgram{Hash: c.hash, ABI: made.ABI}, sourceError(err)
}

// abandonCompilation ends the compilation of a client that went away.
func (f *zokratesFacade) abandonCompilation(ctx context.Context, id string) {
	if ctx.Err() == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abandonTimeout)
	defer cancel()
	if _, err := f.services.Jobs.CancelJob(ctx, exchangeOf(ctx).caller, id); err != nil {
		f.log.Warn("cancel an abandoned compilation", "compilation", id, "cause", err)
	}
}

// sourceError makes a refusal of the compiler one of the request, which is the
// source: ZoKrates-API's clients expect the status 400.
func sourceError(err error) error {
	var f *fault.Error
	var p *problemError
	switch {
	case errors.As(err, &f) && f.Code == fault.InvalidArtifact:
		bad := *f
		bad.Code = fault.InvalidRequest
		return &bad
	case errors.As(err, &p) && p.Code == api.CodeInvalidArtifact:
		bad := *p
		bad.Problem = *api.NewProblem(api.CodeInvalidRequest, p.Detail)
		bad.Position, bad.Errors = p.Position, p.Errors
		return &bad
	}
	return err
}

// provingKey adds the key in the body to a program.
func (f *zokratesFacade) provingKey(r *http.Request) (any, error) {
	c, err := f.choose(r)
	if err != nil {
		return nil, err
	}
	circuit, err := f.registered(r, &c)
	if err != nil {
		return nil, err
	}
	form, err := f.newForm()
	defer f.discard(form)
	if err != nil {
		return nil, err
	}
	x := exchangeOf(r.Context())
	if r.ContentLength > f.limits.UploadBytes {
		return nil, fault.New(fault.TooLarge, "the body is over %d bytes", f.limits.UploadBytes)
	}
	key, err := form.store(&patientBody{r.Body, x}, f.limits.UploadBytes)
	if err != nil {
		return nil, rawBodyError(err)
	}
	x.clearReadDeadline()
	_, _, err = f.services.Keys.AddKeys(r.Context(), circuit.ID, KeyUpload{Scheme: c.scheme, ProvingKey: &key, Caller: x.caller.Name})
	return zokratesMessage{"proving key recorded for proof " + c.hash}, err
}

// body reads the request's body, of at most limit bytes.
func (s *Server) body(r *http.Request, limit int64) ([]byte, error) {
	x := exchangeOf(r.Context())
	b, err := io.ReadAll(http.MaxBytesReader(x.writer, &patientBody{r.Body, x}, limit))
	if err != nil {
		return nil, rawBodyError(err)
	}
	x.clearReadDeadline()
	return b, nil
}

// rawBodyError is bodyError for a body that isn't a form.
func rawBodyError(err error) error {
	known := bodyError(err)
	if fault.Is(known, fault.InvalidRequest) {
		return &fault.Error{Code: fault.InvalidRequest, Detail: "the body broke off", Err: err}
	}
	return known
}
