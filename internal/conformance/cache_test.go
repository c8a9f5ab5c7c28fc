package conformance

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"provery/internal/curve"
	"provery/internal/peer"
)

// cache keeps what zokrates-js makes of a program: a folder for each program
// and curve with the compiler's files or its refusal, and with keys in folders
// below. Folders are made under another name and then renamed, so that one that
// exists is whole. It is safe for concurrent use, also by several processes.
type cache struct {
	root      string
	toolchain []byte // hash of what compiles
}

const refusal = "refused.txt" // holds the compiler's message

func openCache(tools *peer.Toolchain) (*cache, error) {
	root := os.Getenv("PROVERY_CACHE")
	if root == "" {
		root = filepath.Join(tools.Root(), "build", "cache")
	}
	h := sha256.New()
	for _, name := range []string{"package-lock.json", "commands.mjs"} {
		text, err := os.ReadFile(filepath.Join(tools.Root(), "toolchain", "zokrates", name))
		if err != nil {
			return nil, err
		}
		h.Write(text)
	}
	return &cache{filepath.Join(root, "conformance"), h.Sum(nil)}, nil
}

// dir returns the folder of a program on a curve.
func (c *cache) dir(p *program, id curve.ID) string {
	h := sha256.New()
	h.Write(c.toolchain)
	h.Write(p.digest[:])
	fmt.Fprint(h, id, p.Debug)
	return filepath.Join(c.root, p.name, fmt.Sprintf("%v-%x", id, h.Sum(nil)[:8]))
}

// compile adds to s the compilation of p, unless the cache has it, and removes
// what older sources left behind.
func (c *cache) compile(s *script, p *program, id curve.ID) error {
	dir := c.dir(p, id)
	if exists(dir) {
		return nil
	}
	old, err := filepath.Glob(filepath.Join(c.root, p.name, id.String()+"-*"))
	if err != nil {
		return err
	}
	for _, name := range old {
		if err := os.RemoveAll(name); err != nil {
			return err
		}
	}
	fresh := temporary(dir)
	source := filepath.Join(p.dir, "main.zok")
	s.add(peer.Compile{Source: source, Out: fresh, Curve: id.String(), Debug: p.Debug}, func(r peer.Result) error {
		if r.Err != nil {
			if r.Err.Kind != peer.Rejected && r.Err.Kind != peer.Panic {
				return r.Err
			}
			if err := os.MkdirAll(fresh, 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(fresh, refusal), []byte(r.Err.Message), 0o644); err != nil {
				return err
			}
		}
		return settle(fresh, dir)
	})
	return nil
}

// setup adds to s a set-up by zokrates-js, unless the cache has its keys. It
// returns the folder that holds them for the commands of s, and the one that
// does after s has run. failed is called if there will be none.
func (c *cache) setup(s *script, suite peer.Suite, dir, folder string, failed func(*peer.Error)) (fresh, keys string) {
	keys = filepath.Join(dir, folder)
	if exists(keys) {
		return keys, keys
	}
	fresh = temporary(keys)
	command := peer.Setup{Suite: suite, Program: filepath.Join(dir, "out"), Out: fresh, Entropy: "conformance"}
	s.add(command, func(r peer.Result) error {
		if r.Err != nil {
			failed(r.Err)
			return nil
		}
		return settle(fresh, keys)
	})
	return fresh, keys
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func temporary(dir string) string { return fmt.Sprintf("%s.new-%d", dir, os.Getpid()) }

// settle gives a finished folder its name. Another process may have been first:
// its files are as good.
func settle(fresh, dir string) error {
	err := os.Rename(fresh, dir)
	if errors.Is(err, fs.ErrExist) || err != nil && exists(dir) {
		return os.RemoveAll(fresh)
	}
	return err
}
