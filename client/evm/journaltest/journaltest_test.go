package journaltest

import (
	"path/filepath"
	"testing"

	"provery/client/evm"
)

func TestMemoryJournal(t *testing.T) {
	t.Parallel()
	j := evm.NewMemoryJournal()
	Run(t, j, func() evm.Journal { return j })
}

func TestFileJournal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	open := func() *evm.FileJournal {
		j, err := evm.OpenFileJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	j := open()
	Run(t, j, func() evm.Journal {
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		next := open()
		t.Cleanup(func() { _ = next.Close() })
		return next
	})
}
