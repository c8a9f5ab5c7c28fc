//go:build linux

package faulttest

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"provery/api"
)

// inDocker says that a container engine may be used: make test-docker.
var inDocker = os.Getenv("PROVERY_DOCKER") != ""

// disturbance is a line of the table: what was done to which containers.
type disturbance struct {
	fault, of string
	times     int
	ended     int64 // jobs, while it lasted
}

// TestDocker runs the service as containers and breaks it under load: every
// kind of container is killed, paused and cut off from the network, and then
// the service is rolled to another version. At the end it counts.
func TestDocker(t *testing.T) {
	if !inDocker {
		t.Skip("make test-docker runs it")
	}
	const jobs = 500
	h := newHost(t)
	first, second := h.provery("faults-1"), h.provery("faults-2")
	s := startSite(t, h, first, 2, 3)
	pace := time.NewTicker(50 * time.Millisecond) // the faults, not the load, should fill the time
	defer pace.Stop()
	l := startLoad(t, s.caller, clients, func(*api.ProofRequest) { <-pace.C })

	var table []disturbance
	do := func(fault, of string, times int, one func(i int)) {
		t.Helper()
		d := disturbance{fault, of, times, l.ended.Load()}
		for i := range times {
			l.more(some(i))
			one(i)
			s.caller.ready(t)
		}
		d.ended = l.ended.Load() - d.ended
		t.Logf("%+v", d)
		table = append(table, d)
	}
	s.breakAll(l, do)
	do("rolled to a newer version", "API", len(s.apis), func(i int) { s.apis[i].replace(second) })
	do("rolled to a newer version", "worker", len(s.workers), func(i int) { s.workers[i].replace(second) })
	l.more(max(1, jobs-int(l.ended.Load())))
	l.stop()

	s.wantVersion("faults-2")
	sum := l.account("all of these")
	t.Logf("\n%s\n%s", disturbances(table), tableOf([]row{sum}))
	if sum.lost+sum.doubled+sum.failed+sum.cancelled+sum.expired != 0 || sum.succeeded < jobs {
		t.Errorf("got %+v, want at least %d jobs, each with one proof", sum, jobs)
	}
}

// breakAll does everything to the containers that they come back from.
func (s *site) breakAll(l *load, do func(fault, of string, times int, one func(i int))) {
	worker := func(i int) *container { return s.workers[i%len(s.workers)] }
	apis := func(i int) *container { return s.apis[i%len(s.apis)] }
	store := func(int) *container { return s.s3 }
	for _, target := range []struct {
		of   string
		pick func(i int) *container
		wait func() // until the others have noticed
	}{
		{"worker", worker, func() { s.caller.takenBack(s.t) }},
		{"API", apis, func() { l.more(3) }},
		{"leader of NATS", s.leader, func() { l.more(3) }},
		{"S3", store, func() { l.more(3) }},
	} {
		do("killed", target.of, 2, func(i int) {
			c := target.pick(i)
			c.kill()
			target.wait()
			c.start()
		})
		do("paused", target.of, 2, func(i int) {
			c := target.pick(i + 1)
			c.pause()
			target.wait()
			c.unpause()
		})
		do("cut off from the network", target.of, 2, func(i int) {
			c := target.pick(i + 2)
			c.cut()
			target.wait()
			c.join()
		})
	}
}

// wantVersion checks that everybody runs a version, and that the image's own
// check finds everybody healthy.
func (s *site) wantVersion(version string) {
	s.t.Helper()
	for _, cl := range s.caller.clients {
		if about, err := cl.About(s.t.Context()); err != nil || about.Version != version {
			s.t.Errorf("got %+v, %v, want version %s", about, err, version)
		}
	}
	for _, c := range append(s.apis, s.workers...) {
		eventually(s.t, c.name+" is healthy", c.healthy)
	}
}

func disturbances(list []disturbance) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %-26s | %-14s | times | jobs ended meanwhile |\n|%s|%s|------:|---------------------:|\n",
		"containers were", "of", strings.Repeat("-", 28), strings.Repeat("-", 16))
	for _, d := range list {
		fmt.Fprintf(&b, "| %-26s | %-14s | %5d | %20d |\n", d.fault, d.of, d.times, d.ended)
	}
	return b.String()
}
