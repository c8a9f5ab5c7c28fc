package webhook

import (
	"fmt"
	"testing"
	"time"
)

// TestAgenda takes hooks when they are due, once, and by their last plan.
func TestAgenda(t *testing.T) {
	t.Parallel()
	d := newAgenda(1)
	begin := time.Now()
	at := func(seconds int) time.Time { return begin.Add(time.Duration(seconds) * time.Second) }
	a, b := &hook{}, &hook{}
	for subject, h := range map[string]*hook{"a": a, "b": b} {
		h.Subject = subject
		d.hooks[subject] = h
	}
	want := func(seconds int, subjects string, wait time.Duration) {
		t.Helper()
		turns, left := d.due(at(seconds))
		got := []string{}
		for _, next := range turns {
			got = append(got, next.subject)
			d.leave(next.owner)
		}
		if fmt.Sprint(got) != subjects || left != wait {
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

// newAgenda returns a dispatcher that has no more than an agenda.
func newAgenda(perOwner int) *Dispatcher {
	return &Dispatcher{
		cfg: Config{PerOwner: perOwner}, hooks: map[string]*hook{}, busy: map[string]int{}, aside: map[string][]string{}, signal: make(chan struct{}, 1),
	}
}

// TestPlacesOfOwners has one owner with more hooks than places.
func TestPlacesOfOwners(t *testing.T) {
	t.Parallel()
	d, now := newAgenda(2), time.Now()
	add := func(subject, owner string, after time.Duration) {
		h := &hook{}
		h.Subject, h.Owner = subject, owner
		d.hooks[subject] = h
		d.plan(h, now.Add(after))
	}
	take := func(want ...string) {
		t.Helper()
		got, _ := d.due(now)
		names := map[string]bool{}
		for _, next := range got {
			names[next.subject] = true
		}
		for _, w := range want {
			if !names[w] || len(got) != len(want) {
				t.Errorf("got %v, want %v", got, want)
			}
		}
		if len(want) == 0 && len(got) > 0 {
			t.Errorf("got %v, want none", got)
		}
	}
	for i := range 5 {
		add(fmt.Sprint("slow", i), "a", time.Duration(i))
	}
	now = now.Add(time.Second)
	take("slow0", "slow1")
	add("other", "b", 0)
	take("other")
	take()
	delete(d.hooks, "slow2")      // its job was deleted while it waited
	d.plan(d.hooks["slow3"], now) // something has changed: it goes to the end
	d.leave("a")
	take("slow4")
	take()
	d.leave("a")
	take("slow3")
	d.leave("a")
	d.leave("a")
	d.leave("b")
	take()
	if len(d.busy) != 0 || len(d.aside) != 0 {
		t.Errorf("got %v and %v left, want nothing", d.busy, d.aside)
	}
}
