//go:build linux

package faulttest

import (
	"archive/tar"
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// docker runs the client of a container engine and returns what it prints.
func docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := dockerWith(nil, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func dockerWith(in io.Reader, args ...string) (string, error) {
	cmd := exec.Command("docker", args...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = in, &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("docker %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return strings.TrimSpace(string(out)), nil
}

// host is where containers run: a network and images that go with the test.
type host struct {
	t       *testing.T
	prefix  string // of all names, so that nobody else's are the same
	network string
}

// newHost makes the network.
func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{t: t, prefix: "provery-" + strings.ToLower(rand.Text()[:6])}
	h.network = h.prefix
	docker(t, "network", "create", h.network)
	h.after("network", "rm", h.network)
	return h
}

// after runs a command of the client when the test has ended.
func (h *host) after(args ...string) {
	h.t.Cleanup(func() {
		if _, err := dockerWith(nil, args...); err != nil {
			h.t.Error(err)
		}
	})
}

// volume makes a volume.
func (h *host) volume(name string) string {
	h.t.Helper()
	name = h.prefix + "-" + name
	docker(h.t, "volume", "create", name)
	h.after("volume", "rm", name)
	return name
}

// provery makes the service's image with a version, by our own builder.
func (h *host) provery(version string) string {
	h.t.Helper()
	dir := h.t.TempDir()
	b := &build{pkg: provery.pkg, flags: []string{"-ldflags", "-s -w -X main.version=" + version}}
	tag, archive := h.prefix+":"+version, filepath.Join(dir, "image.tar")
	cmd := exec.Command("go", "run", "provery/deploy/image", "-out", archive, "-tag", tag, "-version", version,
		"-licence", "../../LICENSE", "-binary", runtime.GOARCH+"="+b.file(h.t))
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Fatalf("make the image: %v\n%s", err, out)
	}
	docker(h.t, "load", "-i", archive)
	h.after("rmi", tag)
	return tag
}

// imported makes an image that holds files only: a static program, and what
// else it needs. changes are lines of a Dockerfile.
func (h *host) imported(name string, changes []string, files ...imageFile) string {
	h.t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		kind := byte(tar.TypeReg)
		if f.content == nil {
			kind = tar.TypeDir
		}
		err := w.WriteHeader(&tar.Header{Typeflag: kind, Name: f.path, Mode: f.mode, Size: int64(len(f.content)), Uid: nobody, Gid: nobody})
		if err == nil {
			_, err = w.Write(f.content)
		}
		if err != nil {
			h.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		h.t.Fatal(err)
	}
	tag := h.prefix + "-" + name
	args := []string{"import"}
	for _, c := range append(changes, fmt.Sprintf("USER %d:%d", nobody, nobody)) {
		args = append(args, "--change", c)
	}
	if _, err := dockerWith(&b, append(args, "-", tag)...); err != nil {
		h.t.Fatal(err)
	}
	h.after("rmi", tag)
	return tag
}

// nobody is the user and group that everything runs as.
const nobody = 65532

// imageFile is a file of an image, or a directory if it has no content.
type imageFile struct {
	path    string
	mode    int64
	content []byte
}

// readFile is for files that an image is made of.
func readFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// container is a container that can be killed, paused, cut off and replaced.
type container struct {
	h       *host
	name    string // also on the network
	image   string
	flags   []string
	command []string
	up      bool
}

// hardened are the flags of all containers: no root, no capabilities, nothing
// that can be written but volumes and /tmp.
var hardened = []string{
	"--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--tmpfs", "/tmp:mode=1777", "--pids-limit", "512", "--memory", "1g",
}

// run starts a container that lasts until the test ends.
func (h *host) run(name, image string, flags, command []string) *container {
	h.t.Helper()
	c := &container{h: h, name: name, image: image, flags: flags, command: command}
	h.t.Cleanup(func() {
		if h.t.Failed() {
			h.t.Logf("the end of %s's log:\n%s", name, c.tail())
		}
		c.remove()
	})
	c.create()
	return c
}

func (c *container) id() string { return c.h.prefix + "-" + c.name }

func (c *container) create() {
	c.h.t.Helper()
	args := append([]string{"run", "--detach", "--name", c.id(), "--network", c.h.network, "--network-alias", c.name}, hardened...)
	docker(c.h.t, append(append(append(args, c.flags...), c.image), c.command...)...)
	c.up = true
}

func (c *container) remove() {
	if !c.up {
		return
	}
	if _, err := dockerWith(nil, "rm", "--force", "--volumes", c.id()); err != nil {
		c.h.t.Error(err)
	}
	c.up = false
}

func (c *container) kill()    { docker(c.h.t, "kill", c.id()) }
func (c *container) start()   { docker(c.h.t, "start", c.id()) }
func (c *container) pause()   { docker(c.h.t, "pause", c.id()) }
func (c *container) unpause() { docker(c.h.t, "unpause", c.id()) }

// cut takes the container off the network, join puts it back.
func (c *container) cut() { docker(c.h.t, "network", "disconnect", c.h.network, c.id()) }
func (c *container) join() {
	docker(c.h.t, "network", "connect", "--alias", c.name, c.h.network, c.id())
}

// terminate asks the container to stop, and reports an end that isn't clean.
func (c *container) terminate() {
	c.h.t.Helper()
	docker(c.h.t, "stop", "--time", fmt.Sprint(int(patience.Seconds())), c.id())
	if got := docker(c.h.t, "inspect", "--format", "{{.State.ExitCode}}", c.id()); got != "0" {
		c.h.t.Errorf("%s: got status %s at its end, want 0", c.name, got)
	}
}

// replace stops the container and puts another of a new image in its place.
func (c *container) replace(image string) {
	c.h.t.Helper()
	c.terminate()
	c.remove()
	c.image = image
	c.create()
}

// healthy reports what the image's own check says.
func (c *container) healthy() bool {
	out, err := dockerWith(nil, "inspect", "--format", "{{.State.Health.Status}}", c.id())
	return err == nil && out == "healthy"
}

// log returns the container's log.
func (c *container) log() string {
	out, err := exec.Command("docker", "logs", c.id()).CombinedOutput()
	if err != nil {
		return err.Error()
	}
	return string(out)
}

func (c *container) tail() string {
	l := c.log()
	return l[max(0, len(l)-8<<10):]
}
