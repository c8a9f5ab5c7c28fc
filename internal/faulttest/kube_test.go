//go:build linux

package faulttest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"provery/api"
)

// inKubernetes says that a cluster may be used: make e2e-cluster.
var inKubernetes = os.Getenv("PROVERY_E2E") != ""

// TestKubernetes installs the chart on the cluster that KUBECONFIG names,
// measures it with one, four and one workers, and breaks it under load. At the
// end it counts, and removes what it made.
func TestKubernetes(t *testing.T) {
	if !inKubernetes {
		t.Skip("make e2e-cluster runs it")
	}
	id := "provery-e2e-" + strings.ToLower(rand.Text()[:6])
	s, err := newSettings(os.Getenv, id)
	if err != nil {
		t.Fatal(err)
	}
	k := &kube{settings: s, run: command, say: t.Logf, release: id}
	ctx := interruptible(t)
	leftOut, err := k.check(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for step, why := range leftOut {
		t.Logf("%s is %v: %s", step, errLeftOut, why)
	}
	t.Logf("everything is made in namespace %s; if this process is killed, remove it by hand: kubectl delete namespace %s", id, id)
	t.Cleanup(func() {
		after, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
		defer cancel()
		if t.Failed() && !errors.Is(context.Cause(ctx), errInterrupted) {
			t.Logf("the release's pods:\n%s", k.describe(after))
		}
		if err := k.remove(after, leftOut[stepVolume] == ""); err != nil {
			t.Errorf("clean up: %v", err)
		}
	})
	key, err := k.install(ctx)
	if err != nil {
		t.Fatal(err)
	}
	k.say("helm test")
	if err := k.test(ctx); err != nil {
		t.Fatal(err)
	}
	c := k.caller(t, ctx, key)
	shake(t, ctx, k, c, leftOut)
}

var errInterrupted = errors.New("interrupted")

// interruptible returns a context that ends with an interrupt, which fails the
// test, or when the test takes too long: before go test would end it without a
// clean-up.
func interruptible(t *testing.T) context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	ctx, stop := context.WithTimeoutCause(ctx, time.Hour, errors.New("the test takes longer than an hour"))
	t.Cleanup(stop)
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)
	ended := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			select {
			case <-interrupts:
				t.Error("interrupted: cleaning up")
				cancel(errInterrupted)
			case <-ended:
				return
			}
		}
	})
	t.Cleanup(func() { // the last: an interrupt never stops the clean-up
		close(ended)
		watch.Wait()
		signal.Stop(interrupts)
		cancel(nil)
	})
	return ctx
}

// caller returns one that reaches the release by its URL, or by two ways
// through kubectl, so that one remains while the other's pod is replaced.
func (k *kube) caller(t *testing.T, ctx context.Context, key string) *caller {
	t.Helper()
	if k.url != "" {
		c := newCallerBy(t, key, &http.Transport{MaxIdleConnsPerHost: 64}, k.url)
		c.ready(t)
		return c
	}
	ctx, cancel := context.WithCancel(ctx)
	var ways sync.WaitGroup
	t.Cleanup(func() { cancel(); ways.Wait() })
	byHost, urls := map[string]*forward{}, []string(nil)
	for i, host := range []string{"way-1", "way-2"} {
		f := k.forward(i)
		byHost[host+":80"] = f
		urls = append(urls, "http://"+host)
		ways.Go(func() { f.keep(ctx) })
	}
	c := newCallerBy(t, key, &http.Transport{MaxIdleConnsPerHost: 64, DialContext: dialBy(byHost)}, urls...)
	c.ready(t)
	return c
}

// startLoad registers the circuit to prove, and lets clients begin.
func (k *kube) startLoad(t *testing.T, c *caller) *load {
	t.Helper()
	if k.circuit == "" {
		c.register(t)
		return startLoad(t, c, k.clients, nil)
	}
	arguments, err := os.ReadFile(k.arguments)
	if err != nil {
		t.Fatal(err)
	}
	c.registerFrom(t, "e2e", k.circuit)
	l := startLoad(t, c, k.clients, func(r *api.ProofRequest) { r.Circuit, r.Arguments = "e2e", arguments })
	l.other = k.circuit
	return l
}

