//go:build linux

package faulttest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
)

// TestKubernetesSteps makes all steps on a cluster that isn't one.
func TestKubernetesSteps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, k := newFakeKube("n1", "n2", "n3")
		ctx := t.Context()
		key, err := k.install(ctx)
		if err != nil {
			t.Fatal(err)
		}
		calls := 0
		meanwhile := func() error { calls++; return nil }
		for _, step := range []struct {
			name string
			make func() error
		}{
			{"scale", func() error { return k.scale(ctx, 4) }},
			{"drain", func() error {
				return k.drained(ctx, func() error {
					if k.cordoned == "" || f.nodes[k.cordoned] {
						t.Error("nothing is cordoned while the drain lasts")
					}
					return meanwhile()
				})
			}},
			{"leader", func() error { return k.killLeader(ctx, meanwhile) }},
			{"worker", func() error { return k.killWorker(ctx, meanwhile) }},
			{"upgrade", func() error { return k.upgradeTo(ctx, k.upgrade, 4) }},
			{"test", func() error { return k.test(ctx) }},
		} {
			if err := step.make(); err != nil {
				t.Errorf("%s: %v", step.name, err)
			}
		}
		if calls != 3 || k.cordoned != "" || f.nodes["n1"] != true || f.nodes["n2"] != true || f.nodes["n3"] != true {
			t.Errorf("%d calls, %q cordoned, %v", calls, k.cordoned, f.nodes)
		}
		f.index(t, "kubectl delete pod rel-nats-1 --now")
		for i, pod := range []string{"rel-api-0", "rel-api-1", "rel-api-0"} {
			for range 3 { // until they are ready
				err = k.forward(i).open(ctx, fmt.Sprint(i))
			}
			if err != nil {
				t.Error(err)
			}
			f.index(t, fmt.Sprintf("kubectl port-forward pod/%s %d:http", pod, i))
		}
		for i, line := range f.ran {
			if strings.Contains(line, key) || strings.Contains(line, "pvk_") {
				t.Errorf("a command line has a client's key: %s", line)
			}
			if strings.HasPrefix(line, "helm upgrade") && !strings.Contains(line, "image.tag=2") {
				t.Errorf("got %s, want the other image", line)
			}
			if strings.HasPrefix(line, "helm install") && !strings.Contains(f.input[i], `"bucket":"provery"`) {
				t.Errorf("got values %s, want the test's own bucket", f.input[i])
			}
		}
	})
}

// TestRemove looks at what is undone, after a failure at every point, and in
// which order.
func TestRemove(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fail string // the command of the run that fails
		keep bool
		want []string // of the clean-up, in this order
	}{
		"all went well":     {want: []string{"kubectl uncordon", "helm uninstall", "kubectl delete namespace"}},
		"kept":              {keep: true, want: []string{"kubectl uncordon"}},
		"somebody else's":   {fail: "kubectl create namespace"},
		"no secrets":        {fail: "kubectl create -f", want: []string{"kubectl delete namespace"}},
		"no S3":             {fail: "kubectl wait", want: []string{"kubectl delete namespace"}},
		"not installed":     {fail: "helm install", want: []string{"helm uninstall", "kubectl delete namespace"}},
		"not drained":       {fail: "kubectl drain", want: []string{"kubectl uncordon", "helm uninstall", "kubectl delete namespace"}},
		"still cordoned":    {fail: "kubectl uncordon", want: []string{"kubectl uncordon", "helm uninstall", "kubectl delete namespace"}},
		"can't uninstall":   {fail: "helm uninstall", want: []string{"kubectl uncordon", "helm uninstall", "kubectl delete namespace"}},
		"stuck in deletion": {fail: "kubectl delete namespace", want: []string{"kubectl uncordon", "helm uninstall", "kubectl delete namespace"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, k := newFakeKube("n1", "n2")
				if k.keep = c.keep; c.fail != "" {
					f.fail[c.fail] = errors.New("it AlreadyExists")
				}
				_, err := k.install(t.Context())
				if err == nil {
					err = k.drain(t.Context())
				}
				if inRun := c.fail != "" && len(c.want) < 3 || c.fail == "kubectl drain"; (err != nil) != inRun {
					t.Fatalf("the run: got %v", err)
				}
				from := len(f.ran)
				f.volumes = []string{"ns", "other"}
				err = k.remove(t.Context(), true)
				if failed := len(c.want) == 3 && c.fail != "" && c.fail != "kubectl drain"; (err != nil) != failed {
					t.Errorf("got %v", err)
				}
				var got []string
				for _, line := range f.ran[from:] {
					if words := strings.Fields(line); words[1] != "get" {
						got = append(got, line)
					}
				}
				ok := len(got) == len(c.want)
				for i := range min(len(got), len(c.want)) {
					ok = ok && strings.HasPrefix(got[i], c.want[i])
				}
				if !ok {
					t.Errorf("got %q, want %q", got, c.want)
				}
			})
		})
	}
}

// TestRemoveTellsOfVolumes expects volumes that aren't removed to be told of.
func TestRemoveTellsOfVolumes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, k := newFakeKube("n1")
		k.owned, f.stuck, f.volumes = true, true, []string{"ns"}
		if err := k.remove(t.Context(), true); !errors.Is(err, errInVain) || !strings.Contains(err.Error(), "volume") {
			t.Errorf("got %v, want the volume told of", err)
		}
	})
}

func TestDrainRefusesTheOnlyNode(t *testing.T) {
	t.Parallel()
	f, k := newFakeKube("n1")
	if err := k.drained(t.Context(), nil); !errors.Is(err, errLeftOut) || !f.nodes["n1"] || k.cordoned != "" {
		t.Errorf("got %v, cordoned %q, want it left out", err, k.cordoned)
	}
}

// TestKubernetesValues has the real helm render the chart with the test's
// values, which its schema has to take.
func TestKubernetesValues(t *testing.T) {
	t.Parallel()
	helm := os.Getenv("PROVERY_HELM")
	if helm == "" {
		t.Skip("make test-chart runs it")
	}
	_, k := newFakeKube()
	k.run = func(ctx context.Context, in []byte, _ string, args ...string) ([]byte, error) {
		return command(ctx, in, helm, args...)
	}
	for _, class := range []string{"", "fast"} {
		k.storageClass = class
		if err := k.helm(t.Context(), k.values(), append(k.releaseArgs("template", k.image, 4), "--kube-version", "1.34.0")...); err != nil {
			t.Error(err)
		}
	}
}
