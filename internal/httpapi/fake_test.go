package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"provery/api"
	"provery/internal/httpapi"
)

// fake implements every service. Its methods record what they were given,
// and return err if it is set.
type fake struct {
	mu           sync.Mutex
	err          error
	panic        any
	registration httpapi.Registration
	uploads      map[string]string // complete ones, by digest
	content      map[string]string
	keys         httpapi.KeyUpload
	submission   httpapi.Submission
	batch        httpapi.BatchSubmission
	items        func(ctx context.Context) iter.Seq2[api.Proof, error]
	verify       api.VerifyRequest
	witness      api.WitnessRequest
	filter       api.ProofFilter
	key          string // what is exported
	broken       error  // after it
	closed       int
	compiled     httpapi.Sources
	built        *api.Circuit // what was compiled before
	args         []string
	limit        int
	existed      bool
	proof        api.Proof
	ready        api.Readiness
	events       func(ctx context.Context) iter.Seq2[api.Event, error]
	wait         func(ctx context.Context, id string, timeout time.Duration) (api.Proof, error)
}

var created = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)

func newFake() *fake {
	return &fake{
		proof: api.Proof{ID: "p_1", State: api.StateQueued, Circuit: circuitID, Priority: api.PriorityNormal, Created: created},
		ready: api.Readiness{Ready: true, Checks: []api.Check{{Name: "engine", OK: true}}},
	}
}

const circuitID = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"

func circuit() api.Circuit {
	return api.Circuit{ID: circuitID, Tags: []string{"a:latest"}, Frontend: "zokrates", Curve: "bn128", Created: created}
}

func (f *fake) services() httpapi.Services {
	return httpapi.Services{Circuits: f, Keys: f, Proofs: f, Batches: f, Jobs: f, Webhooks: f, Uploads: f, Tools: f, System: f, Compilations: f}
}

// got records the arguments of a call, and fails or panics as asked.
func (f *fake) got(args ...string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.args = args
	if f.panic != nil {
		panic(f.panic)
	}
	return f.err
}

func (f *fake) read(role string, u httpapi.Upload) {
	b, err := io.ReadAll(u.Reader)
	if err != nil || int64(len(b)) != u.Size {
		panic("the upload can't be read")
	}
	f.content[role] = string(b)
}

func (f *fake) Register(_ context.Context, r httpapi.Registration) (api.Circuit, bool, error) {
	f.registration, f.content = r, map[string]string{}
	for role, u := range r.Artefacts {
		f.read(role, u)
	}
	return circuit(), f.existed, f.got()
}

func (f *fake) Circuits(_ context.Context, cursor string, limit int) (api.Page[api.Circuit], error) {
	f.limit = limit
	return api.Page[api.Circuit]{Items: []api.Circuit{circuit()}, Next: "more"}, f.got(cursor)
}
func (f *fake) Circuit(_ context.Context, ref string) (api.Circuit, error) {
	return circuit(), f.got(ref)
}
func (f *fake) Remove(_ context.Context, ref string) error { return f.got(ref) }
func (f *fake) SetTag(_ context.Context, ref, tag string) (api.Circuit, error) {
	return circuit(), f.got(ref, tag)
}

func (f *fake) AddKeys(_ context.Context, ref string, u httpapi.KeyUpload) (api.KeySet, bool, error) {
	f.keys, f.content = u, map[string]string{}
	for role, u := range map[string]*httpapi.Upload{api.RoleProvingKey: u.ProvingKey, api.RoleVerifyingKey: u.VerifyingKey} {
		if u != nil {
			f.read(role, *u)
		}
	}
	return api.KeySet{ID: "sha256:k", Circuit: circuitID, Layout: "ark", Provenance: api.ProvenanceUploaded}, f.existed, f.got(ref)
}
func (f *fake) Keys(_ context.Context, ref string) ([]api.KeySet, error) { return nil, f.got(ref) }
func (f *fake) VerifyingKey(_ context.Context, ref, id, format string) ([]byte, error) {
	return []byte(`{"alpha":["0x1","0x2"]}`), f.got(ref, id, format)
}

func (f *fake) ProvingKey(_ context.Context, ref, id, format string) (*httpapi.KeyFile, error) {
	return &httpapi.KeyFile{Layout: "ark", Close: func() { f.closed++ }, Write: func(w io.Writer) error {
		if f.key == "" {
			return f.broken
		}
		_, err := io.WriteString(w, f.key)
		return errors.Join(err, f.broken)
	}}, f.got(ref, id, format)
}

func (f *fake) Verifier(_ context.Context, ref string, c httpapi.Contract) (string, error) {
	return "contract V {}", f.got(ref, c.Target, c.Keys, c.Name)
}

func (f *fake) Calldata(_ context.Context, _ httpapi.Caller, id, target string) (api.Calldata, error) {
	return api.Calldata{Target: target, Calldata: "0x01"}, f.got(id, target)
}

