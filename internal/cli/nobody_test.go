package cli_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"provery/api"
)

// TestNobodyProves: who waits for a proof hears that no process proves.
func TestNobodyProves(t *testing.T) {
	t.Parallel()
	queued := api.Proof{ID: "prf_1", State: api.StateQueued}
	cases := []struct {
		name    string
		workers []api.Worker
		told    bool
	}{
		{"none", nil, true},
		{"one that compiles", []api.Worker{{Kinds: []string{api.KindCompile}}}, true},
		{"one that proves", []api.Worker{{Kinds: []string{api.KindCompile}}, {Kinds: []string{"proof"}}}, false},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			mux := http.NewServeMux()
			answer := func(w http.ResponseWriter, status int, v any) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				if err := json.NewEncoder(w).Encode(v); err != nil {
					t.Error(err)
				}
			}
			mux.HandleFunc("POST /v1/proofs", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusAccepted, queued) })
			mux.HandleFunc("GET /v1/workers", func(w http.ResponseWriter, _ *http.Request) {
				answer(w, http.StatusOK, api.Page[api.Worker]{Items: tc.workers})
			})
			mux.HandleFunc("GET /v1/proofs/prf_1", func(w http.ResponseWriter, _ *http.Request) {
				if asked++; asked == 1 {
					answer(w, http.StatusOK, queued)
					return
				}
				answer(w, http.StatusOK, api.Proof{ID: "prf_1", State: api.StateSucceeded, Result: &api.Result{Proof: json.RawMessage(`{}`)}})
			})
			s := httptest.NewServer(mux)
			defer s.Close()
			status, _, stderr := provery(t, "--server", s.URL, "prove", "mul", "-a", "../../testdata/zokrates/mul/args.json")
			if told := strings.Contains(stderr, "No process of the service takes such jobs now"); status != 0 || told != tc.told {
				t.Errorf("got status %d and %q, want 0 and the hint to be there: %t", status, stderr, tc.told)
			}
			_, stdout, _ := provery(t, "--server", s.URL, "workers")
			if none := strings.HasPrefix(stdout, "No process of the service takes jobs now"); none != (tc.workers == nil) {
				t.Errorf("got %q of %d workers", stdout, len(tc.workers))
			}
		})
	}
}
