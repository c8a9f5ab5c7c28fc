package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"provery/api"
)

var update = flag.Bool("update", false, "write docs/errors.md")

func TestCatalogue(t *testing.T) {
	t.Parallel()
	seen := map[api.Code]bool{}
	status := 0
	for _, e := range api.Catalogue() {
		if seen[e.Code] {
			t.Errorf("%s occurs twice", e.Code)
		}
		seen[e.Code] = true
		if e.Status < 400 || e.Status < status {
			t.Errorf("%s: got status %d after %d, want them in order", e.Code, e.Status, status)
		}
		status = e.Status
		if e.Title == "" || !strings.HasSuffix(e.Description, ".") {
			t.Errorf("%s: no title or description", e.Code)
		}
		if !slices.Contains([]api.Scope{api.ScopeRequest, api.ScopeCircuit, api.ScopeCapacity, api.ScopeInternal}, e.Scope) {
			t.Errorf("%s: unknown scope %q", e.Code, e.Scope)
		}
		if e.Scope == api.ScopeCapacity && !e.Retryable {
			t.Errorf("%s: a lack of capacity that never ends", e.Code)
		}
		if got, ok := api.Lookup(e.Code); !ok || got != e {
			t.Errorf("%s: got %+v from Lookup", e.Code, got)
		}
	}
	if _, ok := api.Lookup("no_such_code"); ok {
		t.Error("got an entry of no code")
	}
}

func TestNewProblem(t *testing.T) {
	t.Parallel()
	p := api.NewProblem(api.CodeNotFound, "no such circuit")
	p.Path, p.Position = "/circuit", &api.Position{File: "a.zok", Line: 1, Column: 2}
	if p.Status != 404 || p.Type != "/docs#error-not_found" || p.Scope != api.ScopeRequest || p.Retryable {
		t.Errorf("got %+v, want the catalogue's entry", p)
	}
	if want := "not_found at /circuit (a.zok:1:2): no such circuit"; p.Error() != want {
		t.Errorf("got %q, want %q", p.Error(), want)
	}
	if p := api.NewProblem("no_such_code", ""); p.Code != api.CodeInternal || p.Error() != "internal" {
		t.Errorf("got %+v, want internal", p)
	}
	if !errors.As(error(p), new(*api.Problem)) {
		t.Error("a problem is no error")
	}
}

func TestStates(t *testing.T) {
	t.Parallel()
	for _, s := range api.States() {
		if want := s != api.StateQueued && s != api.StateRunning; s.Terminal() != want {
			t.Errorf("%s: got terminal %v", s, s.Terminal())
		}
	}
	if api.State("other").Terminal() {
		t.Error("an unknown state is terminal")
	}
}

// TestWireNames holds the JSON of a full proof: a change here breaks clients.
func TestWireNames(t *testing.T) {
	t.Parallel()
	one := 1
	b, err := json.Marshal(api.Proof{
		ID: "p", State: api.StateQueued, Position: &one, Attempts: []api.Attempt{{Number: 1, Outcome: "lost"}},
		Result: &api.Result{Proof: json.RawMessage(`{}`), Outputs: json.RawMessage(`"1"`)},
		Ledger: &api.Ledger{Prove: 1.5, Stages: []api.Stage{{Name: "prove.msm_a", Milliseconds: 1}}},
		Links:  api.ProofLinks{Self: "/v1/proofs/p"},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"id":"p","state":"queued","circuit":"","key_set":"","scheme":"","priority":"","attempt":0,` +
		`"attempts":[{"number":1,"outcome":"lost","started":"0001-01-01T00:00:00Z"}],"created":"0001-01-01T00:00:00Z","position":1,` +
		`"result":{"proof":{},"public_inputs":null,"outputs":"1","circuit_digest":"","proving_key_digest":"","verifying_key_digest":""},` +
		`"ledger":{"queue_ms":0,"load_ms":0,"witness_ms":0,"prove_ms":1.5,"check_ms":0,"total_ms":0,"stages":[{"name":"prove.msm_a","ms":1}]},` +
		`"links":{"self":"/v1/proofs/p","circuit":""}}`
	if string(b) != want {
		t.Errorf("got\n%s, want\n%s", b, want)
	}
}

// TestFieldsHaveNames checks that every field of every wire type has a JSON
// name in snake case.
func TestFieldsHaveNames(t *testing.T) {
	t.Parallel()
	for _, v := range []any{
		api.Circuit{}, api.Statistics{}, api.Artefact{}, api.KeySet{}, api.SetupRequest{}, api.Page[api.Proof]{}, api.ProofRequest{}, api.Proof{},
		api.Attempt{}, api.Result{}, api.Ledger{}, api.Stage{}, api.ProofLinks{}, api.Job{}, api.JobLinks{}, api.Worker{}, api.WebhookEvent{}, api.WebhookData{}, api.WebhookDelivery{}, api.WebhookAttempt{}, api.Event{}, api.BatchRequest{}, api.BatchItem{}, api.Batch{}, api.BatchLinks{}, api.VerifyRequest{}, api.VerifyResult{}, api.WitnessRequest{},
		api.WitnessResult{}, api.Assertion{}, api.Position{}, api.About{}, api.Frontend{}, api.Role{}, api.Backend{}, api.Workers{}, api.Health{},
		api.Readiness{}, api.Check{}, api.QueueStats{}, api.Problem{}, api.ErrorType{},
	} {
		typ := reflect.TypeOf(v)
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if name == "" || name != strings.ToLower(name) || strings.ContainsAny(name, "- ") {
				t.Errorf("%v.%s: got JSON name %q", typ, typ.Field(i).Name, name)
			}
		}
	}
}

// TestErrorsDocument checks docs/errors.md against the catalogue. To write
// the document: go test ./api -run ErrorsDocument -update
func TestErrorsDocument(t *testing.T) {
	t.Parallel()
	const path = "../docs/errors.md"
	want := errorsDocument()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/errors.md isn't that of the catalogue: run go test ./api -run ErrorsDocument -update")
	}
}

func errorsDocument() []byte {
	var b bytes.Buffer
	b.WriteString(`<!-- Code generated by go test ./api -run ErrorsDocument -update; DO NOT EDIT. -->

# Errors

Every error of the API is ` + "`application/problem+json`" + ` (RFC 9457):

| field | meaning |
|---|---|
`)
	problem := reflect.TypeFor[api.Problem]()
	for i := range problem.NumField() {
		name, _, _ := strings.Cut(problem.Field(i).Tag.Get("json"), ",")
		fmt.Fprintf(&b, "| `%s` | %s |\n", name, problem.Field(i).Tag.Get("doc"))
	}
	b.WriteString(`
No error repeats a value that the client sent: it names the place.

The scope says where the cause lies: **request** (change the request), **circuit** (change the circuit or its keys), **capacity** (come back
later), **internal** (ask the operator). A retryable error may go away without a change.

| status | code | scope | retryable | meaning |
|---|---|---|---|---|
`)
	for _, e := range api.Catalogue() {
		retryable := "no"
		if e.Retryable {
			retryable = "yes"
		}
		fmt.Fprintf(&b, "| %d | `%s` | %s | %s | **%s.** %s |\n", e.Status, e.Code, e.Scope, retryable, e.Title, e.Description)
	}
	return b.Bytes()
}
