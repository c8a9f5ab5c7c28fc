package httpapi_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"provery/api"
	"provery/internal/httpapi"
)

// circomService answers in snarkjs's form.
type circomService struct {
	*fake
	verified api.VerifyRequest
}

func (s *circomService) Verify(_ context.Context, r api.VerifyRequest) (api.VerifyResult, error) {
	s.verified = r
	return api.VerifyResult{Valid: true}, nil
}

func proverServer(t *testing.T) (*rig, *circomService) {
	t.Helper()
	s := &circomService{}
	r := newRig(t, func(o *httpapi.Options) {
		s.fake = o.Services.Proofs.(*fake)
		result := &api.Result{Proof: json.RawMessage(`{"proof":{"protocol":"groth16"},"public":["1","2"]}`)}
		s.fake.proof = api.Proof{ID: "p_1", State: api.StateSucceeded, Result: result}
		o.ProverServer, o.Services.Tools = true, s
	})
	return r, s
}

func TestProverServer(t *testing.T) {
	t.Parallel()
	r, s := proverServer(t)
	if w := r.do("GET", "/api/v1/status", "", ""); w.Code != 200 || !strings.Contains(w.Body.String(), "OK") {
		t.Errorf("status: got %d %s", w.Code, w.Body)
	}
	w := r.do("POST", "/api/v1/proof/generate", jsonType, `{"circuit_name":"auth","inputs":{"a":"1"}}`)
	if want := `{"proof":{"protocol":"groth16"},"pub_signals":["1","2"]}`; w.Code != 200 || strings.TrimSpace(w.Body.String()) != want {
		t.Errorf("generate: got %d %s, want %s", w.Code, w.Body, want)
	}
	w = r.do("POST", "/api/v1/proof/verify", jsonType, `{"circuit_name":"auth","zkp":`+strings.TrimSpace(w.Body.String())+`}`)
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"valid":true`) || s.verified.Circuit != "auth" || !strings.Contains(string(s.verified.Proof), "pub_signals") {
		t.Errorf("verify: got %d %s for %+v", w.Code, w.Body, s.verified)
	}
}

func TestProverServerRefuses(t *testing.T) {
	t.Parallel()
	const secret = "8675309"
	r, _ := proverServer(t)
	for _, c := range []struct{ path, body string }{
		{"/api/v1/proof/generate", `{"circuit_name":"auth","inputs":` + secret},
		{"/api/v1/proof/generate", `{"inputs":{"a":"` + secret + `"}}`},
		{"/api/v1/proof/generate", `{"circuit_name":"auth"}`},
		{"/api/v1/proof/verify", `{"circuit_name":"auth","zkp":{"proof":{"a":"` + secret + `"}}}`},
		{"/api/v1/proof/verify", `{"circuit_name":5,"zkp":"` + secret + `"}`},
	} {
		w := r.do("POST", c.path, jsonType, c.body)
		var out map[string]string
		if w.Code != 400 || json.Unmarshal(w.Body.Bytes(), &out) != nil || out["error"] == "" || strings.Contains(w.Body.String(), secret) {
			t.Errorf("%s %s: got %d %s", c.path, c.body, w.Code, w.Body)
		}
	}
	if w := r.do("POST", "/api/v1/proof/generate", "text/plain", "{}"); w.Code != 415 {
		t.Errorf("another type: got %d", w.Code)
	}
}
