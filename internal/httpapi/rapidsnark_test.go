package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/httpapi"
)

// slotService remembers jobs and slots of several callers.
type slotService struct {
	*fake
	mu        sync.Mutex
	jobs      map[string]api.Proof
	owners    map[string]string // of jobs
	slots     map[string]httpapi.Slot
	cancelled []string
	refused   error // what the next submission ends with
	broken    error // what SetSlot ends with
}

func (s *slotService) Submit(_ context.Context, in httpapi.Submission) (api.Proof, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused != nil {
		return api.Proof{}, s.refused
	}
	s.submission = in
	p := api.Proof{ID: fmt.Sprintf("p_%d", len(s.jobs)+1), State: api.StateQueued}
	s.jobs[p.ID], s.owners[p.ID] = p, in.Caller.Name
	return p, nil
}

func (s *slotService) Proof(_ context.Context, who httpapi.Caller, id string) (api.Proof, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.jobs[id]
	if !ok || s.owners[id] != who.Name {
		return p, fault.New(fault.NotFound, "no such job")
	}
	return p, nil
}

func (s *slotService) Cancel(ctx context.Context, who httpapi.Caller, id string) (api.Proof, error) {
	p, err := s.Proof(ctx, who, id)
	if err == nil && !p.State.Terminal() {
		p.State = api.StateCancelled
		s.set(p)
		s.cancelled = append(s.cancelled, id)
	}
	return p, err
}

func (s *slotService) set(p api.Proof) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs[p.ID] = p
}

func (s *slotService) Slot(_ context.Context, who httpapi.Caller) (httpapi.Slot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.slots[who.Name], nil
}

func (s *slotService) SetSlot(_ context.Context, who httpapi.Caller, slot httpapi.Slot) (httpapi.Slot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.slots[who.Name]
	if s.broken == nil {
		s.slots[who.Name] = slot
	}
	return before, s.broken
}

// succeed ends a job with a proof whose public input is its id.
func (s *slotService) succeed(id string) {
	proof := fmt.Sprintf(`{"proof":{"protocol":"groth16"},"public":[%q]}`, id)
	s.set(api.Proof{ID: id, State: api.StateSucceeded, Result: &api.Result{Proof: json.RawMessage(proof)}})
}

func rapidsnark(t *testing.T, change func(*httpapi.Options)) (*rig, *slotService) {
	t.Helper()
	s := &slotService{jobs: map[string]api.Proof{}, owners: map[string]string{}, slots: map[string]httpapi.Slot{}}
	r := newRig(t, func(o *httpapi.Options) {
		s.fake = o.Services.Proofs.(*fake)
		o.Rapidsnark, o.Services.Proofs, o.Services.Slots = true, s, s
		if change != nil {
			change(o)
		}
	})
	return r, s
}

// wantStatus checks what /status answers, exactly.
func (r *rig) wantStatus(t *testing.T, want string, headers ...string) {
	t.Helper()
	w := r.do("GET", "/status", "", "", headers...)
	if got := strings.TrimSpace(w.Body.String()); w.Code != 200 || got != want {
		t.Errorf("status: got %d %s, want %s", w.Code, got, want)
	}
}

const aborted, busy, ready = `{"status":"aborted"}`, `{"status":"busy"}`, `{"status":"ready"}`

func success(id string) string {
	return fmt.Sprintf(`{"status":"success","proof":"{\"protocol\":\"groth16\"}","pubData":"[\"%s\"]"}`, id)
}

// TestRapidsnarkSession is a session as a client of proverServer has it.
func TestRapidsnarkSession(t *testing.T) {
	t.Parallel()
	r, s := rapidsnark(t, nil)
	do := func(target, contentType, body string) {
		t.Helper()
		if w := r.do("POST", target, contentType, body); w.Code != 200 || w.Body.Len() != 0 {
			t.Fatalf("%s: got %d %s, want 200 and nothing else", target, w.Code, w.Body)
		}
	}
	r.wantStatus(t, ready)
	do("/cancel", "", "") // nothing
	do("/input/auth:v2", "application/x-www-form-urlencoded", `{"a":"1"}`)
	if got := s.submission.Request; got.Circuit != "auth:v2" || string(got.Arguments) != `{"a":"1"}` {
		t.Errorf("got request %+v", got)
	}
	r.wantStatus(t, busy)
	s.succeed("p_1")
	r.wantStatus(t, success("p_1"))
	do("/cancel", "", "") // it has ended
	r.wantStatus(t, success("p_1"))
	do("/input/auth", jsonType, `{"a":"2"}`)
	r.wantStatus(t, busy)
	do("/input/auth", jsonType, `{"a":"3"}`) // takes the place of what runs
	if want := []string{"p_2"}; !slices.Equal(s.cancelled, want) {
		t.Errorf("got %v cancelled, want %v", s.cancelled, want)
	}
	r.wantStatus(t, busy)
	do("/cancel", "", "")
	r.wantStatus(t, aborted)
	delete(s.jobs, "p_3")
	r.wantStatus(t, ready)
	do("/cancel", "", "")
	do("/input/auth", jsonType, `{"a":"4"}`)
	if log := r.log.String(); strings.Contains(log, "WARN") {
		t.Errorf("a job that is gone isn't worth a warning: %s", log)
	}
}

