package container_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"provery/internal/container"
	"provery/internal/fault"
)

func file(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := container.Write(&b, "TEST", 2, []container.Section{
		{ID: 7, Data: container.Bytes([]uint32{1, 2, 1 << 31})},
		{ID: 1, Data: nil},
		{ID: 3, Data: []byte("text")},
	})
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("got %d bytes and %v, want %d", n, err, b.Len())
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	f, err := container.Open(file(t), "TEST", 2)
	if err != nil {
		t.Fatal(err)
	}
	words, err := container.Words[uint32](f, 7)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint32{1, 2, 1 << 31}, words); diff != "" {
		t.Error(diff)
	}
	if empty, err := container.Words[uint64](f, 1); err != nil || len(empty) != 0 {
		t.Errorf("got %v, %v, want an empty array", empty, err)
	}
	if s, err := f.Section(3); err != nil || string(s) != "text" {
		t.Errorf("got %q, %v, want text", s, err)
	}
	if _, err := f.Section(9); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("missing section: got %v, want invalid_artifact", err)
	}
	if got := container.KindOf(file(t)); got != "TEST" {
		t.Errorf("got kind %q, want TEST", got)
	}
}

func TestOpenRefusesDamage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		damage func(b []byte) []byte
	}{
		{"empty", func(b []byte) []byte { return nil }},
		{"magic", func(b []byte) []byte { b[0] = 'x'; return b }},
		{"kind", func(b []byte) []byte { b[8] = 'x'; return b }},
		{"newer version", func(b []byte) []byte { b[12] = 3; return b }},
		{"version zero", func(b []byte) []byte { b[12] = 0; return b }},
		{"too many sections", func(b []byte) []byte { b[18] = 1; return b }},
		{"offset outside", func(b []byte) []byte { b[24+15] = 1; return b }},
		{"offset unaligned", func(b []byte) []byte { b[24+8]++; return b }},
		{"length outside", func(b []byte) []byte { b[24+23] = 1; return b }},
		{"twice", func(b []byte) []byte { b[24+24] = 7; return b }},
		{"truncated", func(b []byte) []byte { return b[:len(b)-1] }},
	}
	for _, tc := range tests {
		if _, err := container.Open(tc.damage(file(t)), "TEST", 2); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("%s: got %v, want invalid_artifact", tc.name, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(file(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := container.Open(bytes.Clone(data), "TEST", 2)
		if err != nil {
			return
		}
		for id := range uint32(10) {
			_, _ = container.Words[uint32](c, id)
		}
	})
}
