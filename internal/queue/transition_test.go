package queue

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"provery/internal/fault"
	"provery/internal/store"
)

var (
	epoch      = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	testPolicy = policy{maxFailures: 3, backoff: time.Second, maxBackoff: 4 * time.Second}
	bigArgs    = Payload{Blob: store.Sum([]byte("arguments")), Size: 1 << 20}
)

// fresh returns the record of a job that was just accepted.
func fresh() record {
	return record{Version: recordVersion, Job: Job{
		ID: NewID(epoch), CircuitID: store.Sum([]byte("c")), Kind: KindProof, State: Queued, Priority: Normal,
		Created: epoch, Updated: epoch, Arguments: &bigArgs,
	}}
}

// run applies events that must all be accepted.
func run(t *testing.T, r record, events ...event) record {
	t.Helper()
	for i, e := range events {
		var err error
		if r, _, err = next(r, e, testPolicy); err != nil {
			t.Fatalf("event %d, %T: %v", i, e, err)
		}
	}
	return r
}

func problem(c fault.Code) Problem { return Problem{Code: c, Detail: "x", Retryable: c.Retryable()} }

func TestNext(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return epoch.Add(time.Duration(s) * time.Second) }
	withDeadline := fresh()
	withDeadline.Deadline = at(10)
	take := func(n int) leased { return leased{worker: "w", lease: fmt.Sprint(n), now: at(n)} }
	lose := func(attempt, n int) lost { return lost{attempt: attempt, now: at(n)} }
	broken := func(attempt, n int) failed {
		return failed{attempt: attempt, problem: problem(fault.Internal), now: at(n)}
	}
	thrice := []event{take(1), broken(1, 2), take(3), broken(2, 4), take(5), broken(3, 6)}
	tests := []struct {
		name    string
		from    record
		events  []event
		last    event
		want    State
		refused bool // last is a Conflict
	}{
		{name: "lease", from: fresh(), last: take(1), want: Running},
		{name: "succeed", from: fresh(), events: []event{take(1)}, last: completed{attempt: 1, now: at(2)}, want: Succeeded},
		{name: "succeed after the deadline", from: withDeadline, events: []event{take(1)}, last: completed{attempt: 1, now: at(99)}, want: Succeeded},
		{name: "succeed twice", from: fresh(), events: []event{take(1), completed{attempt: 1, now: at(2)}}, last: completed{attempt: 1, now: at(3)}, want: Succeeded},
		{name: "late result of a lost lease", from: fresh(), events: []event{take(1), lose(1, 2), take(2)}, last: completed{attempt: 1, now: at(3)}, want: Running, refused: true},
		{name: "late result before the next lease", from: fresh(), events: []event{take(1), lose(1, 2)}, last: completed{attempt: 1, now: at(3)}, want: Queued, refused: true},
		{name: "lease of a running job", from: fresh(), events: []event{take(1)}, last: take(2), want: Running, refused: true},
		{name: "lost", from: fresh(), events: []event{take(1)}, last: lose(1, 2), want: Queued},
		{name: "lost, but queued", from: fresh(), last: lose(0, 2), want: Queued, refused: true},
		{name: "lost, but another attempt", from: fresh(), events: []event{take(1), lose(1, 2), take(3)}, last: lose(1, 4), want: Running, refused: true},
		{name: "requeue a dead letter", from: fresh(), events: thrice, last: requeued{number: 1, now: at(7)}, want: Queued},
		{name: "requeue twice", from: fresh(), events: append(thrice[:6:6], requeued{number: 1, now: at(7)}), last: requeued{number: 1, now: at(8)}, want: Queued},
		{name: "requeued, and failed again", from: fresh(), events: append(thrice[:6:6], requeued{number: 1, now: at(7)}, take(8)), last: broken(4, 9), want: Queued},
		{name: "requeue an input error", from: fresh(), events: []event{take(1), failed{attempt: 1, problem: problem(fault.UnsatisfiedWitness), now: at(2)}}, last: requeued{number: 1, now: at(3)}, want: Failed, refused: true},
		{name: "requeue queued", from: fresh(), last: requeued{number: 1, now: at(3)}, want: Queued, refused: true},
		{name: "requeue cancelled", from: fresh(), events: []event{cancelled{now: at(1)}}, last: requeued{number: 1, now: at(3)}, want: Cancelled, refused: true},
		{name: "hurry", from: fresh(), events: []event{take(1), broken(1, 2)}, last: hurried{now: at(3)}, want: Queued},
		{name: "hurry running", from: fresh(), events: []event{take(1)}, last: hurried{now: at(3)}, want: Running, refused: true},
		{name: "late result after another's", from: fresh(), events: []event{take(1), lose(1, 2), take(2), completed{attempt: 2, now: at(3)}}, last: completed{attempt: 1, now: at(4)}, want: Succeeded, refused: true},
		{name: "result without a lease", from: fresh(), last: completed{attempt: 0, now: at(1)}, want: Queued, refused: true},
		{name: "result after release", from: fresh(), events: []event{take(1), released{attempt: 1, now: at(2)}}, last: completed{attempt: 1, now: at(3)}, want: Queued, refused: true},
		{name: "input error is final", from: fresh(), events: []event{take(1)}, last: failed{attempt: 1, problem: problem(fault.UnsatisfiedWitness), now: at(2)}, want: Failed},
		{name: "internal error is retried", from: fresh(), events: []event{take(1)}, last: failed{attempt: 1, problem: problem(fault.Internal), now: at(2)}, want: Queued},
		{name: "third internal error is final", from: fresh(), events: []event{
			take(1), failed{attempt: 1, problem: problem(fault.Internal), now: at(2)},
			take(3), failed{attempt: 2, problem: problem(fault.Internal), now: at(4)}, take(5),
		}, last: failed{attempt: 3, problem: problem(fault.Internal), now: at(6)}, want: Failed},
		{name: "third lost lease is final", from: fresh(), events: []event{take(1), lose(1, 2), take(2), lose(2, 3), take(3)}, last: lose(3, 4), want: Failed},
		{name: "releases don't count", from: fresh(), events: []event{
			take(1), released{attempt: 1, now: at(1)}, take(2), released{attempt: 2, now: at(2)}, take(3), released{attempt: 3, now: at(3)},
			take(4), released{attempt: 4, now: at(4)},
		}, last: take(5), want: Running},
		{name: "same lease again", from: fresh(), events: []event{take(1)}, last: take(1), want: Running},
		{name: "cancel queued", from: fresh(), last: cancelled{now: at(1)}, want: Cancelled},
		{name: "cancel running", from: fresh(), events: []event{take(1)}, last: cancelled{now: at(2)}, want: Cancelled},
		{name: "cancel twice", from: fresh(), events: []event{cancelled{now: at(1)}}, last: cancelled{now: at(2)}, want: Cancelled},
		{name: "cancel succeeded", from: fresh(), events: []event{take(1), completed{attempt: 1, now: at(2)}}, last: cancelled{now: at(3)}, want: Succeeded, refused: true},
		{name: "result after cancel", from: fresh(), events: []event{take(1), cancelled{now: at(2)}}, last: completed{attempt: 1, now: at(3)}, want: Cancelled, refused: true},
		{name: "lease cancelled", from: fresh(), events: []event{cancelled{now: at(1)}}, last: take(2), want: Cancelled, refused: true},
		{name: "expire queued", from: withDeadline, last: expired{now: at(10)}, want: Expired},
		{name: "expire running", from: withDeadline, events: []event{take(1)}, last: expired{now: at(10)}, want: Expired},
		{name: "expire too early", from: withDeadline, last: expired{now: at(9)}, want: Queued, refused: true},
		{name: "expire without a deadline", from: fresh(), last: expired{now: at(9)}, want: Queued, refused: true},
		{name: "lease after the deadline", from: withDeadline, last: take(10), want: Expired},
		{name: "lost, and the deadline has passed", from: withDeadline, events: []event{take(1)}, last: lose(1, 11), want: Expired},
	}
	for _, tc := range tests {
		before := run(t, tc.from, tc.events...)
		got, changed, err := next(before, tc.last, testPolicy)
		if got.State != tc.want || fault.Is(err, fault.Conflict) != tc.refused || err != nil && !tc.refused {
			t.Errorf("%s: got %s, %v, want %s, refused=%v", tc.name, got.State, err, tc.want, tc.refused)
		}
		if (err != nil) && changed {
			t.Errorf("%s: refused and changed", tc.name)
		}
	}
}

