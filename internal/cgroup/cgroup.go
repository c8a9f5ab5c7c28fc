// Package cgroup reads the limits that Linux control groups, version 1 or 2,
// put on this process, and makes groups with limits of their own for child
// processes where that is permitted.
package cgroup

import (
	"bufio"
	"errors"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Limits are those of a group. 0 means none.
type Limits struct {
	CPUs   float64 `json:"cpus,omitempty"`         // processors' worth of time
	Memory int64   `json:"memory_bytes,omitempty"` // bytes
}

// Tree is a file system with control groups.
type Tree struct {
	root   string // of the file system; "/" outside of tests
	remove func(string) error
}

// System returns the tree of this machine.
func System() *Tree { return &Tree{root: "/", remove: os.Remove} }

// ErrUnavailable says that this machine has no control groups that a process
// may divide.
var ErrUnavailable = errors.New("cgroup: no groups with limits can be made here")

// hierarchy is where one controller keeps this process's group.
type hierarchy struct {
	unified bool   // version 2
	mount   string // the highest directory that is visible
	dir     string // this process's group
}

// file returns the path of a file of the machine.
func (t *Tree) file(name string) string { return filepath.Join(t.root, filepath.FromSlash(name)) }

// hierarchies returns where this process's groups are, by controller.
func (t *Tree) hierarchies() map[string]hierarchy {
	groups := map[string]string{} // controller -> group; "" for the unified hierarchy
	t.lines("proc/self/cgroup", func(line string) {
		if parts := strings.SplitN(line, ":", 3); len(parts) == 3 {
			for name := range strings.SplitSeq(parts[1], ",") {
				groups[name] = parts[2]
			}
		}
	})
	found := map[string]hierarchy{}
	t.lines("proc/self/mountinfo", func(line string) {
		left, right, ok := strings.Cut(line, " - ")
		fields, kind := strings.Fields(left), strings.Fields(right)
		if !ok || len(fields) < 5 || len(kind) < 3 {
			return
		}
		h := hierarchy{unified: kind[0] == "cgroup2", mount: t.file(fields[4])}
		at := func(group string) hierarchy {
			h.dir = h.mount
			if below, ok := strings.CutPrefix(group, strings.TrimSuffix(fields[3], "/")); ok {
				h.dir = filepath.Join(h.mount, filepath.FromSlash(path.Clean("/"+below)))
			}
			return h
		}
		switch kind[0] {
		case "cgroup":
			for name := range strings.SplitSeq(kind[2], ",") {
				if group, ok := groups[name]; ok && name != "" {
					found[name] = at(group)
				}
			}
		case "cgroup2":
			for name := range strings.FieldsSeq(t.read(filepath.Join(h.mount, "cgroup.controllers"))) {
				if _, taken := found[name]; !taken {
					found[name] = at(groups[""])
				}
			}
		}
	})
	return found
}

// Limits returns the limits that hold for this process: the lowest on the way
// up from its group.
func (t *Tree) Limits() Limits {
	var l Limits
	all := t.hierarchies()
	all["cpu"].walk(func(h hierarchy) {
		if n := t.cpus(h); n > 0 && (l.CPUs == 0 || n < l.CPUs) {
			l.CPUs = n
		}
	})
	all["memory"].walk(func(h hierarchy) {
		if n := t.memory(h); n > 0 && (l.Memory == 0 || n < l.Memory) {
			l.Memory = n
		}
	})
	return l
}

// walk calls f for the group and those above it.
func (h hierarchy) walk(f func(hierarchy)) {
	for h.mount != "" {
		f(h)
		if h.dir == h.mount || len(h.dir) <= len(h.mount) {
			return
		}
		h.dir = filepath.Dir(h.dir)
	}
}

func (t *Tree) cpus(h hierarchy) float64 {
	var quota, period string
	if h.unified {
		quota, period, _ = strings.Cut(t.read(filepath.Join(h.dir, "cpu.max")), " ")
	} else {
		quota, period = t.read(filepath.Join(h.dir, "cpu.cfs_quota_us")), t.read(filepath.Join(h.dir, "cpu.cfs_period_us"))
	}
	q, err := strconv.ParseFloat(quota, 64)
	p, errPeriod := strconv.ParseFloat(period, 64)
	if err != nil || errPeriod != nil || q <= 0 || p <= 0 { // "max", or -1
		return 0
	}
	return q / p
}

// unlimited is what version 1 shows, rounded to pages, where there is no limit.
const unlimited = math.MaxInt64 >> 13 << 12

func (t *Tree) memory(h hierarchy) int64 {
	name := "memory.limit_in_bytes"
	if h.unified {
		name = "memory.max"
	}
	n, err := strconv.ParseInt(t.read(filepath.Join(h.dir, name)), 10, 64)
	if err != nil || n >= unlimited {
		return 0
	}
	return n
}

// read returns a small file's contents without the white space around it; ""
// if it can't be read.
func (t *Tree) read(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func (t *Tree) lines(name string, f func(string)) {
	file, err := os.Open(t.file(name))
	if err != nil {
		return
	}
	defer file.Close()
	for s := bufio.NewScanner(file); s.Scan(); {
		f(s.Text())
	}
}

// Group is a control group that this process has made.
type Group struct {
	tree *Tree
	dirs []string // one, or one for each controller
	peak string   // file with the highest use of memory
}

// Make makes a group of the name with the limits. ErrUnavailable is behind
// every error of a machine that doesn't permit it.
func (t *Tree) Make(name string, l Limits) (*Group, error) {
	all := t.hierarchies()
	cpu, okCPU := all["cpu"]
	memory, okMemory := all["memory"]
	if !okCPU || !okMemory || cpu.unified != memory.unified {
		return nil, ErrUnavailable
	}
	g := &Group{tree: t}
	make := g.makeSeparate
	if cpu.unified {
		make = g.makeUnified
	}
	if err := make(name, cpu, memory, l); err != nil {
		return nil, errors.Join(ErrUnavailable, err, g.Remove())
	}
	return g, nil
}

// period of the processors' quota, in microseconds.
const period = 100_000

func (l Limits) quota() string { return strconv.Itoa(int(math.Round(l.CPUs * period))) }

// makeSeparate makes a group in both hierarchies of version 1.
func (g *Group) makeSeparate(name string, cpu, memory hierarchy, l Limits) error {
	c, m := filepath.Join(cpu.dir, name), filepath.Join(memory.dir, name)
	for _, dir := range slices.Compact([]string{c, m}) {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
		g.dirs = append(g.dirs, dir)
	}
	g.peak = filepath.Join(m, "memory.max_usage_in_bytes")
	if l.CPUs > 0 {
		if err := write(filepath.Join(c, "cpu.cfs_period_us"), strconv.Itoa(period)); err != nil {
			return err
		}
		if err := write(filepath.Join(c, "cpu.cfs_quota_us"), l.quota()); err != nil {
			return err
		}
	}
	if l.Memory > 0 {
		return write(filepath.Join(m, "memory.limit_in_bytes"), strconv.FormatInt(l.Memory, 10))
	}
	return nil
}

// makeUnified makes a group of version 2: beside this process's own, since a
// group with processes can't be divided, or in the root, which can.
func (g *Group) makeUnified(name string, cpu, _ hierarchy, l Limits) error {
	parent := cpu.dir
	if parent != cpu.mount {
		parent = filepath.Dir(parent)
	}
	enabled := strings.Fields(g.tree.read(filepath.Join(parent, "cgroup.subtree_control")))
	if !slices.Contains(enabled, "cpu") || !slices.Contains(enabled, "memory") {
		if err := write(filepath.Join(parent, "cgroup.subtree_control"), "+cpu +memory"); err != nil {
			return err
		}
	}
	dir := filepath.Join(parent, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	g.dirs, g.peak = []string{dir}, filepath.Join(dir, "memory.peak")
	if l.CPUs > 0 {
		if err := write(filepath.Join(dir, "cpu.max"), l.quota()+" "+strconv.Itoa(period)); err != nil {
			return err
		}
	}
	if l.Memory > 0 {
		return write(filepath.Join(dir, "memory.max"), strconv.FormatInt(l.Memory, 10))
	}
	return nil
}

// write writes a control file.
func write(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// Add moves a process into the group.
func (g *Group) Add(pid int) error {
	for _, dir := range g.dirs {
		if err := write(filepath.Join(dir, "cgroup.procs"), strconv.Itoa(pid)); err != nil {
			return err
		}
	}
	return nil
}

// Peak returns the group's highest use of memory, the cache of files that its
// processes have read included; 0 if that isn't known.
func (g *Group) Peak() int64 {
	n, err := strconv.ParseInt(g.tree.read(g.peak), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// Remove removes the group. Its processes must have ended.
func (g *Group) Remove() error {
	var failed error
	for _, dir := range g.dirs {
		if err := g.tree.remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}
