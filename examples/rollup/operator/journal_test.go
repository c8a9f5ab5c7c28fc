package operator

import (
	"path/filepath"
	"testing"

	"provery/client/evm"
	"provery/client/evm/journaltest"
)

func TestJournal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	s, err := OpenStore(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	journaltest.Run(t, s.Journal(), func() evm.Journal {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if s, err = OpenStore(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		return s.Journal()
	})
}
