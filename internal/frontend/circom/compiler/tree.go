package compiler

import (
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// tree is a file system of texts by path, for reading.
type tree struct {
	texts   map[string]string
	folders map[string][]string // entries' names, in order
}

func newTree(texts map[string]string) *tree {
	t := &tree{texts, map[string][]string{".": nil}}
	for name := range texts {
		for dir := name; dir != "."; {
			base := path.Base(dir)
			dir = path.Dir(dir)
			if slices.Contains(t.folders[dir], base) {
				break
			}
			t.folders[dir] = append(t.folders[dir], base)
		}
	}
	for _, names := range t.folders {
		slices.Sort(names)
	}
	return t
}

// Open implements fs.FS.
func (t *tree) Open(name string) (fs.File, error) {
	n, err := t.node(name)
	if err != nil {
		return nil, err
	}
	return &file{node: n, Reader: strings.NewReader(t.texts[name]), tree: t}, nil
}

func (t *tree) node(name string) (node, error) {
	if text, ok := t.texts[name]; ok {
		return node{name, int64(len(text)), false}, nil
	}
	if _, ok := t.folders[name]; ok {
		return node{name, 0, true}, nil
	}
	return node{}, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// node describes a file or a folder: it is its own fs.FileInfo and
// fs.DirEntry.
type node struct {
	path   string
	size   int64
	folder bool
}

func (n node) Name() string               { return path.Base(n.path) }
func (n node) Size() int64                { return n.size }
func (n node) ModTime() time.Time         { return time.Time{} }
func (n node) IsDir() bool                { return n.folder }
func (n node) Sys() any                   { return nil }
func (n node) Type() fs.FileMode          { return n.Mode().Type() }
func (n node) Info() (fs.FileInfo, error) { return n, nil }

// Mode lets read.
func (n node) Mode() fs.FileMode {
	if n.folder {
		return fs.ModeDir | 0o555
	}
	return 0o444
}

// file is an open file or folder.
type file struct {
	node
	*strings.Reader
	tree *tree
	next int // entry of a folder
}

func (f *file) Stat() (fs.FileInfo, error) { return f.node, nil }
func (f *file) Size() int64                { return f.node.size }
func (f *file) Close() error               { return nil }

// ReadDir implements fs.ReadDirFile.
func (f *file) ReadDir(n int) ([]fs.DirEntry, error) {
	names := f.tree.folders[f.path][f.next:]
	if n > 0 {
		if len(names) == 0 {
			return nil, io.EOF
		}
		names = names[:min(n, len(names))]
	}
	f.next += len(names)
	var out []fs.DirEntry
	for _, name := range names {
		entry, err := f.tree.node(path.Join(f.path, name))
		if err != nil {
			return out, err
		}
		out = append(out, entry)
	}
	return out, nil
}