func TestEndGivesUpTheArguments(t *testing.T) {
	t.Parallel()
	r := run(t, fresh(), leased{worker: "w", lease: "l", now: epoch.Add(3 * time.Second)},
		completed{attempt: 1, result: Payload{Inline: []byte("{}"), Size: 2}, ledger: Ledger{Phases: []Phase{{"prove", time.Second}}, PeakBytes: 5}, now: epoch.Add(4 * time.Second)})
	if r.Arguments != nil || len(r.Garbage) != 1 || r.Garbage[0] != bigArgs.Blob {
		t.Errorf("got arguments %v, garbage %v", r.Arguments, r.Garbage)
	}
	want := Ledger{Phases: []Phase{{"queue", 3 * time.Second}, {"prove", time.Second}}, PeakBytes: 5}
	if d := cmp.Diff(want, r.Ledger); d != "" {
		t.Errorf("ledger: %s", d)
	}
	if r, changed, _ := next(r, erased{blobs: r.Garbage, now: epoch.Add(time.Minute)}, testPolicy); !changed || len(r.Garbage) != 0 {
		t.Errorf("erased: got garbage %v", r.Garbage)
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 4: 4 * time.Second, 1000: 4 * time.Second} {
		if got := testPolicy.delay(n); got != want {
			t.Errorf("failure %d: got %v, want %v", n, got, want)
		}
	}
}

