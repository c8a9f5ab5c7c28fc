package daemon

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"provery/api"
	"provery/client"
	"provery/internal/config"
)

// TestRapidsnark serves two clients of rapidsnark's proverServer, which take
// turns: each finds the proofs of its own inputs, also after a restart.
func TestRapidsnark(t *testing.T) {
	t.Parallel()
	keys := map[string]string{}
	var configured []config.APIKey
	for _, name := range []string{"alice", "bob"} {
		key, hash := config.GenerateKey()
		keys[name] = key
		configured = append(configured, config.APIKey{Name: name, SHA256: hash})
	}
	serve := func(dir string) *rig {
		r := start(t, setup{dir: dir, config: func(c *config.Config) {
			c.Facades.Rapidsnark.Enabled, c.APIKeys = true, configured
		}})
		var err error
		if r.cl, err = client.New(r.base, client.WithHTTPClient(r.http), client.WithAPIKey(keys["alice"])); err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := serve("")
	r.tinyWithKeys()
	squares := map[string]int{"alice": 1, "bob": 2} // what a client's proofs have that no other's has
	for i := range 5 {
		for name, n := range squares {
			r.rapidsnarkInput(keys[name], fmt.Sprintf(`{"secret":[%d,0,0,%d,0,0],"limit":%d}`, n, i, n*n+i*i))
		}
		for name, n := range squares {
			r.wantRapidsnark(keys[name], n*n, i*i)
		}
	}
	r.rapidsnarkInput(keys["bob"], `{"secret":[1,2,3,4,5,6],"limit":7}`)
	if s := r.rapidsnarkEnd(keys["bob"]); s.Status != "failed" || !strings.Contains(s.Error, "template Tiny line 23") || s.Proof != "" {
		t.Errorf("got %+v, want a failed assertion in line 23", s)
	}
	r.stop()

	r = serve(r.dir)
	r.wantRapidsnark(keys["alice"], 1, 16)
	if s := r.rapidsnarkEnd(keys["bob"]); s.Status != "failed" {
		t.Errorf("got %+v after the restart, want what was before", s)
	}
}

// rapidsnarkStatus is what proverServer answers.
type rapidsnarkStatus struct{ Status, Proof, PubData, Error string }

// rapidsnarkInput asks for a proof of tiny.
func (r *rig) rapidsnarkInput(key, input string) {
	r.t.Helper()
	if got := r.do("POST", "/input/tiny-bn128", input, "Authorization", "Bearer "+key); got.status != 200 || got.body != "" {
		r.t.Fatalf("input: got %d %s", got.status, got.body)
	}
}

// rapidsnarkEnd polls the status until the proof has ended.
func (r *rig) rapidsnarkEnd(key string) (s rapidsnarkStatus) {
	r.t.Helper()
	r.eventually("an end of the proof", func() bool {
		got := r.do("GET", "/status", "", "Authorization", "Bearer "+key)
		s = rapidsnarkStatus{}
		if err := json.Unmarshal([]byte(got.body), &s); got.status != 200 || err != nil {
			r.t.Fatalf("status: got %d %s", got.status, got.body)
		}
		return s.Status != "busy"
	})
	return s
}

// wantRapidsnark waits for a proof of two squares, and verifies it.
func (r *rig) wantRapidsnark(key string, a, b int) {
	r.t.Helper()
	s := r.rapidsnarkEnd(key)
	if want := fmt.Sprintf(`["%d","%d","%d","%d"]`, a+b, a, b, a+b); s.Status != "success" || s.PubData != want {
		r.t.Fatalf("got %+v, want the public inputs %s", s, want)
	}
	whole := fmt.Appendf(nil, `{"proof":%s,"public":%s}`, s.Proof, s.PubData)
	r.wantVerdict("rapidsnark's", api.VerifyRequest{Circuit: "tiny-bn128", Proof: whole}, true)
}
