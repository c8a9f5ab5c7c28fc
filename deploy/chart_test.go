package deploy

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"provery/internal/config"
)

const chart = "helm/provery"

// object is a rendered Kubernetes object.
type object struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct {
		Name        string
		Labels      map[string]string
		Annotations map[string]string
	}
	Data map[string]string
	Spec struct {
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     podSpec
		}
		Selector yaml.Node
	}
}

type podSpec struct {
	Containers []struct {
		Name            string
		Args            []string
		SecurityContext struct {
			ReadOnlyRootFilesystem   bool `yaml:"readOnlyRootFilesystem"`
			AllowPrivilegeEscalation bool `yaml:"allowPrivilegeEscalation"`
		} `yaml:"securityContext"`
		Env          []struct{ Name, Value string }
		VolumeMounts []struct{ Name string } `yaml:"volumeMounts"`
	}
	SecurityContext struct {
		RunAsNonRoot bool `yaml:"runAsNonRoot"`
	} `yaml:"securityContext"`
	Volumes []struct{ Name string }
}

// cases are the value sets of which there are golden renders.
func cases(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("helm/testdata/*.golden.yaml")
	if err != nil || len(paths) != 4 {
		t.Fatalf("got %d golden renders (%v), want 4", len(paths), err)
	}
	for i, p := range paths {
		paths[i] = strings.TrimSuffix(filepath.Base(p), ".golden.yaml")
	}
	return paths
}

func golden(name string) string { return "helm/testdata/" + name + ".golden.yaml" }

// objects decodes the documents of a render.
func objects(t *testing.T, b []byte) []object {
	t.Helper()
	var out []object
	for dec := yaml.NewDecoder(bytes.NewReader(b)); ; {
		var o object
		err := dec.Decode(&o)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if o.Kind != "" {
			out = append(out, o)
		}
	}
}

// TestGoldenRenders checks what can be checked of the chart without helm. The
// renders themselves are compared by TestHelm, in `make test-chart`.
func TestGoldenRenders(t *testing.T) {
	t.Parallel()
	for _, name := range cases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := map[string]bool{}
			env := map[string]string{}
			for _, o := range objects(t, read(t, golden(name))) {
				key := o.Kind + "/" + o.Metadata.Name
				if o.APIVersion == "" || o.Metadata.Name == "" || seen[key] {
					t.Errorf("%s: without version or name, or twice", key)
				}
				seen[key] = true
				if o.Metadata.Labels["app.kubernetes.io/instance"] == "" {
					t.Errorf("%s: no label says whose it is", key)
				}
				if o.Kind == "ConfigMap" && o.Data["PROVERY_ENGINE_URL"] != "" {
					env = o.Data
				}
			}
			for _, o := range objects(t, read(t, golden(name))) {
				if o.Kind == "Deployment" || o.Kind == "StatefulSet" {
					checkPod(t, o)
				}
				if o.Kind == "Deployment" {
					checkRole(t, o, env)
				}
			}
			if !seen["Deployment/x-api"] || !seen["Deployment/x-worker"] || !seen["Service/x"] || !seen["Pod/x-test"] {
				t.Errorf("got %v", slices.Sorted(maps.Keys(seen)))
			}
		})
	}
}

// checkPod checks that a pod may do no more than it needs.
func checkPod(t *testing.T, o object) {
	t.Helper()
	spec := o.Spec.Template.Spec
	if !spec.SecurityContext.RunAsNonRoot {
		t.Errorf("%s may run as root", o.Metadata.Name)
	}
	volumes := map[string]bool{}
	for _, v := range spec.Volumes {
		volumes[v.Name] = true
	}
	volumes["data"] = true // may be a claim's template
	for _, c := range spec.Containers {
		if !c.SecurityContext.ReadOnlyRootFilesystem || c.SecurityContext.AllowPrivilegeEscalation {
			t.Errorf("%s: container %s may write to its root, or gain rights", o.Metadata.Name, c.Name)
		}
		for _, m := range c.VolumeMounts {
			if !volumes[m.Name] {
				t.Errorf("%s: volume %s isn't there", o.Metadata.Name, m.Name)
			}
		}
	}
}

