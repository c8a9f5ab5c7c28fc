package httpapi_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"provery/api"
	"provery/internal/fault"
)

func TestExportProvingKey(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.fake.key = strings.Repeat("key ", 100_000)
	w := r.do("GET", "/v1/circuits/a/keys/groth16/proving-key", "", "")
	if w.Code != 200 || w.Body.String() != r.fake.key || w.Header().Get("Content-Type") != "application/octet-stream" || w.Header().Get(api.HeaderKeyLayout) != "ark" {
		t.Errorf("got %d, %d bytes, %v", w.Code, w.Body.Len(), w.Header())
	}
	if want := []string{"a", "groth16", ""}; !slices.Equal(r.fake.args, want) || r.fake.closed != 1 {
		t.Errorf("got arguments %q, closed %d times, want %q and once", r.fake.args, r.fake.closed, want)
	}
	r.fake.key, r.fake.broken = "", fault.New(fault.Internal, "the key is damaged")
	p := wantProblem(t, r.do("GET", "/v1/circuits/a/keys/groth16/proving-key", "", ""), api.CodeInternal)
	if p.Incident == "" {
		t.Errorf("got %+v", p)
	}
	r.fake.err = fault.New(fault.NotFound, "no such key set")
	wantProblem(t, r.do("GET", "/v1/circuits/a/keys/groth16/proving-key", "", ""), api.CodeNotFound)
	wantProblem(t, r.do("GET", "/v1/circuits/a/keys/*/proving-key", "", ""), api.CodeInvalidRequest)
	wantProblem(t, r.do("GET", "/v1/circuits/*/keys/groth16/proving-key", "", ""), api.CodeInvalidRequest)
}

// TestBrokenExport breaks the connection off when a key can't be written to its
// end.
func TestBrokenExport(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.fake.key, r.fake.broken = strings.Repeat("x", 1<<20), errors.New("disk gone")
	server := httptest.NewServer(r)
	defer server.Close()
	res, err := server.Client().Get(server.URL + "/v1/circuits/a/keys/groth16/proving-key")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); err == nil || res.StatusCode != http.StatusOK {
		t.Errorf("got %d with %d bytes as a whole, want it broken off", res.StatusCode, len(b))
	}
	if r.fake.closed != 1 {
		t.Errorf("closed %d times", r.fake.closed)
	}
}

func TestCeremony(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	w := r.upload(t, "/v1/circuits/a/keys", part{"proving_key", "k"}, part{"ceremony", "https://example.org/transcript"})
	if w.Code != 201 || r.fake.keys.Ceremony != "https://example.org/transcript" {
		t.Errorf("got %d and %+v", w.Code, r.fake.keys)
	}
	for _, bad := range []string{"a\nb", strings.Repeat("x", 501)} {
		if p := wantProblem(t, r.upload(t, "/v1/circuits/a/keys", part{"proving_key", "k"}, part{"ceremony", bad}), api.CodeInvalidRequest); p.Path != "/ceremony" {
			t.Errorf("got %s at %s", p.Detail, p.Path)
		}
	}
}