// drawEvent returns any event, sensible or not.
func drawEvent(t *rapid.T, r record, now time.Time) event {
	attempt := rapid.IntRange(max(r.Attempt-1, 0), r.Attempt+1).Draw(t, "attempt")
	switch rapid.IntRange(0, 9).Draw(t, "event") {
	case 7:
		return lost{attempt: attempt, now: now}
	case 8:
		return requeued{number: rapid.IntRange(r.Requeues, r.Requeues+1).Draw(t, "number"), now: now}
	case 9:
		return hurried{now: now}
	case 0, 1:
		return leased{worker: "w", lease: fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "lease")), now: now}
	case 2:
		return completed{attempt: attempt, result: Payload{Inline: []byte(fmt.Sprint(attempt)), Size: 1}, now: now}
	case 3:
		code := rapid.SampledFrom([]fault.Code{fault.Internal, fault.InvalidRequest, fault.Overloaded, fault.Canceled}).Draw(t, "code")
		return failed{attempt: attempt, problem: problem(code), now: now}
	case 4:
		return released{attempt: attempt, now: now}
	case 5:
		return expired{now: now}
	default:
		return cancelled{now: now}
	}
}

// TestNextModel checks what must hold after any history.
func TestNextModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := fresh()
		now := epoch
		if rapid.Bool().Draw(t, "deadline") {
			r.Deadline = epoch.Add(20 * time.Second)
		}
		for range rapid.IntRange(1, 40).Draw(t, "length") {
			now = now.Add(time.Duration(rapid.IntRange(-3, 5).Draw(t, "seconds")) * time.Second)
			e := drawEvent(t, r, now)
			before := copyOf(t, r)
			got, changed, err := next(r, e, testPolicy)
			if d := cmp.Diff(before, copyOf(t, r), cmp.AllowUnexported(record{})); d != "" {
				t.Fatalf("%T modified its argument: %s", e, d)
			}
			checkStep(t, r, got, e, changed, err)
			checkRecord(t, got)
			r = got
		}
	})
}

