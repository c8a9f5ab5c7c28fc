package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// entry is a file of an archive.
type entry struct {
	tar.Header
	content []byte
}

func untar(t *testing.T, r io.Reader) map[string]entry {
	t.Helper()
	out := map[string]entry{}
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := out[h.Name]; twice {
			t.Errorf("%s occurs twice", h.Name)
		}
		out[h.Name] = entry{*h, b}
	}
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// build makes an archive of two platforms, with or without compilers.
func build(t *testing.T, compilers bool) string {
	t.Helper()
	dir := t.TempDir()
	args := []string{
		"-out", filepath.Join(dir, "out.tar"), "-tag", "provery:test", "-version", "v1", "-revision", "abc", "-created", "1700000000",
		"-ca", write(t, dir, "ca.crt", "certificates"), "-licence", write(t, dir, "LICENSE", "licence"),
		"-binary", "amd64=" + write(t, dir, "a", "x86 code"), "-binary", "arm64=" + write(t, dir, "b", "arm code"),
	}
	if compilers {
		write(t, dir, "zok/sub/module.wasm", "wasm")
		args = append(args, "-add", filepath.Join(dir, "zok")+"="+toolchainDir)
	}
	if err := run(args); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "out.tar")
}

// layout reads an archive.
type layout struct {
	t     *testing.T
	files map[string]entry
}

func open(t *testing.T, name string) *layout {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return &layout{t, untar(t, bytes.NewReader(b))}
}

// blob returns what a descriptor points to, after a look at digest and size.
func (l *layout) blob(d descriptor, mediaType string) []byte {
	l.t.Helper()
	b := l.files[blobPath(d.Digest)].content
	if d.MediaType != mediaType || digestOf(b) != d.Digest || int64(len(b)) != d.Size {
		l.t.Fatalf("got %+v, which isn't %d bytes of %s", d, len(b), mediaType)
	}
	return b
}

func (l *layout) parse(b []byte, v any) {
	l.t.Helper()
	if err := json.Unmarshal(b, v); err != nil {
		l.t.Fatal(err)
	}
}

func TestImage(t *testing.T) {
	t.Parallel()
	for _, compilers := range []bool{false, true} {
		l := open(t, build(t, compilers))
		var top, index manifest
		l.parse(l.files["index.json"].content, &top)
		if len(top.Manifests) != 1 || string(l.files["oci-layout"].content) != `{"imageLayoutVersion":"1.0.0"}` {
			t.Fatalf("got %+v, want one index", top)
		}
		if got := top.Manifests[0].Annotations["io.containerd.image.name"]; got != "docker.io/library/provery:test" {
			t.Errorf("got name %s, want the one that Kubernetes looks for", got)
		}
		l.parse(l.blob(top.Manifests[0], typeIndex), &index)
		if len(index.Manifests) != 2 {
			t.Fatalf("got %+v, want two images", index)
		}
		for i, code := range []string{"x86 code", "arm code"} {
			l.checkImage(index.Manifests[i], []string{"amd64", "arm64"}[i], code, compilers)
		}
		var docker []dockerImage
		l.parse(l.files["manifest.json"].content, &docker)
		if len(docker) != 1 || docker[0].RepoTags[0] != "provery:test" || l.files[docker[0].Config].content == nil || l.files[docker[0].Layers[0]].content == nil {
			t.Errorf("got %+v, want what docker load reads", docker)
		}
	}
}

func TestFullName(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]string{
		"provery:1":                   "docker.io/library/provery:1",
		"team/provery:1":              "docker.io/team/provery:1",
		"reg.example/team/p:1":        "reg.example/team/p:1",
		"reg:5000/p:1":                "reg:5000/p:1",
		"localhost/provery:1":         "localhost/provery:1",
		"docker.io/library/provery:1": "docker.io/library/provery:1",
	} {
		if got := fullName(tag); got != want {
			t.Errorf("%s: got %s, want %s", tag, got, want)
		}
	}
}