// checkRole has the service's own code read the environment of a pod.
func checkRole(t *testing.T, o object, common map[string]string) {
	t.Helper()
	c := o.Spec.Template.Spec.Containers[0]
	env := maps.Clone(common)
	for _, e := range c.Env {
		env[e.Name] = e.Value
	}
	env["PROVERY_ROLE"] = c.Args[len(c.Args)-1]
	if env["PROVERY_ROLE"] == config.RoleAPI { // comes from a secret
		env["PROVERY_API_KEYS"] = environment(t)["PROVERY_API_KEYS"]
	}
	checkSettings(t, o.Metadata.Name, env)
}

// TestValuesSchema compares the values with their schema: every value is
// described, nothing else is, and nothing else is allowed.
func TestValuesSchema(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{chart, chart + "/charts/nats"} {
		var values map[string]any
		var schema map[string]any
		if err := yaml.Unmarshal(read(t, dir+"/values.yaml"), &values); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(read(t, dir+"/values.schema.json"), &schema); err != nil {
			t.Fatal(err)
		}
		delete(schema["properties"].(map[string]any), "global") // helm's own
		if dir == chart {
			delete(values, "nats") // the sub-chart's schema
			delete(schema["properties"].(map[string]any), "nats")
		}
		compareSchema(t, dir, values, schema)
	}
}

func compareSchema(t *testing.T, at string, value any, schema map[string]any) {
	t.Helper()
	v, isMap := value.(map[string]any)
	properties, described := schema["properties"].(map[string]any)
	if !isMap || !described {
		if isMap != (schema["type"] == "object") {
			t.Errorf("%s: got %v for a schema of %v", at, value, schema["type"])
		}
		return
	}
	if schema["additionalProperties"] != false {
		t.Errorf("%s: the schema lets anything in", at)
	}
	if a, b := slices.Sorted(maps.Keys(v)), slices.Sorted(maps.Keys(properties)); !slices.Equal(a, b) {
		t.Errorf("%s: values %v, schema %v", at, a, b)
	}
	for k, p := range properties {
		compareSchema(t, at+"."+k, v[k], p.(map[string]any))
	}
}

// helm runs helm, whose path is in PROVERY_HELM.
func helm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(os.Getenv("PROVERY_HELM"), args...)
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	err := cmd.Run()
	if err != nil {
		return problems.String() + out.String(), err
	}
	return out.String(), nil
}

// TestHelm lints the chart and compares renders with the golden ones, which it
// writes with PROVERY_UPDATE=1.
func TestHelm(t *testing.T) {
	if os.Getenv("PROVERY_HELM") == "" {
		t.Skip("needs helm: make test-chart")
	}
	t.Parallel()
	for _, name := range []string{"minimal", "bundled", "keda", "hpa"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values := "helm/testdata/" + name + ".yaml"
			if out, err := helm(t, "lint", "--strict", chart, "-f", values); err != nil {
				t.Errorf("lint: %s", out)
			}
			out, err := helm(t, "template", "x", chart, "--namespace", "proving", "--kube-version", "1.31.0", "-f", values)
			if err != nil {
				t.Fatal(out)
			}
			if os.Getenv("PROVERY_UPDATE") != "" {
				if err := os.WriteFile(golden(name), []byte(out), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want := string(read(t, golden(name))); out != want {
				t.Errorf("the render differs from %s; PROVERY_UPDATE=1 make test-chart writes it anew", golden(name))
			}
		})
	}
}

// TestHelmRefuses has the chart refuse values that can't work.
func TestHelmRefuses(t *testing.T) {
	if os.Getenv("PROVERY_HELM") == "" {
		t.Skip("needs helm: make test-chart")
	}
	t.Parallel()
	for set, want := range map[string]string{
		"store.s3.bucket=": "store.s3.bucket is needed",
		"engine.url=":      "engine.url is needed",
		"engine.nkey.secret=a,engine.credentials.secret=b":             "exclude each other",
		"worker.autoscaling.mode=keda":                                 "prometheus is needed",
		"worker.autoscaling.mode=hpa,worker.autoscaling.minReplicas=0": "needs mode keda",
		"worker.autoscaling.mode=always":                               "mode",
		"worker.slots=0":                                               "slots",
		"worker.slot=2":                                                "slot",
		"engine.replicas=2":                                            "replicas",
		"store.s3.prefix=abc":                                          "prefix",
		"nats.enabled=true,nats.sync=never":                            "sync",
		"ingress.enabled=true":                                         "ingress.host is needed",
	} {
		out, err := helm(t, "template", "x", chart, "--kube-version", "1.31.0", "-f", "helm/testdata/minimal.yaml", "--set", set)
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("%s: got %s, want a refusal with %q", set, out, want)
		}
	}
}
