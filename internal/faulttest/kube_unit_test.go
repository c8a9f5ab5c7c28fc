//go:build linux

package faulttest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The tests of this file are of what make e2e-cluster does, without a cluster.

func TestParseImage(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]image{
		"provery:1":                    {"provery", "1"},
		"reg.example:5000/a/provery:1": {"reg.example:5000/a/provery", "1"},
	} {
		if got, err := parseImage(in); err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", ":1", "provery", "provery:", "reg.example:5000/provery", "provery@sha256:abc"} {
		if got, err := parseImage(in); err == nil {
			t.Errorf("%q: got %v, want it refused", in, got)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	values, kubeconfig := filepath.Join(dir, "values.yaml"), filepath.Join(dir, "config")
	for file, text := range map[string]string{kubeconfig: "", values: "engine: {url: nats://n:4222}\nstore: {s3: {bucket: b}}\n"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		env  map[string]string // besides a good KUBECONFIG and IMAGE
		want []string          // parts of the error
	}{
		"good":         {},
		"a list":       {env: map[string]string{"KUBECONFIG": "none:" + kubeconfig}},
		"values":       {env: map[string]string{"VALUES": values}},
		"a circuit":    {env: map[string]string{"CIRCUIT": dir, "ARGUMENTS": values}},
		"nothing":      {env: map[string]string{"KUBECONFIG": "", "IMAGE": ""}, want: []string{"KUBECONFIG isn't set", "IMAGE isn't set"}},
		"no config":    {env: map[string]string{"KUBECONFIG": "none:nil"}, want: []string{"KUBECONFIG: stat none", "KUBECONFIG: stat nil"}},
		"no tag":       {env: map[string]string{"IMAGE": "a", "UPGRADE": "b"}, want: []string{`IMAGE: "a" isn't`, `UPGRADE: "b" isn't`}},
		"no jobs":      {env: map[string]string{"JOBS": "0", "CLIENTS": "x"}, want: []string{`JOBS="0"`, `CLIENTS="x"`}},
		"no files":     {env: map[string]string{"VALUES": "none", "SECRETS": "nil"}, want: []string{"VALUES: open none", "SECRETS: stat nil"}},
		"no arguments": {env: map[string]string{"CIRCUIT": dir}, want: []string{"need each other"}},
	} {
		env := map[string]string{"KUBECONFIG": kubeconfig, "IMAGE": "a:1"}
		maps.Copy(env, c.env)
		s, err := newSettings(func(k string) string { return env[k] }, "ns")
		if (err != nil) != (c.want != nil) {
			t.Errorf("%s: got %v", name, err)
		}
		for _, part := range c.want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: got %v, want %s", name, err, part)
			}
		}
		if own := name != "values"; err == nil && (s.ownEngine != own || s.ownStore != own || s.jobs != 300 || s.upgrade != s.image) {
			t.Errorf("%s: got %+v", name, s)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fail    map[string]error
		denied  []string
		want    string // part of the error
		leftOut []string
	}{
		"all is well":  {},
		"no kubectl":   {fail: map[string]error{"kubectl": exec.ErrNotFound}, want: "kubectl isn't installed"},
		"no helm":      {fail: map[string]error{"helm": exec.ErrNotFound}, want: "helm isn't installed"},
		"no cluster":   {fail: map[string]error{"kubectl version --request-timeout": errors.New("refused")}, want: "doesn't answer: refused"},
		"no namespace": {denied: []string{"create namespaces"}, want: "may not create namespaces"},
		"no nodes":     {denied: []string{"patch nodes", "list persistentvolumes"}, leftOut: []string{stepDrain, stepVolume}},
		"no proxy":     {denied: []string{"get pods --subresource proxy"}, leftOut: []string{stepLeader}},
		"no answer":    {fail: map[string]error{"kubectl auth": errors.New("broken")}, want: "broken"},
	} {
		f, k := newFakeKube("n1")
		if f.denied = c.denied; c.fail != nil {
			f.fail = c.fail
		}
		leftOut, err := k.check(t.Context())
		if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
		for _, step := range []string{stepDrain, stepLeader, stepVolume} {
			if (leftOut[step] != "") != slices.Contains(c.leftOut, step) {
				t.Errorf("%s: got %v left out, want %v", name, leftOut, c.leftOut)
			}
		}
	}
}

