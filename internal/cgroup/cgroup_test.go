package cgroup

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree makes a file system of the files, by name.
func tree(t *testing.T, files map[string]string) *Tree {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return &Tree{root: root, remove: os.RemoveAll}
}

const (
	v2Mount = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
	// The controllers of version 1, mounted two by two and one by one.
	v1Mount = `31 23 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
32 23 0:28 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory
33 23 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
34 23 0:30 / /proc rw - proc proc rw`
)

func TestLimits(t *testing.T) {
	t.Parallel()
	v2 := func(more map[string]string) map[string]string {
		files := map[string]string{
			"proc/self/cgroup": "0::/a/b", "proc/self/mountinfo": v2Mount,
			"sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids",
		}
		for k, v := range more {
			files[k] = v
		}
		return files
	}
	for _, tc := range []struct {
		name  string
		files map[string]string
		want  Limits
	}{
		{"no groups", map[string]string{}, Limits{}},
		{"damaged", map[string]string{"proc/self/cgroup": "0::", "proc/self/mountinfo": "x - y\nz\n\n1 2 3 4 5 - cgroup"}, Limits{}},
		{"version 2, none", v2(map[string]string{"sys/fs/cgroup/a/b/cpu.max": "max 100000", "sys/fs/cgroup/a/b/memory.max": "max"}), Limits{}},
		{"version 2, its own", v2(map[string]string{"sys/fs/cgroup/a/b/cpu.max": "150000 100000", "sys/fs/cgroup/a/b/memory.max": "1048576"}), Limits{1.5, 1 << 20}},
		{"version 2, one above is lower", v2(map[string]string{
			"sys/fs/cgroup/a/b/cpu.max": "400000 100000", "sys/fs/cgroup/a/cpu.max": "50000 100000",
			"sys/fs/cgroup/a/b/memory.max": "4096", "sys/fs/cgroup/a/memory.max": "8192",
		}), Limits{0.5, 4096}},
		{"version 2, in a container", map[string]string{
			"proc/self/cgroup": "0::/", "proc/self/mountinfo": strings.Replace(v2Mount, " / /sys", " /pod/x /sys", 1),
			"sys/fs/cgroup/cgroup.controllers": "cpu memory", "sys/fs/cgroup/cpu.max": "200000 100000",
		}, Limits{CPUs: 2}},
		{"version 1", map[string]string{
			"proc/self/cgroup": "5:cpu,cpuacct:/job\n4:memory:/job\n0::/", "proc/self/mountinfo": v1Mount,
			"sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": "250000", "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000",
			"sys/fs/cgroup/memory/job/memory.limit_in_bytes": "9223372036854771712", "sys/fs/cgroup/memory/memory.limit_in_bytes": "2147483648",
			"sys/fs/cgroup/unified/cgroup.controllers": "",
		}, Limits{2.5, 2 << 30}},
		{"version 1, none", map[string]string{
			"proc/self/cgroup": "5:cpu,cpuacct:/\n4:memory:/", "proc/self/mountinfo": v1Mount,
			"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1", "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
		}, Limits{}},
	} {
		if got := tree(t, tc.files).Limits(); got != tc.want {
			t.Errorf("%s: got %+v, want %+v", tc.name, got, tc.want)
		}
	}
}

func TestMake(t *testing.T) {
	t.Parallel()
	v1 := map[string]string{
		"proc/self/cgroup": "5:cpu,cpuacct:/job\n4:memory:/", "proc/self/mountinfo": v1Mount,
		"sys/fs/cgroup/cpu,cpuacct/job/tasks": "", "sys/fs/cgroup/memory/tasks": "", "sys/fs/cgroup/unified/cgroup.controllers": "",
	}
	v2 := map[string]string{
		"proc/self/cgroup": "0::/a/b", "proc/self/mountinfo": v2Mount, "sys/fs/cgroup/cgroup.controllers": "cpu memory",
		"sys/fs/cgroup/a/b/cgroup.procs": "1", "sys/fs/cgroup/a/cgroup.subtree_control": "memory pids",
	}
	for _, tc := range []struct {
		name  string
		files map[string]string
		dirs  []string
		want  map[string]string
		peak  string
	}{
		{"version 1", v1, []string{"sys/fs/cgroup/cpu,cpuacct/job/x", "sys/fs/cgroup/memory/x"}, map[string]string{
			"sys/fs/cgroup/cpu,cpuacct/job/x/cpu.cfs_quota_us": "50000", "sys/fs/cgroup/cpu,cpuacct/job/x/cpu.cfs_period_us": "100000",
			"sys/fs/cgroup/memory/x/memory.limit_in_bytes": "1048576",
			"sys/fs/cgroup/cpu,cpuacct/job/x/cgroup.procs": "77", "sys/fs/cgroup/memory/x/cgroup.procs": "77",
		}, "sys/fs/cgroup/memory/x/memory.max_usage_in_bytes"},
		{"version 2", v2, []string{"sys/fs/cgroup/a/x"}, map[string]string{
			"sys/fs/cgroup/a/x/cpu.max": "50000 100000", "sys/fs/cgroup/a/x/memory.max": "1048576",
			"sys/fs/cgroup/a/x/cgroup.procs": "77", "sys/fs/cgroup/a/cgroup.subtree_control": "+cpu +memory",
		}, "sys/fs/cgroup/a/x/memory.peak"},
	} {
		tr := tree(t, tc.files)
		g, err := tr.Make("x", Limits{0.5, 1 << 20})
		if err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		if err := g.Add(77); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		for name, want := range tc.want {
			if got := tr.read(tr.file(name)); got != want {
				t.Errorf("%s: %s: got %q, want %q", tc.name, name, got, want)
			}
		}
		if got := g.Peak(); got != 0 {
			t.Errorf("%s: got a peak of %d without one", tc.name, got)
		}
		if err := write(tr.file(tc.peak), "4096"); err != nil {
			t.Fatal(err)
		}
		if got := g.Peak(); got != 4096 {
			t.Errorf("%s: got a peak of %d, want 4096", tc.name, got)
		}
		if err := g.Remove(); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		for _, dir := range tc.dirs {
			if _, err := os.Stat(tr.file(dir)); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: %s is still there: %v", tc.name, dir, err)
			}
		}
	}
}

func TestMakeWhereItIsNotPermitted(t *testing.T) {
	t.Parallel()
	taken := map[string]string{
		"proc/self/cgroup": "0::/a/b", "proc/self/mountinfo": v2Mount, "sys/fs/cgroup/cgroup.controllers": "cpu memory",
		"sys/fs/cgroup/a/cgroup.subtree_control": "cpu memory", "sys/fs/cgroup/a/x/cgroup.procs": "5",
	}
	for name, files := range map[string]map[string]string{
		"no groups": {}, "no memory": {
			"proc/self/cgroup": "0::/", "proc/self/mountinfo": v2Mount, "sys/fs/cgroup/cgroup.controllers": "cpu",
		}, "the name is taken": taken,
	} {
		if g, err := tree(t, files).Make("x", Limits{CPUs: 1}); !errors.Is(err, ErrUnavailable) || g != nil {
			t.Errorf("%s: got %v, %v", name, g, err)
		}
	}
	// A group that isn't ours is left alone.
	tr := tree(t, taken)
	_, _ = tr.Make("x", Limits{})
	if got := tr.read(tr.file("sys/fs/cgroup/a/x/cgroup.procs")); got != "5" {
		t.Errorf("the other group was changed: %q", got)
	}
}
