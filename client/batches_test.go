package client

import (
	"encoding/json"
	"fmt"
	"testing"

	"provery/api"
)

// item is a line of a batch's results.
func item(i int) string {
	b, _ := json.Marshal(api.Proof{ID: fmt.Sprint("p_", i), Item: &i, State: api.StateSucceeded})
	return string(b) + "\n"
}

func TestBatchResultsAreTakenUpAgain(t *testing.T) {
	t.Parallel()
	c, s := play(t,
		answer{}, // the network fails
		answer{status: 200, body: item(3) + "\n" + item(4) + `{"id":"p_5","it`},
		problem(api.CodeOverloaded),
		answer{status: 200, body: item(7)},
	)
	var got []int
	for p, err := range c.BatchResults(t.Context(), "bat_1", ItemsOptions{From: 3, Wait: true}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, *p.Item)
	}
	var asked []string
	for _, r := range s.requests {
		asked = append(asked, r.URL.RequestURI())
	}
	again := "/v1/batches/bat_1/results?from=5&wait=true"
	first := "/v1/batches/bat_1/results?from=3&wait=true"
	if want := []string{first, first, again, again}; fmt.Sprint(got) != "[3 4 7]" || fmt.Sprint(asked) != fmt.Sprint(want) {
		t.Errorf("got %v by %v, want 3 4 7 by %v", got, asked, want)
	}
}

func TestBatchItemsEndWithAnError(t *testing.T) {
	t.Parallel()
	c, s := play(t, problem(api.CodeNotFound))
	for p, err := range c.BatchItems(t.Context(), "bat_1", ItemsOptions{}) {
		if CodeOf(err) != api.CodeNotFound || p != nil {
			t.Errorf("got %v, %v, want not_found", p, err)
		}
	}
	if len(s.requests) != 1 || s.requests[0].URL.RequestURI() != "/v1/batches/bat_1/items" {
		t.Errorf("got %d requests", len(s.requests))
	}
}

func TestSubmitBatchIsRepeated(t *testing.T) {
	t.Parallel()
	c, s := play(t, answer{}, problem(api.CodeRateLimited), answer{status: 202, body: api.Batch{ID: "bat_1"}})
	b, err := c.SubmitBatch(t.Context(), api.BatchRequest{Circuit: "a", Items: []api.BatchItem{{Arguments: json.RawMessage(`["1"]`)}}}, "")
	if err != nil || b.ID != "bat_1" {
		t.Fatalf("got %+v, %v", b, err)
	}
	for i, r := range s.requests {
		if key := r.Header.Get(api.HeaderIdempotencyKey); key == "" || key != s.requests[0].Header.Get(api.HeaderIdempotencyKey) {
			t.Errorf("request %d: got key %q, want the same on all", i, key)
		}
	}
	if want := `{"circuit":"a","items":[{"arguments":["1"]}]}`; s.bodies[0] != want {
		t.Errorf("got %s, want %s", s.bodies[0], want)
	}
}
