package httpapi_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/httpapi"
)

// transportCodes are the codes that only HTTP knows.
var transportCodes = []api.Code{api.CodeMethodNotAllowed, api.CodeRequestTimeout, api.CodeUnsupportedMediaType}

// faultCodes reads the codes from fault's source, so that none is forgotten.
func faultCodes(t *testing.T) []fault.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../fault/fault.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []fault.Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); ok && id.Name == "Code" {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, fault.Code(text))
		}
		return true
	})
	if len(codes) < 14 {
		t.Fatalf("found %d codes only: has the declaration changed?", len(codes))
	}
	return codes
}

func TestCatalogueKnowsEveryFault(t *testing.T) {
	t.Parallel()
	known := map[api.Code]bool{}
	for _, code := range faultCodes(t) {
		known[api.Code(code)] = true
		entry, ok := api.Lookup(api.Code(code))
		if !ok {
			t.Errorf("%s isn't in the catalogue", code)
		} else if entry.Retryable != code.Retryable() {
			t.Errorf("%s: got retryable %v, want fault's %v", code, entry.Retryable, code.Retryable())
		}
	}
	for _, entry := range api.Catalogue() {
		if !known[entry.Code] && !slices.Contains(transportCodes, entry.Code) {
			t.Errorf("%s is neither a fault nor HTTP's own", entry.Code)
		}
	}
}

func TestFaultsBecomeProblems(t *testing.T) {
	t.Parallel()
	for _, code := range faultCodes(t) {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			r.loose = true // not every error is one of the route
			err := fault.New(code, "what went wrong").At("/arguments/0")
			err.Position = &fault.Position{File: "a.zok", Line: 2, Column: 3}
			err.RetryAfter = 1500 * time.Millisecond
			err.Err = errors.New("the cause")
			r.fake.err = fmt.Errorf("between: %w", err)
			p := wantProblem(t, r.do("GET", "/v1/circuits/a", "", ""), api.Code(code))
			if p.Detail != "what went wrong" || p.Path != "/arguments/0" || *p.Position != (api.Position{File: "a.zok", Line: 2, Column: 3}) {
				t.Errorf("got %+v, want detail, path and position", p)
			}
			if !strings.Contains(r.log.String(), "the cause") {
				t.Errorf("got log %s, want the cause", r.log)
			}
			if (p.Incident != "") != (code == fault.Internal) {
				t.Errorf("got incident %q", p.Incident)
			}
			if p.Incident != "" && !strings.Contains(r.log.String(), p.Incident) {
				t.Error("the incident isn't in the log")
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		delay time.Duration
		want  int
	}{{0, 1}, {1500 * time.Millisecond, 2}, {time.Minute, 60}} {
		r := newRig(t, nil)
		err := fault.New(fault.Overloaded, "queue full")
		err.RetryAfter = tc.delay
		r.fake.err = err
		w := r.do("POST", "/v1/proofs", jsonType, `{"circuit":"a","arguments":[]}`)
		p := wantProblem(t, w, api.CodeOverloaded)
		if got := w.Header().Get("Retry-After"); p.RetryAfter != tc.want || got != strconv.Itoa(tc.want) {
			t.Errorf("%v: got %d and %q, want %d", tc.delay, p.RetryAfter, got, tc.want)
		}
	}
}

func TestForeignErrorsStayInTheLog(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.fake.err = errors.New("dial 10.0.0.7: refused")
	w := r.do("GET", "/v1/queue", "", "")
	wantProblem(t, w, api.CodeInternal)
	if strings.Contains(w.Body.String(), "10.0.0.7") || !strings.Contains(r.log.String(), "10.0.0.7") {
		t.Errorf("got body %s and log %s, want the cause in the log only", w.Body, r.log)
	}
}

func TestPanicsBecomeIncidents(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		value any
		log   string
	}{
		{"text", "argument 12345", "not shown"},
		{"runtime error", runtimeError(), "index out of range"},
	} {
		r := newRig(t, nil)
		r.fake.panic = tc.value
		w := r.do("GET", "/v1/queue", "", "")
		p := wantProblem(t, w, api.CodeInternal)
		log := r.log.String()
		if p.Incident == "" || !strings.Contains(log, p.Incident) || !strings.Contains(log, tc.log) || !strings.Contains(log, "fake_test") && !strings.Contains(log, "(*fake).got") {
			t.Errorf("%s: got %+v and log %s, want an incident with its stack", tc.name, p, log)
		}
		if strings.Contains(log+w.Body.String(), "12345") {
			t.Errorf("%s: the panic's text came out", tc.name)
		}
	}
}

