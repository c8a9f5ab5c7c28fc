//go:build linux

package faulttest

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

// fakeKube is a runner in the place of kubectl and helm, with a cluster that
// does what it is told, though never at once.
type fakeKube struct {
	mu     sync.Mutex
	ran    []string // command lines, less the namespace
	input  []string // what they read
	fail   map[string]error
	denied []string // what the user may not do

	nodes   map[string]bool // whether they take pods
	pods    map[string]*fakePod
	uid     int
	volumes []string // namespaces whose volumes are left; one goes each time
	stuck   bool     // none goes
}

type fakePod struct {
	name, component, node string
	uid, asked            int // ready when it was asked for twice
}

func newFakeKube(nodes ...string) (*fakeKube, *kube) {
	f := &fakeKube{nodes: map[string]bool{}, pods: map[string]*fakePod{}, fail: map[string]error{}}
	for _, n := range nodes {
		f.nodes[n] = true
	}
	s := settings{
		image: image{"provery", "1"}, upgrade: image{"provery", "2"}, pullPolicy: "Never", s3Image: "s3:1",
		namespace: "ns", ownEngine: true, ownStore: true, jobs: 10, clients: 2,
	}
	return f, &kube{settings: s, run: f.run, say: func(string, ...any) {}, release: "rel"}
}

func (f *fakeKube) run(ctx context.Context, in []byte, name string, args ...string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if i := slices.Index(args, "--namespace"); i >= 0 {
		args = slices.Delete(slices.Clone(args), i, i+2)
	}
	line := name + " " + strings.Join(args, " ")
	f.ran, f.input = append(f.ran, line), append(f.input, string(in))
	for prefix, err := range f.fail {
		if strings.HasPrefix(line, prefix) {
			return nil, err
		}
	}
	if name == "helm" {
		return nil, f.helm(args)
	}
	return f.kubectl(args)
}

func (f *fakeKube) helm(args []string) error {
	if args[0] == "install" {
		f.scale("worker", 1)
		f.scale("api", 2)
		f.scale("nats", 3)
	}
	return nil
}

func (f *fakeKube) kubectl(args []string) ([]byte, error) {
	switch args[0] {
	case "version":
		return []byte(`{"serverVersion":{"gitVersion":"v1.34.0"}}`), nil
	case "auth":
		if slices.Contains(f.denied, strings.Join(args[2:], " ")) {
			return []byte("no\n"), fmt.Errorf("kubectl auth: %w", &exec.ExitError{})
		}
		return []byte("yes\n"), nil
	case "scale":
		f.scale("worker", int(args[3][0]-'0'))
	case "drain":
		f.nodes[args[1]] = false
		for _, p := range f.pods {
			if p.node == args[1] {
				f.replace(p)
			}
		}
	case "uncordon":
		f.nodes[args[1]] = true
	case "delete":
		if args[1] == "pod" {
			f.replace(f.pods[args[2]])
		}
	case "get":
		return f.get(args[1:])
	}
	return nil, nil
}

// scale makes and removes pods of a component.
func (f *fakeKube) scale(component string, n int) {
	for i := range 9 {
		name := fmt.Sprintf("rel-%s-%d", component, i)
		switch p := f.pods[name]; {
		case i < n && p == nil:
			f.pods[name] = &fakePod{name: name, component: component}
			f.replace(f.pods[name])
		case i >= n:
			delete(f.pods, name)
		}
	}
}

// replace puts another pod in a pod's place, on a node that takes it.
func (f *fakeKube) replace(p *fakePod) {
	f.uid++
	p.uid, p.asked, p.node = f.uid, 0, ""
	var names []string
	for n, takes := range f.nodes {
		if takes {
			names = append(names, n)
		}
	}
	if slices.Sort(names); len(names) > 0 {
		p.node = names[f.uid%len(names)]
	}
}

func (f *fakeKube) get(args []string) ([]byte, error) {
	var items []object
	switch args[0] {
	case "nodes":
		for n, takes := range f.nodes {
			items = append(items, object{"metadata": object{"name": n}, "spec": object{"unschedulable": !takes}, "status": status(true)})
		}
	case "persistentvolumes":
		for _, ns := range f.volumes {
			items = append(items, object{"metadata": object{"name": "volume"}, "spec": object{"claimRef": object{"namespace": ns}}})
		}
		if !f.stuck {
			f.volumes = f.volumes[:max(0, len(f.volumes)-1)]
		}
	case "pods":
		selector := args[2]
		for _, p := range f.pods {
			if !strings.Contains(selector, ",") || strings.HasSuffix(selector, "="+p.component) {
				items = append(items, p.object())
			}
		}
	case "pod":
		return json.Marshal(f.pods[args[1]].object())
	case "--raw":
		// A follower doesn't know how far the others are.
		return []byte(jsz("rel-nats-1", "rel-nats-0", strings.Contains(args[1], "/rel-nats-1:"))), nil
	}
	return json.Marshal(object{"items": items})
}

func (p *fakePod) object() object {
	p.asked++
	label := "app.kubernetes.io/component"
	if p.component == "nats" {
		label = "app.kubernetes.io/name"
	}
	return object{
		"metadata": object{"name": p.name, "uid": fmt.Sprint(p.uid), "labels": object{label: p.component}},
		"spec":     object{"nodeName": p.node}, "status": status(p.asked > 2),
	}
}

func status(ready bool) object {
	answer := "False"
	if ready {
		answer = "True"
	}
	return object{"conditions": []object{{"type": "Ready", "status": answer}}}
}

// jsz is what a server of NATS says of its streams, shortened.
func jsz(leader, replica string, current bool) string {
	return fmt.Sprintf(`{"memory":0,"streams":9,"account_details":[{"name":"$G","stream_detail":[
		{"name":"KV_other","cluster":{"leader":"a"}},
		{"name":"KV_provery-jobs","cluster":{"name":"c","leader":%q,"replicas":[
			{"name":%q,"current":%t,"active":1000,"peer":"x"},{"name":"rel-nats-2","current":true,"active":1000,"peer":"y"}]}}]}]}`, leader, replica, current)
}

// index returns the place of the first command that begins so.
func (f *fakeKube) index(t *testing.T, prefix string) int {
	t.Helper()
	i := slices.IndexFunc(f.ran, func(line string) bool { return strings.HasPrefix(line, prefix) })
	if i < 0 {
		t.Errorf("nobody ran %s…", prefix)
	}
	return i
}
