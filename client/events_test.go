package client

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"

	"provery/api"
)

// stream is the answer with the text as an event stream.
func streamed(text string) answer { return answer{status: 200, body: "retry: 1\n\n" + text} }

func eventText(id string, state api.State, more string) string {
	return fmt.Sprintf("id: %s\nevent: state\ndata: {\"type\":\"state\",\"kind\":\"proof\",\"state\":%q%s}\n\n", id, state, more)
}

// collect returns the ids and states of a stream, and its error.
func collect(events iter.Seq2[api.Event, error]) (got []string, err error) {
	for e, eerr := range events {
		if eerr != nil {
			return got, eerr
		}
		got = append(got, e.ID+":"+string(e.State))
	}
	return got, nil
}

func TestEventsAreTakenUpAgain(t *testing.T) {
	t.Parallel()
	progress := "event: progress\ndata: {\"type\":\"progress\",\"kind\":\"proof\",\"state\":\"running\",\"progress\":0.5}\n\n"
	c, s := play(t,
		answer{}, // the network fails
		streamed(eventText("1", api.StateQueued, "")+":\n\n"+eventText("4", api.StateRunning, "")+"id: 5\ndata: {\"cut"),
		problem(api.CodeOverloaded),
		streamed(progress),
		streamed(eventText("5", api.StateSucceeded, `,"final":true`)+eventText("9", api.StateFailed, "")),
	)
	got, err := collect(c.ProofEvents(t.Context(), "p_1"))
	if want := "[1:queued 4:running :running 5:succeeded]"; err != nil || fmt.Sprint(got) != want {
		t.Errorf("got %v, %v, want %s", got, err, want)
	}
	var last []string
	for _, r := range s.requests {
		last = append(last, r.Header.Get(api.HeaderLastEventID))
	}
	if want := "[  4 4 4]"; fmt.Sprint(last) != want || s.requests[0].URL.Path != "/v1/proofs/p_1/events" {
		t.Errorf("got %q to %s, want %s", last, s.requests[0].URL.Path, want)
	}
}

func TestEventsEnd(t *testing.T) {
	t.Parallel()
	failing := []answer{{}, {}, {}, {}, {}, {}}
	for _, tc := range []struct {
		name    string
		answers []answer
		events  int
		wrong   func(error) bool
	}{
		{"nothing is left", []answer{{status: 204}}, 0, func(err error) bool { return err == nil }},
		{"refused", []answer{problem(api.CodeNotFound)}, 0, func(err error) bool { return CodeOf(err) == api.CodeNotFound }},
		{"too many failures", failing, 0, func(err error) bool { return err != nil && CodeOf(err) == "" }},
		{"no JSON", append([]answer{streamed("data: {\n\n")}, failing...), 0, func(err error) bool { return err != nil }},
		{"a huge line", append([]answer{streamed("data: " + strings.Repeat("x", maxMessage) + "\n\n")}, failing...), 0, func(err error) bool { return err != nil }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, _ := play(t, tc.answers...)
			got, err := collect(c.JobEvents(t.Context(), "p_1"))
			if len(got) != tc.events || !tc.wrong(err) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
	c, s := play(t, streamed(eventText("1", api.StateQueued, "")))
	for range c.JobEvents(t.Context(), "p_1") {
		break // the consumer has had enough
	}
	if len(s.requests) != 1 {
		t.Errorf("got %d requests, want 1", len(s.requests))
	}
}

func TestEventReader(t *testing.T) {
	t.Parallel()
	const text = "\n: hello\nid: 7\n\nid:1\r\ndata:a\r\ndata: b\nother: x\nretry: 30\n\ndata\n\nid: 3\ndata: lost"
	r := newEventReader(strings.NewReader(text))
	m, err := r.next()
	if err != nil || m.id != "1" || string(m.data) != "a\nb" || m.retry.Milliseconds() != 30 {
		t.Errorf("got %+v %q, %v", m, m.data, err)
	}
	if m, err = r.next(); err != nil || m.id != "" || m.data == nil || len(m.data) != 0 {
		t.Errorf("got %+v, %v, want an empty message", m, err)
	}
	if m, err = r.next(); !errors.Is(err, io.EOF) {
		t.Errorf("got %+v, %v, want the end", m, err)
	}
}

// FuzzEventReader checks that no stream makes a message over the limit, and
// that every stream ends.
func FuzzEventReader(f *testing.F) {
	f.Add("retry: 2000\n\nid: 1\nevent: state\ndata: {}\n\n:\n\n")
	f.Add("data\ndata\n\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		r := newEventReader(strings.NewReader(text))
		for range len(text) + 2 {
			m, err := r.next()
			if err != nil {
				return
			}
			if m.data == nil || len(m.data) > maxMessage {
				t.Fatalf("got %d bytes", len(m.data))
			}
		}
		t.Fatal("more messages than bytes")
	})
}

// TestFollow checks that events are told, that the outcome is fetched however
// the events went, and that only a refusal for good is an error.
func TestFollow(t *testing.T) {
	t.Parallel()
	final := streamed(eventText("1", api.StateRunning, "") + eventText("2", api.StateSucceeded, `,"final":true`))
	for _, tc := range []struct {
		name    string
		answers []answer
		events  int
		want    api.Code
	}{
		{"by events", []answer{final, state(200, api.StateSucceeded)}, 2, ""},
		{"events are cut off", []answer{streamed(eventText("1", api.StateRunning, "")), {}, {}, state(200, api.StateRunning), state(200, api.StateSucceeded)}, 1, ""},
		{"no room for events", []answer{problem(api.CodeOverloaded), problem(api.CodeOverloaded), state(200, api.StateSucceeded)}, 0, ""},
		{"no such proof", []answer{problem(api.CodeNotFound)}, 0, api.CodeNotFound},
		{"it fails", []answer{final, {status: 200, body: api.Proof{ID: "p_1", State: api.StateFailed, Problem: api.NewProblem(api.CodeUnsatisfiedWitness, "a")}}}, 2, api.CodeUnsatisfiedWitness},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, s := play(t, tc.answers...)
			events := 0
			p, err := c.Follow(t.Context(), "p_1", func(api.Event) { events++ })
			if events != tc.events || CodeOf(err) != tc.want || len(s.requests) != len(tc.answers) {
				t.Errorf("got %d events and %v after %d calls, want %d and %q after %d", events, err, len(s.requests), tc.events, tc.want, len(tc.answers))
			}
			if err == nil && p.State != api.StateSucceeded {
				t.Errorf("got %+v", p)
			}
		})
	}
}

func TestFollowOthers(t *testing.T) {
	t.Parallel()
	done := streamed(eventText("2", api.StateSucceeded, `,"final":true`))
	c, _ := play(t, done, answer{status: 200, body: api.Job{ID: "j", State: api.StateFailed}})
	if j, err := c.FollowJob(t.Context(), "j", nil); err != nil || j.State != api.StateFailed {
		t.Errorf("got %+v, %v, want the job as it ended", j, err)
	}
	c, _ = play(t, done, answer{status: 200, body: api.Batch{ID: "b", State: api.StateRunning}}, answer{status: 200, body: api.Batch{ID: "b", State: api.StateSucceeded}})
	if b, err := c.FollowBatch(t.Context(), "b", nil); err != nil || b.State != api.StateSucceeded {
		t.Errorf("got %+v, %v, want the batch as it ended", b, err)
	}
}