// checkImage checks one platform's image.
func (l *layout) checkImage(d descriptor, arch, code string, compilers bool) {
	t := l.t
	t.Helper()
	var m manifest
	var c imageConfig
	l.parse(l.blob(d, typeManifest), &m)
	l.parse(l.blob(*m.Config, typeConfig), &c)
	if d.Platform.Architecture != arch || c.Architecture != arch || c.OS != "linux" || c.Created != "2023-11-14T22:13:20Z" {
		t.Errorf("got %+v and %+v, want %s", d.Platform, c, arch)
	}
	files := map[string]entry{}
	for i, ld := range m.Layers {
		z, err := gzip.NewReader(bytes.NewReader(l.blob(ld, typeLayer)))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(z)
		if err != nil || digestOf(b) != c.RootFS.DiffIDs[i] {
			t.Fatalf("layer %d: got %v, or another digest", i, err)
		}
		for name, f := range untar(t, bytes.NewReader(b)) {
			files[name] = f
		}
	}
	for name, want := range map[string]struct {
		mode int64
		id   int
	}{
		"provery": {0o555, 0}, "data/": {0o700, owner}, "tmp/": {0o1777, 0}, "etc/": {0o755, 0}, "etc/passwd": {0o444, 0},
		"etc/ssl/certs/ca-certificates.crt": {0o444, 0}, "usr/share/doc/provery/LICENSE": {0o444, 0},
	} {
		if f := files[name]; f.Mode != want.mode || f.Uid != want.id || f.ModTime.Unix() != 1700000000 {
			t.Errorf("%s: got %+v, want mode %o of %d", name, f.Header, want.mode, want.id)
		}
	}
	if got := string(files["provery"].content); got != code {
		t.Errorf("got binary %q, want %q", got, code)
	}
	module, ok := files[toolchainDir[1:]+"/sub/module.wasm"]
	if ok != compilers || ok && (module.Uid != owner || string(module.content) != "wasm") {
		t.Errorf("compilers: got %+v, %v", module.Header, ok)
	}
	if slices.Contains(c.Config.Env, "PROVERY_COMPILER_DIR="+toolchainDir) != compilers {
		t.Errorf("got environment %v", c.Config.Env)
	}
}

func TestSameFilesGiveTheSameArchive(t *testing.T) {
	t.Parallel()
	a, err := os.ReadFile(build(t, true))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(build(t, true))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Error("two archives of the same files differ")
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	out := filepath.Join(dir, "out.tar")
	bin := write(t, dir, "a", "code")
	for name, args := range map[string][]string{
		"nothing":           {},
		"no platform":       {"-out", out, "-tag", "a:b"},
		"platform":          {"-out", out, "-tag", "a:b", "-binary", "amd64"},
		"relative addition": {"-out", out, "-tag", "a:b", "-binary", "amd64=" + bin, "-add", dir + "=opt"},
		"no binary":         {"-out", out, "-tag", "a:b", "-ca", bin, "-licence", bin, "-binary", "amd64=" + bin + "x"},
		"no certificates":   {"-out", out, "-tag", "a:b", "-ca", bin + "x", "-licence", bin, "-binary", "amd64=" + bin},
		"no addition":       {"-out", out, "-tag", "a:b", "-ca", bin, "-licence", bin, "-binary", "amd64=" + bin, "-add", bin + "x=/opt"},
	} {
		if err := run(args); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
	if left, err := filepath.Glob(out + "*"); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestDockerfileAgrees reads the Dockerfile's stage "provery": an image must be
// the same however it is made.
func TestDockerfileAgrees(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(b), "\\\n", " ")
	_, text, ok := strings.Cut(text, "FROM scratch AS provery\n")
	if !ok {
		t.Fatal("the Dockerfile has no stage from scratch")
	}
	stage, rest, _ := strings.Cut(text, "\nFROM ")
	got := runConfig{ExposedPorts: map[string]struct{}{}, Volumes: map[string]struct{}{}, Labels: map[string]string{}, Healthcheck: &healthcheck{}}
	list := func(s string) (out []string) {
		if err := json.Unmarshal([]byte(s), &out); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		return out
	}
	for line := range strings.SplitSeq(stage, "\n") {
		word, arg, _ := strings.Cut(line, " ")
		switch word {
		case "USER":
			got.User = arg
		case "WORKDIR":
			got.WorkingDir = arg
		case "ENTRYPOINT":
			got.Entrypoint = list(arg)
		case "CMD":
			got.Cmd = list(arg)
		case "VOLUME":
			got.Volumes[list(arg)[0]] = struct{}{}
		case "ENV":
			got.Env = strings.Fields(arg)
		case "EXPOSE":
			for _, p := range strings.Fields(arg) {
				got.ExposedPorts[p+"/tcp"] = struct{}{}
			}
		case "LABEL":
			for _, m := range regexp.MustCompile(`(\S+)="([^"]*)"`).FindAllStringSubmatch(arg, -1) {
				got.Labels[m[1]] = m[2]
			}
		case "HEALTHCHECK":
			options, cmd, _ := strings.Cut(arg, "CMD ")
			got.Healthcheck.Test = append([]string{"CMD"}, list(cmd)...)
			for _, m := range regexp.MustCompile(`--(\S+)=(\S+)`).FindAllStringSubmatch(options, -1) {
				d, err := time.ParseDuration(m[2])
				if err != nil {
					t.Fatal(err)
				}
				*map[string]*time.Duration{"interval": &got.Healthcheck.Interval, "timeout": &got.Healthcheck.Timeout, "start-period": &got.Healthcheck.StartPeriod}[m[1]] = d
			}
		}
	}
	s := &spec{version: "$VERSION", revision: "$REVISION"}
	if want := s.runtimeConfig(); !reflect.DeepEqual(got, want) {
		t.Errorf("Dockerfile: got %+v (%+v), want %+v (%+v)", got, got.Healthcheck, want, want.Healthcheck)
	}
	if !strings.Contains(rest, "ENV PROVERY_COMPILER_DIR="+toolchainDir+"\n") {
		t.Error("the Dockerfile's toolchain is elsewhere")
	}
}
