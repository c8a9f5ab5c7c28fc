package bench

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// mapping is what the kernel tells of a file that a process has mapped.
type mapping struct {
	inode string
	mode  string // such as "r--s"
	size  map[string]int64
}

// mappingOf returns the mapping of the file whose path ends so.
func mappingOf(t *testing.T, pid int, end string) (m mapping) {
	t.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	inside := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		switch {
		case !strings.HasSuffix(fields[0], ":"): // the addresses of the next mapping
			if inside = strings.HasSuffix(lines.Text(), end); inside {
				m = mapping{inode: fields[3] + " " + fields[4], mode: fields[1], size: map[string]int64{}}
			}
		case inside:
			m.size[strings.TrimSuffix(fields[0], ":")] = kilobytes(strings.Join(fields[1:], " "))
		}
	}
	return m
}

// TestProcessesShareKey proves with one key in two processes, and asks the kernel
// whose memory the key's pages are.
func TestProcessesShareKey(t *testing.T) {
	t.Parallel()
	lab, _ := newLab(t, "measures")
	w, err := lab.prepareWorkload(t.Context(), find(t, "field-2^10")[0])
	if err != nil {
		t.Fatal(err)
	}
	var both [2]*session
	for i := range both {
		if both[i], err = lab.start(t.Context(), sizing{threads: 1}); err != nil {
			t.Fatal(err)
		}
		defer both[i].close()
		if _, err := openIn(t.Context(), both[i], w); err != nil {
			t.Fatal(err)
		}
	}
	key := strings.TrimPrefix(w.r.Prepared.Key.String(), "sha256:")
	// Pages that the kernel dropped meanwhile are there again after a proof.
	var got [2]mapping
	shared := false
	for deadline := time.Now().Add(time.Minute); !shared && time.Now().Before(deadline); {
		for _, s := range both {
			if _, err := s.ask(t.Context(), &request{Run: &runRequest{Threads: 1}}); err != nil {
				t.Fatal(err)
			}
		}
		shared = true
		for i, s := range both {
			m := mappingOf(t, s.cmd.Process.Pid, key)
			got[i] = m
			inCommon := m.size["Shared_Clean"] + m.size["Shared_Dirty"]
			shared = shared && inCommon > w.r.Prepared.Mapped/2 && m.size["Pss"] < m.size["Rss"]*3/4
		}
	}
	for _, m := range got {
		if m.mode != "r--s" || m.size["Private_Dirty"] != 0 || m.size["Anonymous"] != 0 {
			t.Errorf("got %+v, want it read-only and without pages of its own", m)
		}
	}
	if !shared || got[0].inode != got[1].inode {
		t.Errorf("got %+v, want one key of %d bytes for both", got, w.r.Prepared.Mapped)
	}
}
