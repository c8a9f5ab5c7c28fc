//go:build linux

package faulttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// settings are what make e2e-cluster is told, by variables of these names.
type settings struct {
	image        image  // IMAGE
	upgrade      image  // UPGRADE, to which the release goes under load; IMAGE without it
	pullPolicy   string // PULL_POLICY
	storageClass string // STORAGE_CLASS of NATS; the cluster's own without it
	natsImage    string // NATS_IMAGE; the chart's without it
	s3Image      string // S3_IMAGE
	valuesFile   string // VALUES, a file of more values of the chart
	secretsFile  string // SECRETS, a file of objects that the values name
	circuit      string // CIRCUIT, a directory that a ZoKrates program was compiled to, to prove that
	arguments    string // ARGUMENTS, a file of its arguments
	url          string // URL of the service; through kubectl without it
	node         string // NODE to drain
	jobs         int    // JOBS to measure at each size
	clients      int    // CLIENTS, each with a window of jobs under way
	keep         bool   // KEEP
	namespace    string

	ownEngine, ownStore bool // the chart's NATS and the test's S3 server are used
}

// image is a repository and a tag.
type image struct{ repository, tag string }

func (i image) String() string { return i.repository + ":" + i.tag }

// parseImage splits the name of an image as the chart takes it.
func parseImage(s string) (image, error) {
	at := strings.LastIndex(s, ":")
	if strings.Contains(s, "@") || at <= strings.LastIndex(s, "/") || at == len(s)-1 || at == 0 {
		return image{}, fmt.Errorf("%q isn't an image: want repository:tag", s)
	}
	return image{s[:at], s[at+1:]}, nil
}

// newSettings reads the settings, and says what is wrong with them.
func newSettings(env func(string) string, namespace string) (s settings, err error) {
	or := func(name, otherwise string) string {
		if v := env(name); v != "" {
			return v
		}
		return otherwise
	}
	number := func(name string, otherwise int) int {
		n, e := strconv.Atoi(or(name, strconv.Itoa(otherwise)))
		if e != nil || n < 1 || n > 1_000_000 {
			err = errors.Join(err, fmt.Errorf("%s=%q: want a number from 1 to 1000000", name, env(name)))
		}
		return n
	}
	named := func(name, otherwise string) image {
		i, e := parseImage(or(name, otherwise))
		if e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", name, e))
		}
		return i
	}
	if e := checkKubeconfig(env("KUBECONFIG")); e != nil {
		err = errors.Join(err, e)
	}
	if env("IMAGE") == "" {
		err = errors.Join(err, errors.New("IMAGE isn't set: it must name Provery's image, which the cluster can pull, as repository:tag"))
	} else {
		s.image = named("IMAGE", "")
		s.upgrade = named("UPGRADE", env("IMAGE"))
	}
	s.pullPolicy, s.storageClass = or("PULL_POLICY", "IfNotPresent"), env("STORAGE_CLASS")
	s.natsImage, s.s3Image = env("NATS_IMAGE"), or("S3_IMAGE", "versity/versitygw:v1.8.0")
	s.valuesFile, s.secretsFile = env("VALUES"), env("SECRETS")
	s.circuit, s.arguments = env("CIRCUIT"), env("ARGUMENTS")
	s.url, s.node, s.keep = strings.TrimSuffix(env("URL"), "/"), env("NODE"), env("KEEP") != "" && env("KEEP") != "0"
	s.jobs, s.clients = number("JOBS", 300), number("CLIENTS", clients)
	s.namespace = namespace
	return s, errors.Join(err, s.readValues(), s.checkFiles())
}

// checkFiles looks for the files that are named.
func (s *settings) checkFiles() (err error) {
	if (s.circuit == "") != (s.arguments == "") {
		err = errors.New("CIRCUIT and ARGUMENTS need each other")
	}
	for name, file := range map[string]string{"SECRETS": s.secretsFile, "CIRCUIT": s.circuit, "ARGUMENTS": s.arguments} {
		if file == "" {
			continue
		}
		if _, e := os.Stat(file); e != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w", name, e))
		}
	}
	return err
}

