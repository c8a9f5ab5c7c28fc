package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"
)

// layer is one layer of an image.
type layer struct {
	what       string // for the history
	compressed []byte
	diffID     string // digest of the archive before compression
}

// layerWriter collects a layer's files.
type layerWriter struct {
	buf  bytes.Buffer
	tar  *tar.Writer
	at   time.Time
	err  error // the first
	dirs map[string]bool
}

func newLayer(at time.Time) *layerWriter {
	l := &layerWriter{at: at.UTC().Truncate(time.Second), dirs: map[string]bool{"/": true, ".": true}}
	l.tar = tar.NewWriter(&l.buf)
	return l
}

func (l *layerWriter) header(name string, mode int64, kind byte, size int64, id int) {
	if l.err != nil {
		return
	}
	l.parents(path.Dir(name))
	l.err = errors.Join(l.err, l.tar.WriteHeader(&tar.Header{
		Typeflag: kind, Name: name[1:], Mode: mode, Size: size, Uid: id, Gid: id, ModTime: l.at, Format: tar.FormatPAX,
	}))
}

// parents adds the directories that lead to a file.
func (l *layerWriter) parents(dir string) {
	if l.dirs[dir] {
		return
	}
	l.dir(dir, 0o755, 0)
}

func (l *layerWriter) dir(name string, mode int64, id int) {
	if !l.dirs[name] {
		l.parents(path.Dir(name))
		l.dirs[name] = true
		l.header(name+"/", mode, tar.TypeDir, 0, id)
	}
}

func (l *layerWriter) file(name string, mode int64, id int, content []byte) {
	l.header(name, mode, tar.TypeReg, int64(len(content)), id)
	if l.err == nil {
		_, l.err = l.tar.Write(content)
	}
}

// copy adds a file of this machine.
func (l *layerWriter) copy(name string, mode int64, id int, from string) {
	content, err := os.ReadFile(from)
	if err != nil {
		l.err = errors.Join(l.err, err)
		return
	}
	l.file(name, mode, id, content)
}

// finish compresses the layer.
func (l *layerWriter) finish(what string) (*layer, error) {
	if err := errors.Join(l.err, l.tar.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	out := &layer{what: what, diffID: digestOf(l.buf.Bytes())}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write(l.buf.Bytes()); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	out.compressed = z.Bytes()
	return out, nil
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// baseLayer holds the binary and what it needs of a system.
func (s *spec) baseLayer(p platform) (*layer, error) {
	l := newLayer(s.created)
	l.dir("/data", 0o700, owner)
	l.dir("/tmp", 0o1777, 0)
	l.copy("/etc/ssl/certs/ca-certificates.crt", 0o444, 0, s.ca)
	l.file("/etc/passwd", 0o444, 0, []byte("provery:x:65532:65532:provery:/data:/sbin/nologin\n"))
	l.file("/etc/group", 0o444, 0, []byte("provery:x:65532:\n"))
	l.copy("/usr/share/doc/provery/LICENSE", 0o444, 0, s.licence)
	l.copy("/provery", 0o555, 0, p.binary)
	return l.finish("provery " + s.version + " for " + p.arch)
}

// addedLayer holds the trees that are added: what is under other licences stays
// in a layer of its own.
func (s *spec) addedLayer() (*layer, error) {
	l := newLayer(s.created)
	for _, t := range s.added {
		err := filepath.WalkDir(t.from, func(name string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(t.from, name)
			if err != nil {
				return err
			}
			to := path.Join(t.to, filepath.ToSlash(rel))
			switch {
			case e.IsDir():
				l.dir(to, 0o700, owner)
			case e.Type().IsRegular():
				l.copy(to, 0o400, owner, name)
			default:
				return fmt.Errorf("%s is neither a file nor a directory", name)
			}
			return l.err
		})
		if err != nil {
			return nil, err
		}
	}
	return l.finish("compilers of circuit languages, under their own licences")
}

// archive writes the layout. A blob that is there already isn't added again.
type archive struct {
	tar  *tar.Writer
	at   time.Time
	have map[string]bool
}

func newArchive(w io.Writer, at time.Time) *archive {
	return &archive{tar: tar.NewWriter(w), at: at.UTC().Truncate(time.Second), have: map[string]bool{}}
}

func blobPath(digest string) string { return "blobs/sha256/" + digest[len("sha256:"):] }

func (a *archive) add(name string, b []byte) error {
	err := a.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o444, Size: int64(len(b)), ModTime: a.at, Format: tar.FormatPAX})
	if err == nil {
		_, err = a.tar.Write(b)
	}
	return err
}

func (a *archive) addBlob(mediaType string, b []byte) (descriptor, error) {
	d := descriptor{MediaType: mediaType, Digest: digestOf(b), Size: int64(len(b))}
	if a.have[d.Digest] {
		return d, nil
	}
	a.have[d.Digest] = true
	return d, a.add(blobPath(d.Digest), b)
}

func (a *archive) addJSON(mediaType string, v any) (descriptor, error) {
	b, err := encode(v)
	if err != nil {
		return descriptor{}, err
	}
	return a.addBlob(mediaType, b)
}

// close adds the files of the top and ends the archive.
func (a *archive) close(top map[string]any) error {
	for _, name := range []string{"oci-layout", "index.json", "manifest.json"} {
		b, err := encode(top[name])
		if err == nil {
			err = a.add(name, b)
		}
		if err != nil {
			return err
		}
	}
	return a.tar.Close()
}
