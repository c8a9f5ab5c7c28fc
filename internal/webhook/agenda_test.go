package webhook

import (
	"fmt"
	"testing"
	"time"
)

// TestAgenda takes hooks when they are due, once, and by their last plan.
func TestAgenda(t *testing.T) {
	t.Parallel()
	d := &Dispatcher{hooks: map[string]*hook{}, signal: make(chan struct{}, 1)}
	begin := time.Now()
	at := func(seconds int) time.Time { return begin.Add(time.Duration(seconds) * time.Second) }
	a, b := &hook{}, &hook{}
	for subject, h := range map[string]*hook{"a": a, "b": b} {
		h.Subject = subject
		d.hooks[subject] = h
	}
	want := func(seconds int, subjects string, wait time.Duration) {
		t.Helper()
		if got, left := d.due(at(seconds)); fmt.Sprint(got) != subjects || left != wait {
			t.Errorf("after %d s: got %v and %v to wait, want %s and %v", seconds, got, left, subjects, wait)
		}
	}
	want(0, "[]", time.Minute)
	d.plan(a, at(1))
	d.plan(b, at(2))
	want(0, "[]", time.Second)
	d.plan(a, at(5)) // its first time doesn't count any more
	want(3, "[b]", 2*time.Second)
	d.plan(b, at(4)) // while it is in use
	want(4, "[]", time.Second)
	d.done(b, 0)
	want(4, "[b]", time.Second)
	d.done(b, 0)
	want(5, "[a]", time.Minute)
	d.done(a, 0)
	delete(d.hooks, "b")
	d.plan(b, at(6)) // gone
	want(7, "[]", time.Minute)
}