// checkKubeconfig wants a file to be named, one of a list at least: kubectl
// would go elsewhere without.
func checkKubeconfig(list string) error {
	if list == "" {
		return errors.New("KUBECONFIG isn't set: it must name the cluster, since this test drains a node of it")
	}
	var errs error
	for _, file := range filepath.SplitList(list) {
		_, err := os.Stat(file)
		if err == nil {
			return nil
		}
		errs = errors.Join(errs, fmt.Errorf("KUBECONFIG: %w", err))
	}
	return errs
}

// readValues looks for the engine and the bucket in the values.
func (s *settings) readValues() error {
	var v struct {
		Engine struct{ URL string }
		Store  struct{ S3 struct{ Bucket string } }
	}
	if s.valuesFile != "" {
		b, err := os.ReadFile(s.valuesFile)
		if err == nil {
			err = yaml.Unmarshal(b, &v)
		}
		if err != nil {
			return fmt.Errorf("VALUES: %w", err)
		}
	}
	s.ownEngine, s.ownStore = v.Engine.URL == "", v.Store.S3.Bucket == ""
	return nil
}

// check says why the test can't begin, and returns what it will leave out, and
// why.
func (k *kube) check(ctx context.Context) (leftOut map[string]string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for _, tool := range [][]string{{"kubectl", "version", "--client", "--output", "json"}, {"helm", "version", "--short"}} {
		if _, err := k.run(ctx, nil, tool[0], tool[1:]...); errors.Is(err, exec.ErrNotFound) {
			return nil, fmt.Errorf("%s isn't installed, or not on the PATH", tool[0])
		} else if err != nil {
			return nil, err
		}
	}
	var v struct {
		ServerVersion struct{ GitVersion string } `json:"serverVersion"`
	}
	out, err := k.run(ctx, nil, "kubectl", "version", "--request-timeout", "20s", "--output", "json")
	if err == nil {
		err = json.Unmarshal(out, &v)
	}
	if err != nil || v.ServerVersion.GitVersion == "" {
		return nil, fmt.Errorf("the cluster that KUBECONFIG names doesn't answer: %w", errors.Join(err, ctx.Err()))
	}
	k.say("Kubernetes %s", v.ServerVersion.GitVersion)
	return k.checkRights(ctx)
}

// Names of steps that may be left out.
const (
	stepDrain  = "a node drained"
	stepLeader = "NATS's leader killed"
	stepVolume = "volumes looked for at the end"
)

// checkRights asks what the user may do.
func (k *kube) checkRights(ctx context.Context) (leftOut map[string]string, err error) {
	leftOut = map[string]string{}
	for _, r := range []struct {
		step string // that is left out without the right; all without a step
		what []string
	}{
		{"", []string{"create", "namespaces"}},
		{"", []string{"delete", "namespaces"}},
		{"", []string{"create", "secrets"}},
		{"", []string{"create", "deployments.apps"}},
		{"", []string{"create", "statefulsets.apps"}},
		{stepDrain, []string{"list", "nodes"}},
		{stepDrain, []string{"patch", "nodes"}},
		{stepDrain, []string{"create", "pods", "--subresource", "eviction"}},
		{stepLeader, []string{"get", "pods", "--subresource", "proxy"}},
		{stepVolume, []string{"list", "persistentvolumes"}},
	} {
		out, err := k.kubectl(ctx, append([]string{"auth", "can-i"}, r.what...)...)
		switch answer := string(bytes.TrimSpace(out)); {
		case strings.HasPrefix(answer, "yes"):
		case !strings.HasPrefix(answer, "no"):
			return nil, err
		case r.step == "":
			return nil, fmt.Errorf("the user of this KUBECONFIG may not %s", strings.Join(r.what, " "))
		default:
			leftOut[r.step] = "the user of this KUBECONFIG may not " + strings.Join(r.what, " ")
		}
	}
	if !k.ownEngine {
		leftOut[stepLeader] = "NATS isn't of this release"
	}
	return leftOut, nil
}