func TestDrainable(t *testing.T) {
	t.Parallel()
	node := func(name string, ready bool, taint string) (n kubeNode) {
		n.Metadata.Name = name
		if ready {
			n.Status.Conditions = []condition{{Type: "Ready", Status: "True"}}
		}
		if taint != "" {
			n.Spec.Taints = append(n.Spec.Taints, struct{ Key, Effect string }{"key", taint})
		}
		return n
	}
	on := func(node, label, value string) (p pod) {
		p.Spec.NodeName, p.Metadata.Labels = node, map[string]string{"app.kubernetes.io/" + label: value}
		return p
	}
	three := []kubeNode{node("a", true, ""), node("b", true, "PreferNoSchedule"), node("c", true, "")}
	worker := func(node string) pod { return on(node, "component", "worker") }
	nats := func(node string) pod { return on(node, "name", "nats") }
	for name, c := range map[string]struct {
		nodes []kubeNode
		pods  []pod
		named string
		want  string
		why   string
	}{
		"none":              {why: "only one node"},
		"one":               {nodes: three[:1], why: "only one node takes pods (a)"},
		"one takes pods":    {nodes: []kubeNode{node("a", true, ""), node("b", false, ""), node("c", true, "NoSchedule"), node("d", true, "NoExecute")}, why: "(a)"},
		"most workers":      {nodes: three, pods: []pod{worker("a"), worker("b"), worker("b")}, want: "b"},
		"fewest servers":    {nodes: three, pods: []pod{worker("a"), worker("a"), nats("a"), nats("a"), worker("b"), nats("b")}, want: "b"},
		"a worker at least": {nodes: three, pods: []pod{worker("c"), nats("c")}, want: "c"},
		"named":             {nodes: three, pods: []pod{worker("c")}, named: "a", want: "a"},
		"unknown":           {nodes: three, named: "x", why: "NODE=x"},
	} {
		got, why := drainable(c.nodes, c.pods, c.named)
		if got != c.want || (why == "") != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%s: got %q, %q, want %q, %q", name, got, why, c.want, c.why)
		}
	}
}

func TestLedBy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ stream, json, why string }{
		"led":           {"KV_provery-jobs", jsz("a", "b", true), ""},
		"a follower":    {"KV_provery-jobs", jsz("b", "b", true), "a doesn't lead"},
		"not current":   {"KV_provery-jobs", jsz("a", "b", false), "replica b isn't up to date"},
		"too few":       {"KV_other", jsz("a", "b", true), "of three replicas"},
		"unknown":       {"nope", jsz("a", "b", true), "doesn't know"},
		"nothing there": {"nope", `{}`, "doesn't know"},
	} {
		var s streams
		if err := json.Unmarshal([]byte(c.json), &s); err != nil {
			t.Fatal(err)
		}
		if why := s.ledBy("a", c.stream); (why == "") != (c.why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%s: got %q, want %q", name, why, c.why)
		}
	}
}

func TestUntil(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		err := until(t.Context(), time.Minute, "it is so", func() (string, error) {
			asked++
			if asked < 3 {
				return "", errors.New("busy")
			}
			return "", nil
		})
		if err != nil || asked != 3 {
			t.Errorf("got %v after %d questions", err, asked)
		}
		err = until(t.Context(), time.Minute, "it is so", func() (string, error) { return "it isn't", nil })
		if !errors.Is(err, errInVain) || !strings.Contains(err.Error(), "it isn't") {
			t.Errorf("got %v, want it to say why not", err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("interrupted"))
		if err := until(ctx, time.Minute, "it is so", func() (string, error) { return "no", nil }); err == nil || !strings.Contains(err.Error(), "interrupted") {
			t.Errorf("got %v, want the cause", err)
		}
	})
}

// TestForward expects the way to be opened again when it ends, and when nobody
// answers at its other end.
func TestForward(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var opened atomic.Int64
		f := &forward{
			open: func(ctx context.Context, _ string) error {
				if opened.Add(1) == 1 {
					return errors.New("lost connection to pod")
				}
				<-ctx.Done()
				return context.Cause(ctx)
			},
			ask: func(context.Context, string) error {
				if opened.Load() == 2 {
					return errors.New("silence")
				}
				return nil
			},
		}
		done := make(chan struct{})
		go func() { f.keep(ctx); close(done) }()
		synctest.Wait()
		if _, err := f.dial(ctx); err == nil || !strings.Contains(err.Error(), "lost connection") {
			t.Errorf("between two ways: got %v, want the reason", err)
		}
		time.Sleep(time.Hour)
		cancel()
		<-done
		if got := opened.Load(); got != 3 {
			t.Errorf("opened %d times, want 3", got)
		}
	})
}

func TestCommand(t *testing.T) {
	t.Parallel()
	if _, err := command(t.Context(), nil, "provery-has-no-such-program"); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("got %v, want it not found", err)
	}
	out, err := command(t.Context(), []byte("text"), "sh", "-c", "cat; echo no >&2; exit 3")
	if string(out) != "text" || err == nil || !strings.HasSuffix(err.Error(), "exit status 3: no") {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestKubernetesTables(t *testing.T) {
	t.Parallel()
	got := sizesTable([]measure{{1, 300, 10 * time.Second}, {4, 300, 4 * time.Second}}) +
		trialsTable([]trial{{step: stepLeader, ended: 7, took: time.Second}, {step: stepDrain, leftOut: fmt.Errorf("%w: one node", errLeftOut).Error()}})
	for _, want := range []string{
		"|       4 |    300 |     4.0 |     75.0 |        2.50x |",
		"| NATS's leader killed         |     1.0 |                7 |",
		"| a node drained               | LEFT OUT: one node |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant %s", got, want)
		}
	}
}