// TestRapidsnarkEnds checks the status of jobs that end without a proof.
func TestRapidsnarkEnds(t *testing.T) {
	t.Parallel()
	unsatisfied := fault.New(fault.UnsatisfiedWitness, "assertion failed")
	unsatisfied.Position = &fault.Position{File: "auth.circom", Line: 2, Column: 3}
	for _, tc := range []struct {
		p    api.Proof
		want string
	}{
		{api.Proof{State: api.StateFailed, Problem: httpapi.ProblemOf(unsatisfied)}, "assertion failed (auth.circom:2:3)"},
		{api.Proof{State: api.StateFailed, Problem: httpapi.ProblemOf(fault.New(fault.InvalidRequest, "missing").At("/arguments/a"))}, "/input/a: missing"},
		{api.Proof{State: api.StateExpired}, "the proof didn't end before its deadline"},
		{api.Proof{State: api.StateSucceeded, Result: &api.Result{Proof: json.RawMessage(`{"scheme":"g16"}`)}}, "the circuit's proofs have no form in snarkjs's files"},
	} {
		r, s := rapidsnark(t, nil)
		r.do("POST", "/input/auth", jsonType, `{"a":"1"}`)
		tc.p.ID = "p_1"
		s.set(tc.p)
		r.wantStatus(t, fmt.Sprintf(`{"status":"failed","error":%q}`, tc.want))
	}
}

// TestRapidsnarkRefuses checks that a request that is refused ends the one
// before: who doesn't look at the answer must not find an old proof.
func TestRapidsnarkRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, target, body string
		err                error
		status             int
		want               string
	}{
		{"not JSON", "/input/auth", `{"a":"` + secret, nil, 400, "JSON"},
		{"long", "/input/auth", `{"a":"` + strings.Repeat(secret, 200) + `"}`, nil, 413, "2048"},
		{"malformed name", "/input/a%20b", `{"a":"` + secret + `"}`, nil, 400, "/circuit: "},
		{"unknown circuit", "/input/auth", `{"a":"` + secret + `"}`, fault.New(fault.NotFound, "no circuit auth"), 404, "no circuit auth"},
		{"wrong input", "/input/auth", `{"a":"` + secret + `"}`, fault.New(fault.InvalidRequest, "too large").At("/arguments/a"), 400, "/input/a: too large"},
		{"full", "/input/auth", `{"a":"` + secret + `"}`, fault.New(fault.Overloaded, "the queue is full"), 503, "the queue is full"},
	} {
		r, s := rapidsnark(t, func(o *httpapi.Options) { o.Limits.BodyBytes = 2048 })
		r.do("POST", "/input/auth", jsonType, `{"a":"1"}`)
		r.do("POST", "/input/auth", jsonType, `{"a":"2"}`)
		s.refused = tc.err
		w := r.do("POST", tc.target, jsonType, tc.body)
		var out map[string]string
		if w.Code != tc.status || json.Unmarshal(w.Body.Bytes(), &out) != nil || !strings.Contains(out["error"], tc.want) || strings.Contains(w.Body.String(), secret) {
			t.Errorf("%s: got %d %s, want %d with %q", tc.name, w.Code, w.Body, tc.status, tc.want)
		}
		failed := fmt.Sprintf(`{"status":"failed","error":%q}`, out["error"])
		r.wantStatus(t, failed)
		s.refused = nil
		r.do("POST", "/input/auth", jsonType, `{"a":"3"}`)
		s.succeed("p_3")
		s.refused = tc.err
		r.do("POST", tc.target, jsonType, tc.body)
		r.wantStatus(t, failed)
		if want := []string{"p_1", "p_2"}; !slices.Equal(s.cancelled, want) {
			t.Errorf("%s: got %v cancelled, want %v", tc.name, s.cancelled, want)
		}
	}
}

// TestRapidsnarkLosesNoJob checks that a job which can't be found again is
// cancelled.
func TestRapidsnarkLosesNoJob(t *testing.T) {
	t.Parallel()
	r, s := rapidsnark(t, nil)
	s.broken = fault.New(fault.Overloaded, "the job engine does not answer")
	if w := r.do("POST", "/input/auth", jsonType, `{"a":"1"}`); w.Code != 503 || !strings.Contains(w.Body.String(), "does not answer") {
		t.Errorf("got %d %s, want 503", w.Code, w.Body)
	}
	if want := []string{"p_1"}; !slices.Equal(s.cancelled, want) {
		t.Errorf("got %v cancelled, want %v", s.cancelled, want)
	}
}

// TestRapidsnarkKeepsCallersApart checks that nobody sees or stops another
// one's job, an admin neither.
func TestRapidsnarkKeepsCallersApart(t *testing.T) {
	t.Parallel()
	r, s := rapidsnark(t, withKeys)
	first, admin := []string{"Authorization", "Bearer pvk_other"}, []string{"Authorization", "Bearer " + testKey}
	for _, request := range [][2]string{{"GET", "/status"}, {"POST", "/cancel"}, {"POST", "/input/auth"}} {
		if w := r.do(request[0], request[1], jsonType, "{}"); w.Code != 401 || !strings.Contains(w.Body.String(), `{"error":"an API key is needed`) {
			t.Errorf("%s without a key: got %d %s", request[1], w.Code, w.Body)
		}
	}
	r.do("POST", "/input/auth", jsonType, `{"a":"1"}`, first...)
	r.wantStatus(t, busy, first...)
	r.wantStatus(t, ready, admin...)
	r.do("POST", "/cancel", "", "", admin...)
	r.do("POST", "/input/auth", jsonType, `{"a":"2"}`, admin...)
	s.succeed("p_1")
	r.wantStatus(t, success("p_1"), first...)
	r.wantStatus(t, busy, admin...)
	r.do("POST", "/cancel", "", "", first...)
	r.wantStatus(t, busy, admin...)
	if len(s.cancelled) != 0 {
		t.Errorf("got %v cancelled, want none", s.cancelled)
	}
}