// copyOf sends a record through its stored form.
func copyOf(t *rapid.T, r record) record {
	b, err := r.encode()
	if err != nil {
		t.Fatal(err)
	}
	out, err := decodeRecord(b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// checkStep checks one transition.
func checkStep(t *rapid.T, before, after record, e event, changed bool, err error) {
	if err != nil && (changed || !fault.Is(err, fault.Conflict)) {
		t.Fatalf("%T: changed=%v, %v", e, changed, err)
	}
	same := func() bool {
		a, _ := json.Marshal(before)
		b, _ := json.Marshal(after)
		return string(a) == string(b)
	}
	if !changed && !same() {
		t.Fatalf("%T: says that nothing changed", e)
	}
	_, anew := e.(requeued)
	if before.State.Terminal() && !same() && !(anew && before.Dead && after.State == Queued) {
		t.Fatalf("%T moved a job that was %s", e, before.State)
	}
	if after.Attempt < before.Attempt || after.Failures < before.Failures && !(anew && after.Failures == 0) {
		t.Fatalf("%T took back an attempt or a failure", e)
	}
	if c, ok := e.(completed); ok && changed && (before.State != Running || before.Attempt != c.attempt) {
		t.Fatalf("the result of attempt %d was taken while the job was %s at attempt %d", c.attempt, before.State, before.Attempt)
	}
	if _, ok := e.(leased); ok && changed && after.State == Running && after.Attempt != before.Attempt+1 {
		t.Fatalf("a lease went from attempt %d to %d", before.Attempt, after.Attempt)
	}
}

// checkRecord checks what holds for every record.
func checkRecord(t *rapid.T, r record) {
	ended := r.State.Terminal()
	switch {
	case (r.Result != nil) != (r.State == Succeeded):
		t.Fatalf("%s with result %v", r.State, r.Result)
	case (r.Problem != nil) != (ended && r.State != Succeeded):
		t.Fatalf("%s with problem %v", r.State, r.Problem)
	case (r.Arguments == nil) != (ended && !r.Dead) || r.Finished.IsZero() == ended:
		t.Fatalf("%s with arguments %v, finished %v", r.State, r.Arguments, r.Finished)
	case r.Dead && (r.State != Failed || !r.Problem.Retryable || len(r.Garbage) > 0):
		t.Fatalf("dead letter: %s, %+v, garbage %v", r.State, r.Problem, r.Garbage)
	case r.Failures > testPolicy.maxFailures || r.Failures == testPolicy.maxFailures && !ended:
		t.Fatalf("%s after %d failures", r.State, r.Failures)
	case len(r.Attempts) > maxHistory || len(r.Attempts) < min(r.Attempt, maxHistory):
		t.Fatalf("%d attempts, history of %d", r.Attempt, len(r.Attempts))
	}
	for i, a := range r.Attempts {
		open := i == len(r.Attempts)-1 && r.State == Running
		if (a.Outcome == "") != open || a.Ended.IsZero() != open {
			t.Fatalf("%s: attempt %d ended %q", r.State, a.Number, a.Outcome)
		}
	}
}

func TestRecordVersions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		code       fault.Code
	}{
		{"newer", `{"v":3,"id":"x"}`, fault.Unsupported},
		{"newer, and different", `{"v":3,"id":7}`, fault.Unsupported},
		{"none", `{"id":"x"}`, fault.Unsupported},
		{"not JSON", `{`, fault.Internal},
		{"running without an attempt", `{"v":1,"state":"running"}`, fault.Internal},
	}
	for _, tc := range tests {
		if _, err := decodeRecord([]byte(tc.text)); !fault.Is(err, tc.code) {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.code)
		}
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	last := ""
	for i := range 1000 {
		id := NewID(epoch.Add(time.Duration(i) * time.Millisecond))
		if CheckID(id) != nil || seen[id] || id <= last {
			t.Fatalf("%s after %s", id, last)
		}
		seen[id], last = true, id
	}
	for _, bad := range []string{"", "prf_", last + "0", last[1:], "prf_" + last[5:] + "*", "prf_" + last[5:] + ".", "PRF_" + last[4:]} {
		if err := CheckID(bad); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q: got %v, want not found", bad, err)
		}
	}
}

func FuzzDecodeRecord(f *testing.F) {
	r := fresh()
	b, err := r.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := decodeRecord(b); err == nil {
			_, _, _ = next(r, leased{worker: "w", lease: "l", now: epoch}, testPolicy)
			_, _, _ = next(r, completed{attempt: r.Attempt, now: epoch}, testPolicy)
			_, _, _ = next(r, cancelled{now: epoch}, testPolicy)
		}
	})
}
