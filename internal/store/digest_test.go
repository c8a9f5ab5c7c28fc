package store_test

import (
	"encoding/json"
	"strings"
	"testing"

	"provery/internal/fault"
	"provery/internal/store"
)

// emptyHex is the SHA-256 of nothing (FIPS 180-4 test vector).
const emptyHex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func TestParseDigest(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		ok         bool
	}{
		{"full", "sha256:" + emptyHex, true},
		{"digits alone", emptyHex, true},
		{"empty", "", false},
		{"prefix alone", "sha256:", false},
		{"short", "sha256:" + emptyHex[1:], false},
		{"long", emptyHex + "00", false},
		{"upper case", strings.ToUpper(emptyHex), false},
		{"not hexadecimal", "g" + emptyHex[1:], false},
		{"other hash", "sha512:" + emptyHex, false},
		{"two prefixes", "sha256:sha256:" + emptyHex, false},
	}
	for _, tc := range tests {
		d, err := store.ParseDigest(tc.text)
		if (err == nil) != tc.ok {
			t.Errorf("%s: got %v, want ok=%v", tc.name, err, tc.ok)
		}
		if tc.ok && (d != store.Sum(nil) || d.String() != "sha256:"+emptyHex || d.Hex() != emptyHex) {
			t.Errorf("%s: got %s", tc.name, d)
		}
		if !tc.ok && (!fault.Is(err, fault.InvalidRequest) || !d.IsZero()) {
			t.Errorf("%s: got %s, %v, want zero and invalid request", tc.name, d, err)
		}
	}
}

func TestDigestJSON(t *testing.T) {
	t.Parallel()
	type doc struct {
		D store.Digest `json:"d"`
		Z store.Digest `json:"z,omitzero"`
	}
	b, err := json.Marshal(doc{D: store.Sum(nil)})
	if want := `{"d":"sha256:` + emptyHex + `"}`; err != nil || string(b) != want {
		t.Fatalf("got %s, %v, want %s", b, err, want)
	}
	var got doc
	if err := json.Unmarshal(b, &got); err != nil || got.D != store.Sum(nil) || !got.Z.IsZero() {
		t.Errorf("got %+v, %v", got, err)
	}
	if err := json.Unmarshal([]byte(`{"d":""}`), &got); err != nil || !got.D.IsZero() {
		t.Errorf("empty text: got %v, %v, want the zero digest", got.D, err)
	}
	if err := json.Unmarshal([]byte(`{"d":"sha256:1"}`), &got); err == nil {
		t.Error("a short digest was accepted")
	}
}

func FuzzParseDigest(f *testing.F) {
	f.Add("sha256:" + emptyHex)
	f.Fuzz(func(t *testing.T, s string) {
		d, err := store.ParseDigest(s)
		if err == nil && d.String() != s && d.Hex() != s {
			t.Errorf("%q became %s", s, d)
		}
	})
}
