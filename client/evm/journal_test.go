package evm

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
)

func openJournal(t testing.TB, path string) *FileJournal {
	t.Helper()
	j, err := OpenFileJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func closeJournal(t testing.TB, j *FileJournal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestCrash ends the process at each point where a submission can be, and goes on
// with another one: the call is made once.
func TestCrash(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		sent  bool // before the crash
		mined bool // before the crash
	}{
		{"in the journal only", false, false},
		{"sent", true, false},
		{"in a block", true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, path := newChain(t), filepath.Join(t.TempDir(), "journal")
			journal := openJournal(t, path)
			n := c.node()
			if !tc.sent {
				n.holdFirst()
			}
			before := c.clientOf(n, Options{Journal: journal, Confirmations: 3})
			sub := c.submit(c.sender(before), nothing("root-1"))
			if tc.mined {
				c.backend.Commit()
			}
			before.Close()
			closeJournal(t, journal)
			if _, err := sub.Wait(t.Context()); !errors.Is(err, ErrClosed) {
				t.Errorf("got %v, want that the client was closed", err)
			}

			journal = openJournal(t, path)
			after := c.client(Options{Journal: journal, Confirmations: 3})
			s := c.sender(after)
			if pending := s.Pending(); len(pending) != 1 || pending[0].ID() != "root-1" {
				t.Errorf("got %d pending submissions, want root-1", len(pending))
			}
			again := c.submit(s, nothing("root-1"))
			m := c.settled(again)
			if m.Hash != sub.Hashes()[0] {
				t.Errorf("got transaction %v, want %v", m.Hash, sub.Hashes())
			}
			after.Close()
			closeJournal(t, journal)

			journal = openJournal(t, path)
			defer closeJournal(t, journal)
			last := c.client(Options{Journal: journal, Confirmations: 3})
			defer last.Close()
			s = c.sender(last)
			if known, err := s.Do(t.Context(), nothing("root-1")); err != nil || known.Hash != m.Hash || len(s.Pending()) != 0 {
				t.Errorf("got %+v (%v), want the outcome of before", known, err)
			}
			if got := c.nonce(s); got != 1 {
				t.Errorf("got %d transactions in the chain, want one", got)
			}
		})
	}
}

func TestFileJournal(t *testing.T) {
	t.Parallel()
	path, ctx := filepath.Join(t.TempDir(), "journal"), t.Context()
	j := openJournal(t, path)
	record := func(id string, nonce uint64, state State) Record {
		return Record{ID: id, Chain: 1, From: common.Address{1}, Nonce: nonce, State: state, Attempts: []Attempt{{Raw: []byte{byte(nonce)}}}}
	}
	for _, r := range []Record{record("b", 2, StatePending), record("a", 1, StatePending), record("c", 3, StatePending), record("a", 1, StateSucceeded), record("d", 4, StatePending)} {
		if err := j.Put(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Remove(ctx, "c"); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFileJournal(path); err == nil || !strings.Contains(err.Error(), "another process has it") {
		t.Errorf("the journal was opened twice: %v", err)
	}
	closeJournal(t, j)
	// A crash while a line is written.
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"record":{"id":"to`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	j = openJournal(t, path)
	defer closeJournal(t, j)
	pending, err := j.Pending(ctx, 1, common.Address{1})
	if want := []Record{record("b", 2, StatePending), record("d", 4, StatePending)}; err != nil || !reflect.DeepEqual(pending, want) {
		t.Errorf("got %+v (%v), want %+v", pending, err, want)
	}
	if r, ok, err := j.Find(ctx, "a"); !ok || err != nil || r.State != StateSucceeded {
		t.Errorf("got %+v, %v, %v", r, ok, err)
	}
	if _, ok, _ := j.Find(ctx, "c"); ok {
		t.Error("a removed record is there")
	}
}

func FuzzParseJournal(f *testing.F) {
	f.Add([]byte("{\"record\":{\"id\":\"a\"}}\n{\"remove\":\"a\"}\n"))
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		records := map[string]Record{}
		if parseJournal(data, records) == nil {
			for id, r := range records {
				if id == "" || id != r.ID {
					t.Errorf("got %q as %q", r.ID, id)
				}
			}
		}
	})
}