func (f *fake) Submit(_ context.Context, s httpapi.Submission) (api.Proof, error) {
	f.submission = s
	return f.proof, f.got()
}
func (f *fake) Proof(_ context.Context, _ httpapi.Caller, id string) (api.Proof, error) {
	return f.proof, f.got(id)
}
func (f *fake) Wait(ctx context.Context, _ httpapi.Caller, id string, timeout time.Duration) (api.Proof, error) {
	if f.wait == nil {
		return f.proof, f.got(id, timeout.String())
	}
	return f.wait(ctx, id, timeout)
}
func (f *fake) Proofs(_ context.Context, _ httpapi.Caller, filter api.ProofFilter, cursor string, limit int) (api.Page[api.Proof], error) {
	f.filter, f.limit = filter, limit
	return api.Page[api.Proof]{Items: []api.Proof{f.proof}}, f.got(cursor)
}
func (f *fake) Cancel(_ context.Context, _ httpapi.Caller, id string) (api.Proof, error) {
	return f.proof, f.got(id)
}
func (f *fake) Delete(_ context.Context, _ httpapi.Caller, id string) error { return f.got(id) }

func (f *fake) Compile(_ context.Context, s httpapi.Sources) (*api.Circuit, api.Job, error) {
	f.compiled = s
	return f.built, api.Job{ID: "c_1", Kind: api.KindCompile, State: api.StateQueued, Priority: api.PriorityNormal, Created: created}, f.got()
}

func (f *fake) Verify(_ context.Context, r api.VerifyRequest) (api.VerifyResult, error) {
	f.verify = r
	return api.VerifyResult{Valid: true}, f.got()
}
func (f *fake) DryRun(_ context.Context, ref string, r api.WitnessRequest) (api.WitnessResult, error) {
	f.witness = r
	return api.WitnessResult{Satisfied: true, Outputs: json.RawMessage(`"3"`)}, f.got(ref)
}

func (f *fake) About(context.Context) api.About {
	return api.About{Service: "provery", Version: "test", Engine: "embedded"}
}
func (f *fake) Ready(context.Context) api.Readiness {
	return f.ready
}
func (f *fake) Queue(context.Context) (api.QueueStats, error) {
	return api.QueueStats{Queued: 3}, f.got()
}

// rig is a server over a fake, with its log.
type rig struct {
	*httpapi.Server
	t     testing.TB
	fake  *fake
	log   *lockedBuffer
	spool string
	loose bool // the fake answers as no service does: nothing is held against the document
}

// lockedBuffer is a log that can be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Reset()
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func frontends() []api.Frontend {
	return []api.Frontend{{Name: "zokrates", Compiler: &api.Compiler{Name: "zokrates-js", Extension: ".zok", Curves: []string{"bn128", "bls12_381", "bw6_761"}}, Roles: []api.Role{{Name: "program", Usage: "compiled program"}, {Name: "abi", Optional: true, Usage: "ABI"}}}}
}

// newRig makes a server; change, if not nil, changes its options first.
func newRig(t testing.TB, change func(*httpapi.Options)) *rig {
	t.Helper()
	r := &rig{t: t, fake: newFake(), log: &lockedBuffer{}, spool: filepath.Join(t.TempDir(), "spool")}
	o := httpapi.Options{
		Services:  r.fake.services(),
		Frontends: frontends(),
		Version:   "test",
		SpoolDir:  r.spool,
		Metrics:   http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metric 1\n") }),
		Log:       slog.New(slog.NewJSONHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&o)
	}
	var err error
	if r.Server, err = httpapi.New(o); err != nil {
		t.Fatal(err)
	}
	return r
}

// do answers one request without a network.
func (r *rig) do(method, target, contentType, body string, headers ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	req.Host = "localhost"
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	return r.exchange(req, []byte(body))
}

// send is do for a request whose body is read once.
func (r *rig) send(req *http.Request) *httptest.ResponseRecorder { return r.exchange(req, nil) }

// exchange answers a request, and holds both against the document.
func (r *rig) exchange(req *http.Request, sent []byte) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	r.checkContract(req, sent, w)
	return w
}

const jsonType = "application/json"

// wantProblem checks that w is the problem of a code, in full.
func wantProblem(t *testing.T, w *httptest.ResponseRecorder, code api.Code) api.Problem {
	t.Helper()
	var p api.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("got body %q, want a problem: %v", w.Body, err)
	}
	entry, ok := api.Lookup(code)
	if !ok {
		t.Fatalf("%s isn't in the catalogue", code)
	}
	if p.Code != code || w.Code != entry.Status || p.Status != entry.Status {
		t.Errorf("got %d %+v, want %d %s", w.Code, p, entry.Status, code)
	}
	if p.Title != entry.Title || p.Type != entry.Type() || p.Retryable != entry.Retryable || p.Scope != entry.Scope {
		t.Errorf("got %+v, want the catalogue's %+v", p, entry)
	}
	if ct := w.Header().Get("Content-Type"); ct != api.MediaTypeProblem {
		t.Errorf("got Content-Type %q, want %q", ct, api.MediaTypeProblem)
	}
	if p.RequestID == "" || p.RequestID != w.Header().Get(api.HeaderRequestID) {
		t.Errorf("got request id %q in the body and %q in the header, want the same", p.RequestID, w.Header().Get(api.HeaderRequestID))
	}
	return p
}
