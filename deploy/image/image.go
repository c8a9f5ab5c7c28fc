// Command image makes container images of Provery without a container engine:
// an archive that holds an OCI image layout, with one image for each platform,
// and that "docker load" takes too. The same files give the same archive, byte
// for byte.
//
// The Dockerfile beside it makes the same image with an engine; a test
// compares the two.
package main

import (
	"encoding/json"
	"io"
	"strings"
	"time"
)

// owner is the user and group that the service runs as: no name on any
// machine, and none of its files are writable but /data and /tmp.
const owner = 65532

// platform is one image of the archive.
type platform struct {
	arch   string
	binary string // path of the executable
}

// spec says what goes into the archive.
type spec struct {
	tag       string // name:tag
	version   string
	revision  string
	created   time.Time
	ca        string // path of the bundle of certificates
	licence   string // path of Provery's own licence
	added     []tree // a layer of its own
	platforms []platform
}

// tree is a directory that is copied into the image.
type tree struct{ from, to string }

// descriptor points to a blob of the layout.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Platform    *platformName     `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type platformName struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
}

// Media types of the OCI image specification.
const (
	typeIndex    = "application/vnd.oci.image.index.v1+json"
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeConfig   = "application/vnd.oci.image.config.v1+json"
	typeLayer    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        *descriptor  `json:"config,omitempty"`
	Layers        []descriptor `json:"layers,omitempty"`
	Manifests     []descriptor `json:"manifests,omitempty"`
}

// imageConfig is the part of an image that an engine runs by.
type imageConfig struct {
	Created      string    `json:"created"`
	Architecture string    `json:"architecture"`
	OS           string    `json:"os"`
	Config       runConfig `json:"config"`
	RootFS       rootFS    `json:"rootfs"`
	History      []history `json:"history"`
}

type runConfig struct {
	User         string              `json:"User"`
	ExposedPorts map[string]struct{} `json:"ExposedPorts"`
	Env          []string            `json:"Env"`
	Entrypoint   []string            `json:"Entrypoint"`
	Cmd          []string            `json:"Cmd"`
	Healthcheck  *healthcheck        `json:"Healthcheck,omitempty"`
	Volumes      map[string]struct{} `json:"Volumes"`
	WorkingDir   string              `json:"WorkingDir"`
	Labels       map[string]string   `json:"Labels"`
}

type healthcheck struct {
	Test        []string      `json:"Test"`
	Interval    time.Duration `json:"Interval"`
	Timeout     time.Duration `json:"Timeout"`
	StartPeriod time.Duration `json:"StartPeriod"`
}

type rootFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diff_ids"`
}

type history struct {
	Created   string `json:"created"`
	CreatedBy string `json:"created_by"`
}

// runtimeConfig returns what the Dockerfile says too.
func (s *spec) runtimeConfig() runConfig {
	env := []string{
		"PROVERY_ADMIN_LISTEN=:9090", "PROVERY_DATA_DIR=/data", "PROVERY_LISTEN=:8080", "PROVERY_LOG_FORMAT=json", "TMPDIR=/tmp",
	}
	if len(s.added) > 0 {
		env = append(env, "PROVERY_COMPILER_DIR="+toolchainDir)
	}
	return runConfig{
		User:         "65532:65532",
		ExposedPorts: map[string]struct{}{"8080/tcp": {}, "9090/tcp": {}},
		Env:          env,
		Entrypoint:   []string{"/provery"},
		Cmd:          []string{"serve"},
		Healthcheck: &healthcheck{
			Test:     []string{"CMD", "/provery", "--server=http://127.0.0.1:9090", "health"},
			Interval: 10 * time.Second, Timeout: 10 * time.Second, StartPeriod: time.Minute,
		},
		Volumes:    map[string]struct{}{"/data": {}},
		WorkingDir: "/data",
		Labels: map[string]string{
			"org.opencontainers.image.title":       "provery",
			"org.opencontainers.image.description": "zk-SNARK proofs as a service",
			"org.opencontainers.image.licenses":    "Apache-2.0",
			"org.opencontainers.image.version":     s.version,
			"org.opencontainers.image.revision":    s.revision,
		},
	}
}

// toolchainDir is where the compilers are in the image that has them.
const toolchainDir = "/opt/provery/toolchain"

// write writes the archive.
func (s *spec) write(w io.Writer) error {
	a := newArchive(w, s.created)
	var images []descriptor
	var loadable []dockerImage
	for _, p := range s.platforms {
		image, docker, err := s.image(a, p)
		if err != nil {
			return err
		}
		images, loadable = append(images, image), append(loadable, docker)
	}
	index, err := a.addJSON(typeIndex, manifest{SchemaVersion: 2, MediaType: typeIndex, Manifests: images})
	if err != nil {
		return err
	}
	index.Annotations = map[string]string{
		"org.opencontainers.image.ref.name": s.tag, "io.containerd.image.name": fullName(s.tag),
	}
	top := manifest{SchemaVersion: 2, MediaType: typeIndex, Manifests: []descriptor{index}}
	// Engines that know no layouts load the first platform's image.
	loadable[0].RepoTags = []string{s.tag}
	return a.close(map[string]any{
		"oci-layout": map[string]string{"imageLayoutVersion": "1.0.0"}, "index.json": top, "manifest.json": loadable[:1],
	})
}

// fullName returns the name by which a kubelet asks containerd for an image:
// with a registry, Docker's if the tag names none.
func fullName(tag string) string {
	first, _, more := strings.Cut(tag, "/")
	switch {
	case !more:
		return "docker.io/library/" + tag
	case strings.ContainsAny(first, ".:") || first == "localhost":
		return tag
	}
	return "docker.io/" + tag
}

// dockerImage is an entry of manifest.json, which "docker load" reads.
type dockerImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// image adds one platform's image.
func (s *spec) image(a *archive, p platform) (descriptor, dockerImage, error) {
	base, err := s.baseLayer(p)
	if err != nil {
		return descriptor{}, dockerImage{}, err
	}
	layers := []*layer{base}
	if len(s.added) > 0 {
		added, err := s.addedLayer()
		if err != nil {
			return descriptor{}, dockerImage{}, err
		}
		layers = append(layers, added)
	}
	at := s.created.UTC().Format(time.RFC3339)
	config := imageConfig{Created: at, Architecture: p.arch, OS: "linux", Config: s.runtimeConfig(), RootFS: rootFS{Type: "layers"}}
	m := manifest{SchemaVersion: 2, MediaType: typeManifest}
	var docker dockerImage
	for _, l := range layers {
		d, err := a.addBlob(typeLayer, l.compressed)
		if err != nil {
			return descriptor{}, dockerImage{}, err
		}
		m.Layers = append(m.Layers, d)
		docker.Layers = append(docker.Layers, blobPath(d.Digest))
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, l.diffID)
		config.History = append(config.History, history{Created: at, CreatedBy: l.what})
	}
	c, err := a.addJSON(typeConfig, config)
	if err != nil {
		return descriptor{}, dockerImage{}, err
	}
	m.Config, docker.Config = &c, blobPath(c.Digest)
	out, err := a.addJSON(typeManifest, m)
	out.Platform = &platformName{Architecture: p.arch, OS: "linux"}
	return out, docker, err
}

// encode returns v as JSON. Maps come out in the order of their keys.
func encode(v any) ([]byte, error) { return json.Marshal(v) }
