package hosting

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"provery/internal/fault"
)

// check returns an error for a request that isn't worth a child process.
func (c *Compiler) check(req Request) error {
	l, lang := c.cfg.Limits, c.cfg.Language
	if !slices.Contains(lang.Curves(), req.Curve) {
		return fault.New(fault.InvalidRequest, "the compiler has no such curve")
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
		if err := checkPath(name, lang.Extension()); err != nil {
			return err
		}
		if !utf8.Valid(source) {
			return fault.New(fault.InvalidArtifact, "source file %s is not UTF-8 text", name)
		}
	}
	if _, ok := req.Sources[req.Main]; !ok {
		return fault.New(fault.InvalidRequest, "the main file %q is not among the sources", req.Main)
	}
	return c.checkOptions(req.Options)
}

// maxIncludes bounds the folders that a request names.
const maxIncludes = 16

func (c *Compiler) checkOptions(o Options) error {
	lang := c.cfg.Language
	switch levels := lang.Optimizations(); {
	case o.Optimize == "":
	case len(levels) == 0:
		return fault.New(fault.InvalidRequest, "the compiler has no levels of optimisation")
	case !slices.Contains(levels, o.Optimize):
		return fault.New(fault.InvalidRequest, "the levels of optimisation are %s", strings.Join(levels, ", "))
	}
	if len(o.Include) > 0 && !lang.Includes() {
		return fault.New(fault.InvalidRequest, "the compiler looks imports up beside the importing file only")
	}
	if len(o.Include) > maxIncludes {
		return fault.New(fault.TooLarge, "there are more than %d folders to look imports up in", maxIncludes)
	}
	for _, dir := range o.Include {
		if !fs.ValidPath(dir) || !plain(dir) {
			return fault.New(fault.InvalidRequest, "%q: want a folder inside the source folder to look imports up in, such as lib", dir)
		}
	}
	return nil
}

// checkPath accepts the path of a source file: relative, canonical, inside the
// set. Characters that would make error messages ambiguous are refused.
func checkPath(name, extension string) error {
	switch {
	case len(name) > 255:
		return fault.New(fault.InvalidRequest, "a source file's path is longer than 255 bytes")
	case !fs.ValidPath(name) || name == "." || strings.Contains(name, `\`):
		return fault.New(fault.InvalidRequest, "source file %q: want a path inside the source folder, such as lib/hash%s", name, extension)
	case !plain(name):
		return fault.New(fault.InvalidRequest, "source file %q: control characters and colons aren't allowed in its path", name)
	case !strings.HasSuffix(name, extension):
		return fault.New(fault.InvalidRequest, "source file %q: its name must end in %s", name, extension)
	}
	return nil
}

// plain reports whether a path has none of the characters that would make
// messages and command lines ambiguous.
func plain(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == ':' || r == '\\' || r == 0x7f || r == utf8.RuneError })
}
