package compiler

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"provery/internal/fault"
	"provery/internal/frontend/hosting"
)

func at(file string, line, column int, message string) fault.Diagnostic {
	return fault.Diagnostic{Position: fault.Position{File: file, Line: line, Column: column}, Message: message}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, text string
		want       hosting.Errors
	}{
		{"one", "a.zok:2:3\n\twrong", hosting.Errors{at("a.zok", 2, 3, "wrong")}},
		{"two, one without position", "a.zok:2:3\n\twrong\nb c.zok:\n\tbad", hosting.Errors{at("a.zok", 2, 3, "wrong"), at("b c.zok", 0, 0, "bad")}},
		{"several lines", "a.zok:2:3\n\twrong\nand more\n\tindented", hosting.Errors{at("a.zok", 2, 3, "wrong\nand more\nindented")}},
		{"syntax", "a.zok:\n\t --> 3:13\n  |\n3 |   return a +;\n  |             ^---\n  |\n  = expected x or y", hosting.Errors{at("a.zok", 3, 13, "syntax error: expected x or y")}},
		{"syntax without meaning", "a.zok:\n\t --> 3:13", hosting.Errors{at("a.zok", 3, 13, "syntax error")}},
		{"no head", "something else\nhappened", hosting.Errors{at("main.zok", 0, 0, "something else\nhappened")}},
		{"nothing", "", hosting.Errors{at("main.zok", 0, 0, "")}},
		{"number out of range", "a.zok:99999999999999999999:1\n\twrong", hosting.Errors{at("a.zok", 0, 1, "wrong")}},
	}
	for _, tc := range cases {
		got := parseErrors(tc.text, mainFor(""))
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
	many := parseErrors(strings.Repeat("a.zok:1:1\n\twrong\n", 5000), mainFor(""))
	if len(many) != hosting.MaxErrors {
		t.Errorf("got %d errors of 5000, want %d", len(many), hosting.MaxErrors)
	}
}

// mainFor names the file "main.zok" where the text names none.
func mainFor(string) func(string) string {
	return func(location string) string {
		if location == "" {
			return "main.zok"
		}
		return location
	}
}

func FuzzParseErrors(f *testing.F) {
	f.Add("a.zok:2:3\n\twrong\na.zok:\n\t --> 3:13\n  |\n  = expected x")
	f.Fuzz(func(t *testing.T, text string) {
		r := newResolver(nil, "main.zok", 1)
		e := refused(text, r)
		if list, ok := e.Err.(hosting.Errors); !ok || len(list) == 0 {
			t.Errorf("got %v, want at least one error", e.Err)
		}
		if utf8.ValidString(text) && !utf8.ValidString(e.Detail) {
			t.Errorf("got detail %q, want UTF-8", e.Detail)
		}
	})
}
