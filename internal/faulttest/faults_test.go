//go:build linux

package faulttest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"provery/api"
	"provery/client"
)

// faults are the rows of the table.
var faults = []struct {
	name string
	run  func(t *testing.T, name string) row
}{
	{"kill -9 of the all-in-one", killAllInOne},
	{"kill -9 of a worker", killWorker},
	{"kill -9 of an API", killAPI},
	{"kill -9 of the engine", killEngine},
	{"kill -9 of the cluster's leader", killLeader},
	{"SIGTERM drains", drain},
	{"SIGSTOP past the lease", stopPastLease},
	{"disk full", fullDisk},
	{"clock an hour off", badClock},
}

// TestFaults breaks the service in every way of the list, under load, and
// counts what became of the jobs.
func TestFaults(t *testing.T) {
	var rows []row
	for _, f := range faults {
		t.Run(strings.ReplaceAll(f.name, " ", "_"), func(t *testing.T) {
			start := time.Now()
			r := f.run(t, f.name)
			t.Logf("%+v in %v", r, time.Since(start).Round(time.Second))
			rows = append(rows, r)
			if r.lost != 0 || r.doubled != 0 {
				t.Errorf("%d jobs lost, %d doubled", r.lost, r.doubled)
			}
		})
	}
	kills := 0
	for _, r := range rows {
		kills += r.kills
	}
	t.Logf("%d kills\n%s", kills, tableOf(rows))
	if all := len(rows) == len(faults); long && all && kills < 200 {
		t.Errorf("got %d kills, want at least 200", kills)
	}
}

func tableOf(rows []row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %-32s | runs | kills |  jobs | succeeded | failed | cancelled | expired | attempts again | lost | doubled |\n", "fault")
	fmt.Fprintf(&b, "|%s|-----:|------:|------:|----------:|-------:|----------:|--------:|---------------:|-----:|--------:|\n", strings.Repeat("-", 34))
	for _, r := range rows {
		fmt.Fprintf(&b, "| %-32s | %4d | %5d | %5d | %9d | %6d | %9d | %7d | %14d | %4d | %7d |\n",
			r.fault, r.runs, r.kills, r.jobs, r.succeeded, r.failed, r.cancelled, r.expired, r.again, r.lost, r.doubled)
	}
	return b.String()
}

// clients is how many ask for proofs at a time.
const clients = 6

// some is a number of jobs that differs from kill to kill, so that each comes
// at another moment.
func some(i int) int { return 1 + i*7%17 }

// killAllInOne kills the service with its embedded engine: queue, API and
// workers at once.
func killAllInOne(t *testing.T, name string) row {
	kills := times(6, 120)
	n, c := startAllInOne(t, t.TempDir())
	l := startLoad(t, c, clients, nil)
	for i := range kills {
		l.more(some(i))
		n.kill()
		n.restart()
	}
	l.stop()
	return l.account(name).with(kills, kills)
}

// with sets how often the fault was injected, and how often by kill -9.
func (r row) with(runs, kills int) row {
	r.runs, r.kills = runs, kills
	return r
}

// killWorker kills workers in turns.
func killWorker(t *testing.T, name string) row {
	kills := times(4, 60)
	s := startCluster(t, 1, 1, 2)
	l := startLoad(t, s.caller, clients, nil)
	for i := range kills {
		l.more(some(i))
		w := s.workers[i%2]
		w.kill()
		w.restart()
	}
	l.stop()
	return l.account(name).with(kills, kills)
}

// killAPI kills the processes that clients talk to, in turns.
func killAPI(t *testing.T, name string) row {
	kills := times(4, 60)
	s := startCluster(t, 1, 2, 1)
	l := startLoad(t, s.caller, clients, nil)
	for i := range kills {
		l.more(some(i))
		a := s.apis[i%2]
		a.kill()
		a.restart()
	}
	l.stop()
	return l.account(name).with(kills, kills)
}

// killEngine kills the one server of the engine.
func killEngine(t *testing.T, name string) row {
	kills := times(2, 40)
	s := startCluster(t, 1, 1, 1)
	l := startLoad(t, s.caller, clients, nil)
	for i := range kills {
		l.more(some(i))
		s.engine.nodes["a"].kill()
		s.engine.nodes["a"].start()
	}
	l.stop()
	return l.account(name).with(kills, kills)
}

// killLeader kills the server of a cluster of three that leads the records,
// and lets the service go on without it for a while.
func killLeader(t *testing.T, name string) row {
	kills := times(1, 20)
	s := startCluster(t, 3, 1, 1)
	l := startLoad(t, s.caller, clients, nil)
	for i := range kills {
		l.more(some(i))
		leader := ""
		eventually(t, "all servers are up to date", func() bool { leader = s.engine.leader(i + 1); return leader != "" })
		s.engine.nodes[leader].kill()
		l.more(some(i)) // under another leader
		s.engine.nodes[leader].start()
	}
	l.stop()
	return l.account(name).with(kills, kills)
}

// drain asks processes to stop. None of their attempts may get lost.
func drain(t *testing.T, name string) row {
	runs := times(4, 40)
	s := startCluster(t, 1, 2, 2)
	all := []*node{s.workers[0], s.apis[0], s.workers[1], s.apis[1]}
	l := startLoad(t, s.caller, clients, nil)
	for i := range runs {
		l.more(some(i))
		n := all[i%len(all)]
		n.terminate()
		n.restart()
	}
	l.stop()
	r := l.account(name).with(runs, 0)
	for _, p := range l.attemptsOf(t) {
		if p.Outcome == "lost" {
			t.Errorf("attempt %d of a job was lost in a drain", p.Number)
		}
	}
	return r
}

// attemptsOf returns the attempts of all jobs.
func (l *load) attemptsOf(t *testing.T) (out []api.Attempt) {
	t.Helper()
	for _, r := range l.requests {
		err := l.caller.again(t.Context(), func(c *client.Client) error {
			p, err := c.Proof(t.Context(), r.id, 0)
			if err == nil {
				out = append(out, p.Attempts...)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}