func runtimeError() (err any) {
	defer func() { err = recover() }()
	none := []int{}
	return none[len(none)]
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	const proof = `{"circuit":"a","arguments":["1"]}`
	tests := []struct {
		name, method, target, contentType, body string
		code                                    api.Code
		path                                    string
	}{
		{"unknown path", "GET", "/v2/circuits", "", "", api.CodeNotFound, ""},
		{"root", "GET", "/", "", "", api.CodeNotFound, ""},
		{"method", "PATCH", "/v1/circuits", "", "", api.CodeMethodNotAllowed, ""},
		{"preflight", "OPTIONS", "/v1/proofs", "", "", api.CodeMethodNotAllowed, ""},
		{"reference", "GET", "/v1/circuits/a%2Fb", "", "", api.CodeInvalidRequest, "path.ref"},
		{"long reference", "GET", "/v1/circuits/" + strings.Repeat("a", 201), "", "", api.CodeInvalidRequest, "path.ref"},
		{"reference of keys", "POST", "/v1/circuits/-/keys", jsonType, "{}", api.CodeInvalidRequest, "path.ref"},
		{"tag", "PUT", "/v1/circuits/a/tags/b:c:d", "", "", api.CodeInvalidRequest, "path.tag"},
		{"proof id", "GET", "/v1/proofs/a.b", "", "", api.CodeInvalidRequest, "path.id"},
		{"limit", "GET", "/v1/circuits?limit=0", "", "", api.CodeInvalidRequest, "query.limit"},
		{"limit text", "GET", "/v1/circuits?limit=x", "", "", api.CodeInvalidRequest, "query.limit"},
		{"state", "GET", "/v1/proofs?state=done", "", "", api.CodeInvalidRequest, "query.state"},
		{"wait", "GET", "/v1/proofs/p_1?wait=-1", "", "", api.CodeInvalidRequest, "query.wait"},
		{"unknown query", "GET", "/v1/proofs?staet=x", "", "", api.CodeInvalidRequest, "query.staet"},
		{"unknown query, no name", "GET", "/v1/proofs?1%3D2=x", "", "", api.CodeInvalidRequest, "query.?"},
		{"format", "GET", "/v1/circuits/a/keys/k/verifying-key?format=pem", "", "", api.CodeInvalidRequest, "query.format"},
		{"form", "POST", "/v1/proofs", "application/x-www-form-urlencoded", proof, api.CodeUnsupportedMediaType, ""},
		{"no type", "POST", "/v1/verify", "", "{}", api.CodeUnsupportedMediaType, ""},
		{"circuit as JSON", "POST", "/v1/circuits", jsonType, "{}", api.CodeUnsupportedMediaType, ""},
		{"keys as text", "POST", "/v1/circuits/a/keys", "text/plain", "{}", api.CodeUnsupportedMediaType, ""},
		{"empty body", "POST", "/v1/proofs", jsonType, "", api.CodeInvalidRequest, ""},
		{"array", "POST", "/v1/proofs", jsonType, "[]", api.CodeInvalidRequest, ""},
		{"cut off", "POST", "/v1/proofs", jsonType, proof[:20], api.CodeInvalidRequest, ""},
		{"more", "POST", "/v1/proofs", jsonType, proof + "{}", api.CodeInvalidRequest, ""},
		{"unknown field", "POST", "/v1/proofs", jsonType, `{"circiut":"a"}`, api.CodeInvalidRequest, "/circiut"},
		{"other case", "POST", "/v1/proofs", jsonType, `{"Circuit":"a"}`, api.CodeInvalidRequest, "/Circuit"},
		{"twice", "POST", "/v1/proofs", jsonType, `{"circuit":"a","circuit":"b"}`, api.CodeInvalidRequest, "/circuit"},
		{"no circuit", "POST", "/v1/proofs", jsonType, `{"arguments":[]}`, api.CodeInvalidRequest, "/circuit"},
		{"no arguments", "POST", "/v1/proofs", jsonType, `{"circuit":"a"}`, api.CodeInvalidRequest, "/arguments"},
		{"circuit type", "POST", "/v1/proofs", jsonType, `{"circuit":1}`, api.CodeInvalidRequest, "/circuit"},
		{"circuit text", "POST", "/v1/proofs", jsonType, `{"circuit":"a b","arguments":[]}`, api.CodeInvalidRequest, "/circuit"},
		{"scheme", "POST", "/v1/proofs", jsonType, `{"circuit":"a","arguments":[],"scheme":"Groth 16"}`, api.CodeInvalidRequest, "/scheme"},
		{"keys", "POST", "/v1/proofs", jsonType, `{"circuit":"a","arguments":[],"keys":"/etc"}`, api.CodeInvalidRequest, "/keys"},
		{"priority", "POST", "/v1/proofs", jsonType, `{"circuit":"a","arguments":[],"priority":"urgent"}`, api.CodeInvalidRequest, "/priority"},
		{"deadline", "POST", "/v1/proofs", jsonType, `{"circuit":"a","arguments":[],"deadline":"soon"}`, api.CodeInvalidRequest, "/deadline"},
		{"reduce", "POST", "/v1/proofs", jsonType, `{"circuit":"a","arguments":[],"reduce":"yes"}`, api.CodeInvalidRequest, "/reduce"},
		{"label type", "POST", "/v1/proofs", jsonType, `{"circuit":"a","arguments":[],"labels":{"a":1}}`, api.CodeInvalidRequest, "/labels"},
		{"label twice", "POST", "/v1/proofs", jsonType, `{"circuit":"a","arguments":[],"labels":{"a":"1","a":"2"}}`, api.CodeInvalidRequest, "/labels"},
		{"label name", "POST", "/v1/proofs", jsonType, `{"circuit":"a","arguments":[],"labels":{"a b":"1"}}`, api.CodeInvalidRequest, "/labels"},
		{"label value", "POST", "/v1/proofs", jsonType, `{"circuit":"a","arguments":[],"labels":{"a":"` + strings.Repeat("x", 257) + `"}}`, api.CodeInvalidRequest, "/labels"},
		{"labels", "POST", "/v1/proofs", jsonType, `{"circuit":"a","arguments":[],"labels":{` + manyLabels(17) + `}}`, api.CodeInvalidRequest, "/labels"},
		{"verify nothing", "POST", "/v1/verify", jsonType, `{"proof":{}}`, api.CodeInvalidRequest, "/circuit"},
		{"verify two keys", "POST", "/v1/verify", jsonType, `{"proof":{},"circuit":"a","verifying_key":{}}`, api.CodeInvalidRequest, "/verifying_key"},
		{"verify keys alone", "POST", "/v1/verify", jsonType, `{"proof":{},"verifying_key":{},"keys":"k"}`, api.CodeInvalidRequest, "/keys"},
		{"verify no proof", "POST", "/v1/verify", jsonType, `{"circuit":"a"}`, api.CodeInvalidRequest, "/proof"},
		{"verify inputs", "POST", "/v1/verify", jsonType, `{"circuit":"a","proof":{},"public_inputs":[1]}`, api.CodeInvalidRequest, "/public_inputs"},
		{"witness", "POST", "/v1/circuits/a/witness", jsonType, `{}`, api.CodeInvalidRequest, "/arguments"},
		{"other setup", "POST", "/v1/circuits/a/keys", jsonType, `{"setup":"secure","scheme":"gm17"}`, api.CodeInvalidRequest, "/setup"},
		{"setup without scheme", "POST", "/v1/circuits/a/keys", jsonType, `{"setup":"insecure-dev"}`, api.CodeInvalidRequest, "/scheme"},
		{"large setup", "POST", "/v1/circuits/a/keys", jsonType, `{"setup":"` + strings.Repeat("x", 2000) + `"}`, api.CodeTooLarge, ""},
		{"large body", "POST", "/v1/proofs", jsonType, `{"circuit":"` + strings.Repeat("x", 3000) + `"}`, api.CodeTooLarge, ""},
		{"large arguments", "POST", "/v1/proofs", jsonType, `{"circuit":"a","arguments":"` + strings.Repeat("x", 1500) + `"}`, api.CodeTooLarge, "/arguments"},
		{"large witness", "POST", "/v1/circuits/a/witness", jsonType, `{"arguments":"` + strings.Repeat("x", 1500) + `"}`, api.CodeTooLarge, "/arguments"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, smallBodies)
			w := r.do(tc.method, tc.target, tc.contentType, tc.body)
			if p := wantProblem(t, w, tc.code); p.Path != tc.path {
				t.Errorf("got path %q (%s), want %q", p.Path, p.Detail, tc.path)
			}
			if tc.code == api.CodeMethodNotAllowed && w.Header().Get("Allow") == "" {
				t.Error("no Allow header")
			}
			if len(r.fake.args) != 0 || r.fake.submission.Request.Circuit != "" {
				t.Error("the request reached the service")
			}
		})
	}
}

