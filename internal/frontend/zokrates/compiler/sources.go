package compiler

import (
	"bytes"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"provery/internal/curve"
	"provery/internal/fault"
)

// Extension is what every source file's name ends with; imports may leave it
// out.
const Extension = ".zok"

// check returns an error for a request that isn't worth a child process.
func (l Limits) check(req Request) error {
	if !slices.Contains(curve.All(), req.Curve) {
		return fault.New(fault.InvalidRequest, "compile: no curve is given")
	}
	if len(req.Sources) > l.Files {
		return fault.New(fault.TooLarge, "there are %d source files; at most %d can be compiled", len(req.Sources), l.Files)
	}
	var total int64
	for _, name := range slices.Sorted(maps.Keys(req.Sources)) {
		source := req.Sources[name]
		if total += int64(len(source)); total > l.SourceBytes {
			return fault.New(fault.TooLarge, "the source files have more than %d bytes", l.SourceBytes)
		}
		if err := checkPath(name); err != nil {
			return err
		}
		if !utf8.Valid(source) {
			return fault.New(fault.InvalidArtifact, "source file %s is not UTF-8 text", name)
		}
	}
	if _, ok := req.Sources[req.Main]; !ok {
		return fault.New(fault.InvalidRequest, "the main file %q is not among the sources", req.Main)
	}
	return nil
}

// checkPath accepts the path of a source file: relative, canonical, inside the
// set. Characters that would make error messages ambiguous are refused.
func checkPath(name string) error {
	switch {
	case len(name) > 255:
		return fault.New(fault.InvalidRequest, "a source file's path is longer than 255 bytes")
	case !fs.ValidPath(name) || name == "." || strings.Contains(name, `\`):
		return fault.New(fault.InvalidRequest, "source file %q: want a path inside the source folder, such as lib/hash.zok", name)
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == ':' || r == 0x7f || r == utf8.RuneError }):
		return fault.New(fault.InvalidRequest, "source file %q: control characters and colons aren't allowed in its path", name)
	case !strings.HasSuffix(name, Extension):
		return fault.New(fault.InvalidRequest, "source file %q: its name must end in %s", name, Extension)
	}
	return nil
}

func sectionReader(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}
