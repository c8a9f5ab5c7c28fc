package worker

import (
	"io/fs"
	"testing"
	"testing/fstest"
)

func files(content map[string]string) fs.FS {
	out := fstest.MapFS{}
	for name, text := range content {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

func TestMachineMemory(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"MemFree: 1 kB\nMemTotal:       16384 kB\nX: 3\n": 16 << 20, "MemTotal: many kB\n": 0, "MemTotal: -5 kB\n": 0, "": 0,
	} {
		if got := machineMemory(files(map[string]string{"proc/meminfo": text})); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}

func TestMemoryLimitIsLessThanTheMachines(t *testing.T) {
	t.Parallel()
	limit := MemoryLimit()
	if limit < 0 || limit > 1<<50 {
		t.Errorf("got %d bytes", limit)
	}
	for _, limit := range []int64{0, 1 << 20, 1 << 30, 1 << 40} {
		if got := ForJobs(limit); got < limit/2 || got > limit {
			t.Errorf("of %d bytes %d are for jobs", limit, got)
		}
	}
}
