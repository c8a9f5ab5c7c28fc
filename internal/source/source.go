// Package source collects the source files of a circuit from what clients
// send: single files, and archives in the formats tar, tar.gz and zip. What it
// returns is a set of files by path below one root; nothing is written to disk,
// and nothing outside of the set can be named. Every size and count is bounded
// before memory is taken for it.
package source

import (
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"provery/internal/fault"
)

// Limits bound a set of sources. All fields must be set.
type Limits struct {
	Bytes int64 // of all source files together
	Files int   // source files
	// Expanded bounds what an archive unpacks to, with all that isn't source.
	Expanded int64
	// Entries bounds the entries of an archive, of whatever kind.
	Entries int
}

// Files are the contents of source files by slash-separated path, relative to
// their common root.
type Files map[string][]byte

// Collector gathers source files within limits. Files whose names don't end in
// the extension are passed over in archives, and refused where they are added
// one by one.
type Collector struct {
	limits    Limits
	extension string
	files     Files
	bytes     int64
	expanded  int64 // what came out of archives
	claimed   int64 // what their entries say that they have
	entries   int
}

// NewCollector returns a collector of files with the extension, such as
// ".zok".
func NewCollector(limits Limits, extension string) *Collector {
	return &Collector{limits: limits, extension: extension, files: Files{}}
}

// Files returns what was collected.
func (c *Collector) Files() Files { return c.files }

// Add reads one file. Errors: InvalidRequest for its path, TooLarge, or that of
// the reader.
func (c *Collector) Add(name string, r io.Reader) error {
	clean, err := Path(name)
	if err != nil {
		return err
	}
	if !strings.HasSuffix(clean, c.extension) {
		return fault.New(fault.InvalidRequest, "source file %q: its name must end in %s", clean, c.extension)
	}
	return c.read(clean, r)
}

// read reads a source file of a checked path.
func (c *Collector) read(name string, r io.Reader) error {
	if _, twice := c.files[name]; twice {
		return fault.New(fault.InvalidRequest, "source file %q occurs twice", name)
	}
	if len(c.files) >= c.limits.Files {
		return fault.New(fault.TooLarge, "there are more than %d source files", c.limits.Files)
	}
	left := c.limits.Bytes - c.bytes
	content, err := io.ReadAll(io.LimitReader(r, left+1))
	if err != nil {
		return err
	}
	if int64(len(content)) > left {
		return fault.New(fault.TooLarge, "the source files have more than %d bytes", c.limits.Bytes)
	}
	c.bytes += int64(len(content))
	c.files[name] = content
	return nil
}

// maxPath bounds the path of a source file, in bytes.
const maxPath = 255

// Path returns the canonical form of a file's path: relative, with slashes,
// without a leading "./". One that is absolute, that has "..", a backslash or a
// drive, or that isn't printable is InvalidRequest.
func Path(name string) (string, error) {
	switch {
	case len(name) > maxPath:
		return "", fault.New(fault.InvalidRequest, "a source file's path is longer than %d bytes", maxPath)
	case !utf8.ValidString(name), strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }):
		return "", fault.New(fault.InvalidRequest, "source file %q: its path isn't printable", name)
	case strings.HasPrefix(name, "/"), strings.ContainsAny(name, `\:`):
		return "", fault.New(fault.InvalidRequest, "source file %q: want a path inside the source folder, such as lib/hash", name)
	}
	// Not path.Clean first: it would make an escape look harmless.
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", fault.New(fault.InvalidRequest, "source file %q: the path leaves the source folder", name)
		}
	}
	clean := path.Clean(name)
	if clean == "." || !fs.ValidPath(clean) {
		return "", fault.New(fault.InvalidRequest, "source file %q: want a path inside the source folder, such as lib/hash", name)
	}
	return clean, nil
}

// Main returns the path of the file with the main function: wanted, if it is
// given; or else the only file, main with the extension at the root, or the only
// file of that name. Errors are InvalidRequest.
func (c *Collector) Main(wanted string) (string, error) {
	if wanted != "" {
		name, err := Path(wanted)
		if err != nil {
			return "", err
		}
		if _, found := c.files[name]; !found {
			return "", fault.New(fault.InvalidRequest, "the main file %q is not among the sources", name)
		}
		return name, nil
	}
	usual := "main" + c.extension
	if _, found := c.files[usual]; found {
		return usual, nil
	}
	var candidates []string
	for name := range c.files {
		if len(c.files) == 1 || path.Base(name) == usual {
			candidates = append(candidates, name)
		}
	}
	switch {
	case len(c.files) == 0:
		return "", fault.New(fault.InvalidRequest, "there are no source files (%s)", c.extension)
	case len(candidates) != 1:
		return "", fault.New(fault.InvalidRequest, "which of the %d files has the main function? there isn't exactly one %s: name it", len(c.files), usual)
	}
	return candidates[0], nil
}
