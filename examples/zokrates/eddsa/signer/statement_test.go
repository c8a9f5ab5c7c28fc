package signer

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"strings"
	"testing"
)

// knownAnswer is an argument list and what main.zok returns for it, computed with
// zokrates-js 1.1.9: a bool, or the error of a program that stops.
type knownAnswer struct {
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
	Output    *bool           `json:"output"`
	Error     string          `json:"error"`
}

func readKnownAnswers(t *testing.T) []knownAnswer {
	t.Helper()
	data, err := os.ReadFile("testdata/zokrates.json")
	if err != nil {
		t.Fatal(err)
	}
	var answers []knownAnswer
	if err := json.Unmarshal(data, &answers); err != nil {
		t.Fatal(err)
	}
	return answers
}

// TestKnownAnswers compares Valid with the program. Where the program stops with
// an error the statement isn't valid.
func TestKnownAnswers(t *testing.T) {
	t.Parallel()
	answers := readKnownAnswers(t)
	if len(answers) < 8 {
		t.Fatalf("got %d known answers, want at least 8", len(answers))
	}
	for _, a := range answers {
		if (a.Output == nil) == (a.Error == "") {
			t.Fatalf("%s: want either an output or an error", a.Name)
		}
		want := a.Output != nil && *a.Output
		if got := parse(t, a.Arguments).Valid(); got != want {
			t.Errorf("%s: got %v, want %v", a.Name, got, want)
		}
	}
}

// TestArguments compares with the argument list that zokrates-js accepted.
func TestArguments(t *testing.T) {
	t.Parallel()
	got, err := Arguments(Generate("provery", 0))
	if err != nil {
		t.Fatal(err)
	}
	if want := compact(t, readKnownAnswers(t)[0].Arguments); string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	two, err := Arguments(Generate("provery", 0), Generate("provery", 1))
	if err != nil {
		t.Fatal(err)
	}
	var list []any
	if err := json.Unmarshal(two, &list); err != nil || len(list) != 10 {
		t.Errorf("two statements: got %d arguments and error %v, want 10", len(list), err)
	}
	if _, err := Arguments(Statement{}); err == nil {
		t.Error("got no error for an empty statement")
	}
}

// parse is the inverse of Arguments for one statement.
func parse(t *testing.T, arguments []byte) Statement {
	t.Helper()
	var s Statement
	var r, a [2]string
	var response string
	var m0, m1 [8]string
	if err := json.Unmarshal(arguments, &[]any{&r, &response, &a, &m0, &m1}); err != nil {
		t.Fatal(err)
	}
	s.Signature = Signature{R: Point{X: number(t, r[0]), Y: number(t, r[1])}, S: number(t, response)}
	s.Key = Point{X: number(t, a[0]), Y: number(t, a[1])}
	for i, word := range append(m0[:], m1[:]...) {
		b, err := hex.DecodeString(strings.TrimPrefix(word, "0x"))
		if err != nil {
			t.Fatal(err)
		}
		binary.BigEndian.PutUint32(s.Message[4*i:], binary.BigEndian.Uint32(b))
	}
	return s
}

func number(t *testing.T, s string) *big.Int {
	t.Helper()
	n, ok := new(big.Int).SetString(s, 10)
	if !ok {
		t.Fatalf("%q isn't a number", s)
	}
	return n
}

func compact(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	out, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
