package conformance

import (
	"bytes"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/frontend/zokrates"
	"provery/internal/peer"
)

// TestSameFailure makes sure that the comparison sees what differs.
func TestSameFailure(t *testing.T) {
	t.Parallel()
	assertion := &peer.Error{Kind: peer.Rejected, Message: `Execution failed: Assertion failed at main.zok:3:5: "no"`}
	at := func(line int, text string) error {
		err := fault.New(fault.UnsatisfiedWitness, "%s", text)
		err.Position = &fault.Position{File: "main.zok", Line: line, Column: 5}
		return err
	}
	refused := fault.New(fault.InvalidRequest, "not a number")
	tests := []struct {
		name   string
		c      testCase
		theirs *peer.Error
		ours   error
		want   string // part of the error, "" for none
	}{
		{"same", testCase{Fails: "no"}, assertion, at(3, "assertion failed: no"), ""},
		{"another line", testCase{Fails: "no"}, assertion, at(4, "assertion failed: no"), "main.zok:4:5"},
		{"another message", testCase{Fails: "no"}, assertion, at(3, "assertion failed: yes"), "yes"},
		{"another failure than expected", testCase{Fails: "yes"}, assertion, at(3, "assertion failed: no"), `want "yes"`},
		{"another class", testCase{Fails: "no"}, assertion, refused, "invalid_request"},
		{"only theirs", testCase{madeUp: true}, assertion, nil, "succeeds for us"},
		{"only ours", testCase{madeUp: true}, nil, at(3, "assertion failed: no"), "succeeds for zokrates-js"},
		{"neither", testCase{Fails: "no"}, nil, nil, "succeeds on both sides"},
		{"refused", testCase{Refused: true}, &peer.Error{Kind: peer.Rejected, Message: "Could not parse"}, refused, ""},
		{"not refused", testCase{Refused: true}, assertion, at(3, "assertion failed: no"), "want the arguments refused"},
		{"unknown", testCase{madeUp: true}, &peer.Error{Kind: peer.Rejected, Message: "Execution failed: New"}, at(3, "x"), "unknown failure"},
	}
	for _, tc := range tests {
		err := sameFailure(&tc.c, tc.theirs, tc.ours)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.want)
		}
	}
}

// TestSameValues alters one value of a witness.
func TestSameValues(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "testdata", "zokrates", "generic", "bn128")
	var files [3][]byte
	for i, name := range []string{"out", "abi.json", "witness"} {
		var err error
		if files[i], err = os.ReadFile(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	section := func(b []byte) *io.SectionReader { return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b))) }
	p, err := zokrates.New().Import(t.Context(), frontend.Artefacts{zokrates.RoleProgram: section(files[0]), zokrates.RoleABI: section(files[1])})
	if err != nil {
		t.Fatal(err)
	}
	if err := sameValues(t.Context(), p, files[2], files[2]); err != nil {
		t.Errorf("a witness beside itself: %v", err)
	}
	altered := bytes.Clone(files[2])
	altered[len(altered)-32] ^= 1 // the last value's lowest byte
	for i, pair := range [][2][]byte{{altered, files[2]}, {files[2], altered}} {
		if err := sameValues(t.Context(), p, pair[0], pair[1]); err == nil {
			t.Errorf("%d: an altered value isn't seen", i)
		}
	}
}

// TestMakeUp makes sure that made-up arguments repeat, fit their types and
// reach the edges.
func TestMakeUp(t *testing.T) {
	t.Parallel()
	abi := []byte(`{"inputs":[{"name":"a","public":true,"type":"array","components":{"size":2,"type":"u8"}},` +
		`{"name":"b","public":true,"type":"struct","components":{"name":"S","generics":[],"members":[{"name":"x","type":"bool"},{"name":"y","type":"field"}]}},` +
		`{"name":"c","public":false,"type":"tuple","components":{"elements":[{"type":"u64"}]}}],"output":{"type":"bool"}}`)
	p := &program{name: "p"}
	first, err := makeUp(p, abi, big.NewInt(101), 6)
	if err != nil {
		t.Fatal(err)
	}
	second, err := makeUp(p, abi, big.NewInt(101), 6)
	if err != nil {
		t.Fatal(err)
	}
	for i := range first {
		if got, want := string(second[i].Args), string(first[i].Args); got != want {
			t.Errorf("case %d: got %s, then %s", i, want, got)
		}
	}
	for i, want := range map[int]string{
		2: `[["0","0"],{"x":false,"y":"0"},["0"]]`,
		3: `[["255","255"],{"x":true,"y":"100"},["18446744073709551615"]]`,
	} {
		if got := string(first[i].Args); got != want {
			t.Errorf("case %d: got %s, want %s", i, got, want)
		}
	}
}

// TestResolve replaces numbers relative to the modulus.
func TestResolve(t *testing.T) {
	t.Parallel()
	got := resolve([]byte(`["p-1",["p-10","(p-1)/2"],"(p+1)/2","7"]`), big.NewInt(101))
	if want := `["100",["91","50"],"51","7"]`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
