package httpapi

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"provery/internal/fault"
)

// zokratesMain is the name that a program's source gets, for positions in
// errors.
const zokratesMain = "main.zok"

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

func (f *zokratesFacade) registerSource(r *http.Request, c *zokratesChoice, source []byte) (_ any, err error) {
	if f.services.Compiler == nil {
		return nil, fault.New(fault.Unsupported, "this service has no ZoKrates compiler: register the compiled program instead (provery import zokrates)")
	}
	compiled, err := f.services.Compiler.Compile(r.Context(), Sources{
		Files: map[string][]byte{zokratesMain: source}, Main: zokratesMain, Curve: c.curve,
	})
	if err != nil {
		return nil, sourceError(err)
	}
	defer func() { err = errors.Join(err, compiled.Close()) }()
	circuit, _, err := f.services.Circuits.Register(r.Context(), Registration{
		Frontend: compiled.Frontend, Name: zokratesName, Tag: c.tag(), Artefacts: compiled.Artefacts,
		Caller: exchangeOf(r.Context()).caller.Name,
	})
	return zokratesProgram{Hash: c.hash, ABI: circuit.ABI}, err
}

// sourceError makes a refusal of the compiler one of the request, which is the
// source: ZoKrates-API's clients expect the status 400.
func sourceError(err error) error {
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.InvalidArtifact {
		return err
	}
	bad := *f
	bad.Code = fault.InvalidRequest
	return &bad
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
func (f *zokratesFacade) body(r *http.Request, limit int64) ([]byte, error) {
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
