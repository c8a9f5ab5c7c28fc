package iden3_test

import (
	"bytes"
	"io"
	"testing"

	"provery/internal/fault"
	"provery/internal/iden3"
)

func sample(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	err := iden3.Write(&b, "zkey", 1, []iden3.Section{
		iden3.Data(2, []byte("second")), iden3.Data(1, []byte("first")), iden3.Data(7, nil), iden3.Data(9, []byte("a")), iden3.Data(9, []byte("b")),
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(b []byte, kind string, version uint32) (*iden3.File, error) {
	return iden3.Open(bytes.NewReader(b), int64(len(b)), kind, version)
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	b := sample(t)
	if got := iden3.KindOf(b); got != "zkey" {
		t.Errorf("KindOf: got %q", got)
	}
	f, err := open(b, "zkey", 2)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[uint32]string{1: "first", 2: "second", 7: ""} {
		if got, err := f.Bytes(id, 6); err != nil || string(got) != want {
			t.Errorf("section %d: got %q, %v", id, got, err)
		}
	}
	if !f.Has(7) || f.Has(3) {
		t.Error("Has is wrong")
	}
	if s, err := f.Sized(1, 5); err != nil || s.Size() != 5 {
		t.Errorf("Sized: %v", err)
	}
	for name, err := range map[string]error{
		"too long": second(f.Bytes(2, 5)), "missing": second(f.Section(3)), "twice": second(f.Section(9)), "other length": second(f.Sized(1, 4)),
	} {
		if !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestRefuses(t *testing.T) {
	t.Parallel()
	b := sample(t)
	for n := range b {
		if _, err := open(b[:n], "zkey", 1); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("cut at %d: got %v", n, err)
		}
	}
	version := bytes.Clone(b)
	version[4] = 3
	many := bytes.Clone(b)
	many[10] = 1
	long := bytes.Clone(b)
	long[23] = 0xff
	for name, b := range map[string][]byte{"version": version, "sections": many, "length": long, "trailing": append(bytes.Clone(b), 0)} {
		if _, err := open(b, "zkey", 2); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := open(b, "r1cs", 1); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("another kind: got %v", err)
	}
	wrong := iden3.Data(1, []byte("x"))
	wrong.Length = 2
	if err := iden3.Write(io.Discard, "wtns", 2, []iden3.Section{wrong}); !fault.Is(err, fault.Internal) {
		t.Errorf("wrong length: got %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(sample(f))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := open(b, "zkey", 2)
		if err != nil {
			return
		}
		for id := range uint32(12) {
			if s, err := file.Section(id); err == nil && s.Size() > int64(len(b)) {
				t.Errorf("section of %d bytes in a file of %d", s.Size(), len(b))
			}
		}
	})
}
