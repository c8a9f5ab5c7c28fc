package httpapi_test

import (
	"strings"
	"testing"

	"provery/api"
)

func TestProofOfAWitness(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	if w := r.do("POST", "/v1/proofs", jsonType, `{"circuit":"a","witness":"AQAAAA=="}`); w.Code != 202 {
		t.Fatalf("got %d %s, want 202", w.Code, w.Body)
	}
	if req := r.fake.submission.Request; string(req.Witness) != "\x01\x00\x00\x00" || req.Arguments != nil {
		t.Errorf("got %+v, want the witness's bytes", req)
	}
}

func TestProofRequestHasOneInput(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for _, tc := range []struct{ name, body, path, detail string }{
		{"neither", `{"circuit":"a"}`, "/arguments", "missing"},
		{"both", `{"circuit":"a","arguments":[],"witness":"AAAA"}`, "/witness", "not together with arguments"},
		{"reduce", `{"circuit":"a","witness":"AAAA","reduce":true}`, "/reduce", "not together with a witness"},
		{"empty", `{"circuit":"a","witness":""}`, "/witness", "empty"},
		{"not base64", `{"circuit":"a","witness":"?"}`, "/witness", "want base64"},
		{"a number", `{"circuit":"a","witness":1}`, "/witness", "want base64"},
		{"null", `{"circuit":"a","witness":null}`, "/witness", "want base64"},
	} {
		p := wantProblem(t, r.do("POST", "/v1/proofs", jsonType, tc.body), api.CodeInvalidRequest)
		if p.Path != tc.path || !strings.Contains(p.Detail, tc.detail) {
			t.Errorf("%s: got %q at %q, want %q at %q", tc.name, p.Detail, p.Path, tc.detail, tc.path)
		}
	}
}

func TestWitnessFormats(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for _, format := range []string{"", api.WitnessZoKrates32, api.WitnessZoKrates64, api.WitnessZoKratesText} {
		body := `{"arguments":["1"]}`
		if format != "" {
			body = `{"arguments":["1"],"witness":"` + format + `"}`
		}
		w := r.do("POST", "/v1/circuits/a/witness", jsonType, body)
		if w.Code != 200 || r.fake.witness.Witness != format {
			t.Errorf("%q: got %d %s and the service %q", format, w.Code, w.Body, r.fake.witness.Witness)
		}
	}
	p := wantProblem(t, r.do("POST", "/v1/circuits/a/witness", jsonType, `{"arguments":["1"],"witness":"acir"}`), api.CodeInvalidRequest)
	if p.Path != "/witness" {
		t.Errorf("got path %q, want /witness", p.Path)
	}
}