func smallBodies(o *httpapi.Options) {
	o.Limits.BodyBytes, o.Limits.ArgumentsBytes = 2048, 1024
}

func manyLabels(n int) string {
	var entries []string
	for i := range n {
		entries = append(entries, fmt.Sprintf(`"l%d":"v"`, i))
	}
	return strings.Join(entries, ",")
}

func TestBodyAtTheLimitPasses(t *testing.T) {
	t.Parallel()
	r := newRig(t, smallBodies)
	body := `{"circuit":"a","arguments":["1"]}`
	body += strings.Repeat(" ", 2048-len(body))
	if w := r.do("POST", "/v1/proofs", jsonType, body); w.Code != http.StatusAccepted {
		t.Errorf("got %d %s, want 202", w.Code, w.Body)
	}
	wantProblem(t, r.do("POST", "/v1/proofs", jsonType, body+" "), api.CodeTooLarge)
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	const body = `{"circuit":"a","arguments":["1"],"labels":{"a":"b"},"reduce":true}`
	r := newRig(t, nil)
	if w := r.do("POST", "/v1/proofs", jsonType, body, api.HeaderIdempotencyKey, "order 7"); w.Code != http.StatusAccepted {
		t.Fatalf("got %d %s, want 202", w.Code, w.Body)
	}
	s := r.fake.submission
	if s.IdempotencyKey != "order 7" || string(s.Request.Arguments) != `["1"]` || !s.Request.Reduce || s.Request.Priority != api.PriorityNormal {
		t.Errorf("got %+v, want the request in full", s)
	}
	for _, key := range []string{"a\tb", "schlüssel", strings.Repeat("x", 201)} {
		p := wantProblem(t, r.do("POST", "/v1/proofs", jsonType, body, api.HeaderIdempotencyKey, key), api.CodeInvalidRequest)
		if p.Path != "header.Idempotency-Key" {
			t.Errorf("%q: got path %q, want the header's", key, p.Path)
		}
	}
}

// TestEveryRouteReportsFaults makes the service behind each route fail.
func TestEveryRouteReportsFaults(t *testing.T) {
	t.Parallel()
	without := []string{"about", "healthz", "readyz", "metrics", "openapi", "openapi 3.0", "docs"}
	for _, tc := range calls {
		if slices.Contains(without, tc.name) {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			r.loose = true // not every route has something to find
			for _, code := range []fault.Code{fault.NotFound, fault.Internal} {
				r.fake.err = fault.New(code, "as asked")
				if p := wantProblem(t, r.do(tc.method, tc.target, tc.contentType, tc.body), api.Code(code)); p.Detail != "as asked" {
					t.Errorf("got detail %q", p.Detail)
				}
			}
		})
	}
}
