package httpapi_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/httpapi"
)

// programs is a service that remembers programs by their tag.
type programs struct {
	*fake
	mu        sync.Mutex
	tags      map[string]bool
	compiled  httpapi.Sources
	refused   error // what the compilation ends with
	cancelled string
}

func (p *programs) Compile(_ context.Context, s httpapi.Sources) (*api.Circuit, api.Job, error) {
	p.compiled = s
	return nil, api.Job{ID: "c_1", State: api.StateQueued}, nil
}

func (p *programs) WaitJob(context.Context, httpapi.Caller, string, time.Duration) (api.Job, error) {
	job := api.Job{ID: "c_1", State: api.StateSucceeded, Circuit: circuitID}
	if p.refused != nil {
		job.State, job.Circuit, job.Problem = api.StateFailed, "", httpapi.ProblemOf(p.refused)
		return job, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tags[p.compiled.Name+":"+p.compiled.Tag] = true
	return job, nil
}

func (p *programs) Circuit(ctx context.Context, ref string) (api.Circuit, error) {
	p.mu.Lock()
	known := p.tags[ref] || ref == circuitID
	p.mu.Unlock()
	if !known {
		return api.Circuit{}, fault.New(fault.NotFound, "no circuit %s", ref)
	}
	c, err := p.fake.Circuit(ctx, ref)
	c.ABI = json.RawMessage(`{"inputs":[],"output":{"type":"field"}}`)
	return c, err
}

func (p *programs) DryRun(ctx context.Context, ref string, r api.WitnessRequest) (api.WitnessResult, error) {
	out, err := p.fake.DryRun(ctx, ref, r)
	if string(r.Arguments) == `["no"]` {
		return api.WitnessResult{Assertion: &api.Assertion{Message: "assertion failed", Position: &api.Position{File: "main.zok", Line: 2, Column: 3}}}, err
	}
	out.Witness = []byte("~out_0 3\n~one 1")
	return out, err
}

func (p *programs) Cancel(ctx context.Context, who httpapi.Caller, id string) (api.Proof, error) {
	p.cancelled = id
	return p.fake.Cancel(ctx, who, id)
}

const zokSource = "def main(private field a, field b) -> field { return a * b; }"

func hashOf(source string) string {
	sum := sha256.Sum256([]byte(source))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// newZoKratesRig makes a server with the facade on. Its proofs are done.
func newZoKratesRig(t *testing.T, change func(*httpapi.Options)) (*rig, *programs) {
	t.Helper()
	p := &programs{tags: map[string]bool{}}
	r := newRig(t, func(o *httpapi.Options) {
		p.fake = o.Services.Circuits.(*fake)
		o.Services = httpapi.Services{Circuits: p, Keys: p, Proofs: p, Batches: p, Jobs: p, Webhooks: p, Tools: p, System: p, Compilations: p}
		o.ZoKratesAPI = &httpapi.ZoKratesAPI{}
		if change != nil {
			change(o)
		}
	})
	p.proof.State = api.StateSucceeded
	p.proof.Result = &api.Result{Proof: json.RawMessage(`{"scheme":"gm17","curve":"bn128"}`)}
	return r, p
}

// wantMessage checks that w is an error of ZoKrates-API.
func wantMessage(t *testing.T, w *httptest.ResponseRecorder, status int, part string) {
	t.Helper()
	var body map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || len(body) != 1 {
		t.Fatalf("got body %q, want error_message alone", w.Body)
	}
	if w.Code != status || !strings.Contains(body["error_message"], part) || w.Header().Get("Content-Type") != jsonType {
		t.Errorf("got %d %q, want %d with %q", w.Code, body["error_message"], status, part)
	}
}

// TestZoKratesAPISession is a session as a client of ZoKrates-API has it.
func TestZoKratesAPISession(t *testing.T) {
	t.Parallel()
	r, p := newZoKratesRig(t, nil)
	hash := hashOf(zokSource)
	steps := []struct {
		name, method, target, contentType, body string
		status                                  int
		want                                    string
	}{
		{"health", "GET", "/health", "", "", 200, `{"service_name":"provery","version":"test","zokrates_version":"0.8.8"}`},
		{"too early", "POST", "/" + hash + "/compute-witness", jsonType, `{"payload":["3","5"]}`, 404, "compile it first"},
		{"compile", "POST", "/compile", "", zokSource, 200, `{"program_hash":"` + hash + `","abi":{"inputs":[],"output":{"type":"field"}}}`},
		{"compile again", "POST", "/compile", "text/plain", zokSource, 409, "registered for bn128 already"},
		{"key", "POST", "/" + hash + "/proving-key", "", "key bytes", 200, `{"message":"proving key recorded for proof ` + hash + `"}`},
		{"witness", "POST", "/" + hash + "/compute-witness", jsonType, `{"payload":["3","5"]}`, 200, `{"output":"3","witness":"~out_0 3\n~one 1"}`},
		{"prove the witness", "POST", "/" + hash + "/generate-proof", "", "\x01\x00", 200, `{"payload":{"scheme":"gm17","curve":"bn128"},"time":{"secs":`},
		{"prove arguments", "POST", "/" + hash + "/compute-generate-proof", jsonType, `{"payload":["3","5"],"other":1}`, 200, `"nanos":`},
		{"lower case", "POST", "/" + strings.ToLower(hash) + "/compute-generate-proof", jsonType, `{"payload":["3","5"]}`, 200, `"payload":{"scheme":"gm17"`},
		{"another curve", "POST", "/" + hash + "/generate-proof?curve=bls12_381", "", "\x01", 404, "isn't registered for bls12_381"},
		{"unsatisfied", "POST", "/" + hash + "/compute-witness", jsonType, `{"payload":["no"]}`, 400, "assertion failed (main.zok:2:3)"},
	}
	for _, s := range steps {
		w := r.do(s.method, s.target, s.contentType, s.body)
		if s.status != 200 {
			wantMessage(t, w, s.status, s.want)
		} else if w.Code != 200 || !strings.Contains(w.Body.String(), s.want) {
			t.Fatalf("%s: got %d %s, want %d with %s", s.name, w.Code, w.Body, s.status, s.want)
		}
	}
	if got := p.compiled; got.Main != "main.zok" || string(got.Files[got.Main]) != zokSource || got.Curve != "bn128" {
		t.Errorf("got %+v", got)
	}
	if want := strings.ToLower(hash) + "-bn128"; p.compiled.Name != "zokrates-api" || p.compiled.Tag != want {
		t.Errorf("got tag %s:%s, want zokrates-api:%s", p.compiled.Name, p.compiled.Tag, want)
	}
	if p.keys.Scheme != "gm17" || p.content[api.RoleProvingKey] != "key bytes" {
		t.Errorf("got a key %+v with %q", p.keys, p.content)
	}
	if req := p.submission.Request; req.Circuit != circuitID || req.Scheme != "gm17" || string(req.Arguments) != `["3","5"]` || req.Witness != nil {
		t.Errorf("got request %+v", req)
	}
	r.wantEmptySpool(t)
}

// TestZoKratesAPIOptions checks what query and configuration choose.
func TestZoKratesAPIOptions(t *testing.T) {
	t.Parallel()
	r, p := newZoKratesRig(t, func(o *httpapi.Options) { o.ZoKratesAPI = &httpapi.ZoKratesAPI{Scheme: "g16", Curve: "bls12_381"} })
	hash := hashOf(zokSource)
	r.do("POST", "/compile", "", zokSource)
	r.do("POST", "/compile?curve=bw6_761", "", zokSource)
	if p.compiled.Curve != "bw6_761" {
		t.Errorf("got curve %s, want that of the query", p.compiled.Curve)
	}
	r.do("POST", "/"+hash+"/compute-generate-proof?reduce=true", jsonType, `{"payload":["3"]}`, api.HeaderIdempotencyKey, "k1")
	if s := p.submission; s.Request.Scheme != "g16" || !s.Request.Reduce || s.IdempotencyKey != "k1" {
		t.Errorf("got %+v, want the configured scheme, reduce, and the key", s)
	}
	r.do("POST", "/"+hash+"/generate-proof?scheme=gm17", "", "w")
	if s := p.submission.Request; s.Scheme != "gm17" || string(s.Witness) != "w" || s.Arguments != nil {
		t.Errorf("got %+v, want the scheme of the query and the witness", s)
	}
}

func TestZoKratesAPIRefuses(t *testing.T) {
	t.Parallel()
	r, p := newZoKratesRig(t, func(o *httpapi.Options) { o.Limits = httpapi.Limits{BodyBytes: 2048, UploadBytes: 100} })
	hash := hashOf(zokSource)
	r.do("POST", "/compile", "", zokSource)
	position := fault.New(fault.InvalidArtifact, "expected an expression")
	position.Position = &fault.Position{File: "main.zok", Line: 1, Column: 9}
	p.refused = position
	long := strings.Repeat("x", 3000)
	for _, tc := range []struct {
		name, target, contentType, body string
		status                          int
		want                            string
	}{
		{"source with an error", "/compile", "", "def main(", 400, "expected an expression (main.zok:1:9)"},
		{"no source", "/compile", "", "", 400, ".zok"},
		{"not text", "/compile", "", "\xff\xfe", 400, ".zok"},
		{"long source", "/compile", "", long, 413, "2048"},
		{"unknown curve", "/compile?curve=" + secret, "", zokSource, 400, "query.curve"},
		{"unknown scheme", "/" + hash + "/generate-proof?scheme=" + secret, "", "w", 400, "query.scheme"},
		{"reduce", "/" + hash + "/generate-proof?reduce=" + secret, "", "w", 400, "query.reduce"},
		{"no hash", "/" + secret + "/generate-proof", "", "w", 404, "64 hex digits"},
		{"long key", "/" + hash + "/proving-key", "", long, 413, "100"},
		{"long witness", "/" + hash + "/generate-proof", "", long, 413, "2048"},
		{"empty witness", "/" + hash + "/generate-proof", "", "", 400, "/witness: the witness is empty"},
		{"not JSON", "/" + hash + "/compute-witness", jsonType, secret, 400, "payload"},
		{"no payload", "/" + hash + "/compute-witness", jsonType, `{"arguments":["` + secret + `"]}`, 400, "payload"},
		{"a browser's form", "/" + hash + "/compute-generate-proof", "text/plain", `{"payload":[]}`, 415, "application/json"},
		{"idempotency key", "/" + hash + "/compute-generate-proof", jsonType, `{"payload":[]}`, 400, "Idempotency-Key"},
	} {
		headers := []string{}
		if tc.name == "idempotency key" {
			headers = []string{api.HeaderIdempotencyKey, "\x7f"}
		}
		w := r.do("POST", tc.target, tc.contentType, tc.body, headers...)
		wantMessage(t, w, tc.status, tc.want)
		if strings.Contains(w.Body.String(), secret) {
			t.Errorf("%s: the value is in the answer %s", tc.name, w.Body)
		}
	}
	r.wantEmptySpool(t)
}

// TestZoKratesAPIServiceErrors checks the statuses of the services' errors,
// and that paths name the facade's field.
func TestZoKratesAPIServiceErrors(t *testing.T) {
	t.Parallel()
	for code, status := range map[fault.Code]int{
		fault.InvalidRequest: 400, fault.UnsatisfiedWitness: 400, fault.NotFound: 404, fault.InvalidArtifact: 422,
		fault.Unsupported: 422, fault.Overloaded: 503, fault.Internal: 500,
	} {
		r, p := newZoKratesRig(t, nil)
		r.do("POST", "/compile", "", zokSource)
		p.proof = api.Proof{ID: "p_1", State: api.StateFailed, Problem: httpapi.ProblemOf(fault.New(code, "what went wrong").At("/arguments/0"))}
		w := r.do("POST", "/"+hashOf(zokSource)+"/compute-generate-proof", jsonType, `{"payload":["3"]}`)
		wantMessage(t, w, status, "/payload/0: what went wrong")
		if w.Header().Get("Location") != "/v1/proofs/p_1" {
			t.Errorf("%s: got Location %q", code, w.Header().Get("Location"))
		}
	}
	r, p := newZoKratesRig(t, nil)
	p.panic = "a fault"
	wantMessage(t, r.do("POST", "/compile", "", zokSource), 500, "incident inc_")
}

func TestZoKratesAPIAccess(t *testing.T) {
	t.Parallel()
	r, _ := newZoKratesRig(t, withKeys)
	wantMessage(t, r.do("POST", "/compile", "", zokSource), 401, "API key")
	if w := r.do("GET", "/health", "", ""); w.Code != 200 {
		t.Errorf("health: got %d, want 200 without a key", w.Code)
	}
	wantProblem(t, r.do("POST", "/v1/proofs", jsonType, "{}"), api.CodeUnauthenticated)

	off := newRig(t, nil)
	for _, target := range []string{"/compile", "/" + hashOf(zokSource) + "/generate-proof"} {
		wantProblem(t, off.do("POST", target, "", zokSource), api.CodeNotFound)
	}
}

func TestZoKratesAPIWithoutCompiler(t *testing.T) {
	t.Parallel()
	r, _ := newZoKratesRig(t, func(o *httpapi.Options) { o.Services.Compilations = nil })
	wantMessage(t, r.do("POST", "/compile", "", zokSource), 422, "no ZoKrates compiler")
}

// TestZoKratesAPIWaits checks what becomes of a proof that takes longer than
// the wait, and of one whose client goes away.
func TestZoKratesAPIWaits(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, key string
		gone      bool
		cancelled string
	}{
		{"too long", "", false, ""},
		{"client gone", "", true, "p_1"},
		{"client gone with a key", "k", true, ""},
	} {
		r, p := newZoKratesRig(t, nil)
		r.do("POST", "/compile", "", zokSource)
		p.proof = api.Proof{ID: "p_1", State: api.StateRunning}
		ctx, leave := context.WithCancel(t.Context())
		p.wait = func(waiting context.Context, _ string, _ time.Duration) (api.Proof, error) {
			if !tc.gone {
				return p.proof, nil
			}
			leave()
			<-waiting.Done()
			return api.Proof{}, waiting.Err()
		}
		req := httptest.NewRequestWithContext(ctx, "POST", "/"+hashOf(zokSource)+"/generate-proof", strings.NewReader("w"))
		req.Host = "localhost"
		req.Header.Set(api.HeaderIdempotencyKey, tc.key)
		w := r.send(req)
		leave()
		if !tc.gone {
			wantMessage(t, w, 504, "Location")
		}
		if p.cancelled != tc.cancelled {
			t.Errorf("%s: got %q cancelled, want %q", tc.name, p.cancelled, tc.cancelled)
		}
	}
}
