package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"gopkg.in/yaml.v3"

	"provery/internal/config"
)

// compose is the part of a compose file that the tests look at.
type compose struct {
	Services map[string]struct {
		Image       string
		Environment map[string]string
		Volumes     []string
		ReadOnly    bool     `yaml:"read_only"`
		CapDrop     []string `yaml:"cap_drop"`
		DependsOn   map[string]struct {
			Condition string
		} `yaml:"depends_on"`
		Deploy struct{ Replicas int }
	}
	Volumes map[string]any
}

// environment reads env.example.
func environment(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile("compose/env.example")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(name, "#") {
			out[name] = value
		}
	}
	return out
}

var variable = regexp.MustCompile(`\$\{(\w+)(:[-?][^}]*)?\}`)

// expand replaces the variables of a compose file.
func expand(t *testing.T, text string, env map[string]string) string {
	t.Helper()
	return variable.ReplaceAllStringFunc(text, func(s string) string {
		m := variable.FindStringSubmatch(s)
		value, ok := env[m[1]]
		if fallback, has := strings.CutPrefix(m[2], ":-"); !ok && has {
			return fallback
		}
		if !ok {
			t.Errorf("%s isn't in env.example", m[1])
		}
		return value
	})
}

func TestCompose(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("compose/compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	env := environment(t)
	var c compose
	if err := yaml.Unmarshal([]byte(expand(t, string(b), env)), &c); err != nil {
		t.Fatal(err)
	}
	roles := map[string]int{}
	for name, s := range c.Services {
		for on := range s.DependsOn {
			if _, ok := c.Services[on]; !ok {
				t.Errorf("%s depends on %s, which isn't there", name, on)
			}
		}
		for _, v := range s.Volumes {
			from, _, mounted := strings.Cut(v, ":")
			if _, ok := c.Volumes[from]; mounted && !ok && !strings.HasPrefix(from, ".") {
				t.Errorf("%s: volume %s isn't declared", name, from)
			}
		}
		role := s.Environment["PROVERY_ROLE"]
		if role == "" {
			continue
		}
		roles[role] += max(s.Deploy.Replicas, 1)
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) {
			t.Errorf("%s: may do more than it needs", name)
		}
		checkSettings(t, name, s.Environment)
	}
	if roles[config.RoleAPI] != 2 || roles[config.RoleWorker] != 2 {
		t.Errorf("got %v, want two API processes and two workers", roles)
	}
}

// checkSettings has the service's own code read an environment.
func checkSettings(t *testing.T, name string, env map[string]string) {
	t.Helper()
	known := map[string]bool{}
	for _, key := range config.Keys() {
		known[config.EnvName(key)] = true
	}
	environ := []string{"HOME=/"}
	for k, v := range env {
		if strings.HasPrefix(k, "PROVERY_") && !known[k] {
			t.Errorf("%s: %s is no setting", name, k)
		}
		environ = append(environ, k+"="+v)
	}
	// What the image sets.
	environ = append(environ, "PROVERY_LISTEN=:8080", "PROVERY_ADMIN_LISTEN=:9090", "PROVERY_DATA_DIR=/data")
	if _, err := config.Load(config.Sources{Environ: environ}); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

func TestComposeNATS(t *testing.T) {
	env := environment(t)
	t.Setenv("NATS_NAME", "nats-1") // keeps the test from running in parallel
	t.Setenv("NATS_PASSWORD", env["NATS_PASSWORD"])
	o, err := server.ProcessConfigFile(filepath.Join("compose", "nats.conf"))
	if err != nil {
		t.Fatal(err)
	}
	if !o.JetStream || !o.SyncAlways || o.ServerName != "nats-1" || o.Cluster.Name != "provery" || len(o.Routes) != 3 || o.Password == "" {
		t.Errorf("got %+v, want a member of a cluster of three that syncs always", o)
	}
}
