package client

import (
	"strings"
	"testing"

	"provery/api"
)

func TestAllPages(t *testing.T) {
	t.Parallel()
	page := func(next string, ids ...string) answer {
		p := api.Page[api.Proof]{Next: next}
		for _, id := range ids {
			p.Items = append(p.Items, api.Proof{ID: id})
		}
		return answer{status: 200, body: p}
	}
	for _, tc := range []struct {
		name    string
		answers []answer
		want    string
		fails   bool
		calls   int
	}{
		{"none", []answer{page("")}, "", false, 1},
		{"three pages", []answer{page("x", "a", "b"), page("y"), page("", "c")}, "abc", false, 3},
		{"one fails for a moment", []answer{page("x", "a"), {}, page("", "b")}, "ab", false, 3},
		{"one fails for good", []answer{page("x", "a"), problem(api.CodeInvalidRequest)}, "a", true, 2},
		{"round in a circle", []answer{page("x", "a"), page("x", "b"), page("x", "c")}, "a", true, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, s := play(t, tc.answers...)
			var got strings.Builder
			var failed error
			for p, err := range c.AllProofs(t.Context(), api.ProofFilter{State: api.StateSucceeded}) {
				if failed = err; err == nil {
					got.WriteString(p.ID)
				}
			}
			if got.String() != tc.want || (failed != nil) != tc.fails || len(s.requests) != tc.calls {
				t.Fatalf("got %q and %v after %d calls, want %q and failure %v after %d", got.String(), failed, len(s.requests), tc.want, tc.fails, tc.calls)
			}
			for i, r := range s.requests {
				if q := r.URL.Query(); q.Get("state") != "succeeded" || q.Get("limit") != "200" || (i == 0) != (q.Get("cursor") == "") {
					t.Errorf("request %d asks for %v", i, q)
				}
			}
		})
	}
}

// TestPagesEndWithTheLoop checks that nothing more is fetched.
func TestPagesEndWithTheLoop(t *testing.T) {
	t.Parallel()
	c, s := play(t, answer{status: 200, body: api.Page[api.Circuit]{Items: make([]api.Circuit, 3), Next: "x"}})
	for range c.AllCircuits(t.Context()) {
		break
	}
	if len(s.requests) != 1 {
		t.Errorf("got %d calls, want 1", len(s.requests))
	}
}
