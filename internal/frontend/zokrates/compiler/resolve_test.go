package compiler

import (
	"strings"
	"testing"

	"provery/internal/fault"
)

func TestLocation(t *testing.T) {
	t.Parallel()
	cases := []struct{ main, file, want string }{
		{"main.zok", "a.zok", "./a.zok"},
		{"main.zok", "lib/a.zok", "./lib/a.zok"},
		{"app/main.zok", "app/lib/a.zok", "./lib/a.zok"},
		{"app/main.zok", "a.zok", "../a.zok"},
		{"app/main.zok", "application/a.zok", "../application/a.zok"},
		{"x/app/main.zok", "x/lib/a.zok", "../lib/a.zok"},
		{"x/app/main.zok", "app/a.zok", "../../app/a.zok"},
		{"app/main.zok", "lib/main.zok", "../lib/main.zok"},
	}
	for _, tc := range cases {
		r := newResolver(nil, tc.main, 1)
		got := r.location(tc.file)
		if got != tc.want {
			t.Errorf("%s seen from %s: got %s, want %s", tc.file, tc.main, got, tc.want)
		}
		if back := r.path(got); back != tc.file {
			t.Errorf("%s seen from %s: got %s back", tc.file, tc.main, back)
		}
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	sources := map[string]string{"app/main.zok": "m", "app/a.zok": "a", "b.zok": "b", "app/x.y.zok": "x"}
	cases := []struct {
		from, name string
		want       string // location, or what the error holds
		code       fault.Code
	}{
		{"main.zok", "./a", "./a.zok", ""},
		{"main.zok", "./a.zok", "./a.zok", ""},
		{"main.zok", "./././a", "./a.zok", ""},
		{"main.zok", "../app/a", "./a.zok", ""},
		{"main.zok", "./x.y", "./x.y.zok", ""},
		{"./a.zok", "../b", "../b.zok", ""},
		{"main.zok", "./b", "no file app/b.zok", fault.InvalidArtifact},
		{"main.zok", "..", "no file", fault.InvalidArtifact},
		{"main.zok", "../..", "leaves", fault.InvalidArtifact},
		{"main.zok", "../../work/b", "leaves", fault.InvalidArtifact},
		{"main.zok", "/b", "absolute", fault.InvalidArtifact},
		{"main.zok", "./main", "cycle", fault.InvalidArtifact},
		{"../b.zok", "./app/a", "cycle: b.zok imports app/a.zok imports b.zok", fault.InvalidArtifact},
	}
	r := newResolver(sources, "app/main.zok", 3)
	for _, tc := range cases {
		_, got, err := r.resolve(tc.from, tc.name)
		if fault.CodeOf(err) != tc.code {
			t.Errorf("%s from %s: got error %v, want %q", tc.name, tc.from, err, tc.code)
		}
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, tc.want) {
			t.Errorf("%s from %s: got %q, want %q", tc.name, tc.from, got, tc.want)
		}
	}
}