// measure is a line of the table of sizes.
type measure struct {
	workers int
	ended   int64
	took    time.Duration
}

func (m measure) rate() float64 { return float64(m.ended) / m.took.Seconds() }

// trial is a line of the table of what was done to the release.
type trial struct {
	step    string
	ended   int64 // jobs, meanwhile
	took    time.Duration
	leftOut string // why
}

// shake measures and breaks the release under load, and prints the tables.
func shake(t *testing.T, ctx context.Context, k *kube, c *caller, leftOut map[string]string) {
	l := k.startLoad(t, c)
	var sizes []measure
	var trials []trial
	at := func(workers int) {
		t.Helper()
		ended, start := l.ended.Load(), time.Now()
		for l.ended.Load() < ended+int64(k.jobs) {
			l.more(1) // a wait for each, since nobody knows how fast a cluster is
		}
		sizes = append(sizes, measure{workers, l.ended.Load() - ended, time.Since(start)})
		t.Logf("%d workers: %.1f proofs/s", workers, sizes[len(sizes)-1].rate())
	}
	try := func(step string, do func() error) {
		t.Helper()
		k.say("step: %s", step)
		if why := leftOut[step]; why != "" {
			trials = append(trials, trial{step: step, leftOut: why})
			return
		}
		ended, start := l.ended.Load(), time.Now()
		err := do()
		tr := trial{step: step, ended: l.ended.Load() - ended, took: time.Since(start)}
		if errors.Is(err, errLeftOut) {
			tr.leftOut = err.Error()
			t.Logf("%s is %v", step, err)
		} else if err != nil {
			t.Fatalf("%s: %v", step, err)
		}
		trials = append(trials, tr)
	}
	goOn := func() error { l.more(10); return ctx.Err() }

	at(1)
	try("scaled from 1 to 4 workers", func() error { return k.scale(ctx, 4) })
	at(4)
	try(stepDrain, func() error { return k.drained(ctx, goOn) })
	try(stepLeader, func() error { return k.killLeader(ctx, goOn) })
	try("a worker killed", func() error { return k.killWorker(ctx, goOn) })
	try("upgraded", func() error { return k.upgradeTo(ctx, k.upgrade, 4) })
	try("scaled from 4 to 1 workers", func() error { return k.scale(ctx, 1) })
	at(1)
	l.stop()
	sum := l.account("all of these")
	t.Logf("\n%s\n%s\n%s", sizesTable(sizes), trialsTable(trials), tableOf([]row{sum}))
	if sum.lost+sum.doubled+sum.failed+sum.cancelled+sum.expired != 0 {
		t.Errorf("got %+v, want each job to have one proof", sum)
	}
	if err := k.test(ctx); err != nil {
		t.Error(err)
	}
}

func sizesTable(list []measure) string {
	var b strings.Builder
	b.WriteString("| workers | proofs | seconds | proofs/s | of the first |\n|--------:|-------:|--------:|---------:|-------------:|\n")
	for _, m := range list {
		fmt.Fprintf(&b, "| %7d | %6d | %7.1f | %8.1f | %11.2fx |\n", m.workers, m.ended, m.took.Seconds(), m.rate(), m.rate()/list[0].rate())
	}
	return b.String()
}

func trialsTable(list []trial) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %-28s | seconds | proofs meanwhile |\n|%s|--------:|-----------------:|\n", "under load", strings.Repeat("-", 30))
	for _, tr := range list {
		if tr.leftOut != "" {
			fmt.Fprintf(&b, "| %-28s | LEFT OUT: %s |\n", tr.step, strings.TrimPrefix(tr.leftOut, errLeftOut.Error()+": "))
			continue
		}
		fmt.Fprintf(&b, "| %-28s | %7.1f | %16d |\n", tr.step, tr.took.Seconds(), tr.ended)
	}
	return b.String()
}
