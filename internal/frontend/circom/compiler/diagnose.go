package compiler

import (
	"errors"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"provery/internal/fault"
	"provery/internal/frontend/hosting"
)

var (
	colours = regexp.MustCompile("\x1b\\[[0-9;]*m")
	// title begins an error, such as "error[T2021]: Undeclared symbol".
	title = regexp.MustCompile(`^(error|warning)(?:\[\w+\])?: *(.*)$`)
	// more goes on with a title.
	more = regexp.MustCompile(`^ ([^ =].*)$`)
	// place is the line ` ┌─ "/src/main.circom":2:55`.
	place = regexp.MustCompile(`^\s*┌─ "?(.+?)"?:(\d+):(\d+)$`)
	// label is a line of an excerpt that points to a part: ` │   ^^^ what about it`.
	label = regexp.MustCompile(`^\s*│\s*[\^\-][\^\- ]* (.*)$`)
	// missing is the title of an include of a file that isn't there.
	missing = regexp.MustCompile(`^The file (.*) to be included has not been found$`)
	// syntax is the title of a syntax error: what the parser's generator calls it.
	syntax = regexp.MustCompile(`^(UnrecognizedToken|UnrecognizedEOF|InvalidToken|ExtraToken) \{`)
	offset = regexp.MustCompile(`location: (\d+)`)
)

// parseErrors reads what the compiler said: for each error a title, in most
// cases a place with an excerpt of the source, and a blank line.
func parseErrors(text string) hosting.Errors {
	var list hosting.Errors
	inside := false // an error, not a warning
	for line := range strings.Lines(colours.ReplaceAllString(text, "")) {
		line = strings.TrimRight(line, "\r\n")
		if m := title.FindStringSubmatch(line); m != nil {
			if inside = m[1] == "error" && len(list) < hosting.MaxErrors; inside {
				list = append(list, fault.Diagnostic{Message: strings.TrimSpace(m[2])})
			}
			continue
		}
		if !inside {
			continue
		}
		d := &list[len(list)-1]
		if m := place.FindStringSubmatch(line); m != nil && d.Line == 0 {
			d.Position = fault.Position{File: sourceName(m[1]), Line: number(m[2]), Column: number(m[3])}
		} else if m := label.FindStringSubmatch(line); m != nil && m[1] != "" {
			d.Message += ": " + m[1]
		} else if m := more.FindStringSubmatch(line); m != nil && d.Line == 0 {
			d.Message += ": " + m[1]
		}
		inside = line != ""
	}
	return list
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil { // too large to be true
		return 0
	}
	return n
}

// sourceName returns the name in the source set of a file of the compiler.
func sourceName(file string) string {
	return strings.TrimPrefix(path.Clean(file), sourceRoot+"/")
}

// refused turns what the compiler said before it gave up into an error.
func refused(said string, job *hosting.Job) error {
	list := parseErrors(said)
	if len(list) == 0 {
		text := colours.ReplaceAllString(said, "")
		text, _, _ = strings.Cut(text, "previous errors were found")
		list = hosting.Errors{{Position: fault.Position{File: job.Main}, Message: hosting.Shorten("the compiler failed: " + text)}}
	}
	for i := range list {
		d := &list[i]
		d.Message = strings.ReplaceAll(d.Message, sourceRoot+"/", "")
		switch {
		case missing.MatchString(d.Message):
			name := missing.FindStringSubmatch(d.Message)[1]
			d.Position = includeOf(name, job)
			d.Message = "cannot include " + strconv.Quote(name) + ": there is no such file beside the including one, nor in the folders to look in"
		case syntax.MatchString(d.Message):
			*d = syntaxError(*d, job)
		}
		if d.File == "" {
			d.File = job.Main
		}
	}
	return hosting.Refused(fault.InvalidArtifact, list)
}

// syntaxError says in our words what the parser's generator calls by its own.
func syntaxError(d fault.Diagnostic, job *hosting.Job) fault.Diagnostic {
	ends := strings.HasPrefix(d.Message, "UnrecognizedEOF")
	at := offset.FindStringSubmatch(d.Message)
	d.Message = "syntax error"
	if ends && at != nil { // its place is said to be the file's first byte
		d.Message = "syntax error: the file ends too early"
		d.Position = position(d.File, job.Sources[d.File], number(at[1]))
	}
	return d
}

// includeOf returns the first place where the sources include a name, which the
// compiler doesn't tell.
func includeOf(name string, job *hosting.Job) fault.Position {
	files := slices.Sorted(maps.Keys(job.Sources))
	for _, file := range slices.Concat([]string{job.Main}, files) {
		text := job.Sources[file]
		for _, m := range included.FindAllStringSubmatchIndex(text, -1) {
			if text[m[2]:m[3]] == name {
				return position(file, text, m[0])
			}
		}
	}
	return fault.Position{}
}

// position returns the place of a byte in a text. Columns count characters.
func position(file, text string, at int) fault.Position {
	before := text[:min(at, len(text))]
	start := strings.LastIndexByte(before, '\n') + 1
	return fault.Position{File: file, Line: strings.Count(before, "\n") + 1, Column: len([]rune(before[start:])) + 1}
}

// crashed says what ended the module.
func crashed(said string, job *hosting.Job, err error) error {
	said = colours.ReplaceAllString(said, "")
	_, panicked, found := strings.Cut(said, "panicked at ")
	cause := errors.Join(errors.New(hosting.Shorten(said)), err)
	switch {
	case strings.Contains(said, "memory allocation of"), strings.Contains(said, "capacity overflow"):
		return hosting.OutOfMemory(job.Memory, "", cause)
	case strings.Contains(err.Error(), "stack overflow"), !found && strings.Contains(err.Error(), "out of bounds memory access"):
		return &fault.Error{
			Code: fault.Unsupported, Err: cause,
			Detail: "the compiler ran out of stack: an expression, a call or a template is nested too deeply",
		}
	case found:
		return &fault.Error{
			Code: fault.InvalidArtifact, Err: cause,
			Detail: "the compiler failed: " + hosting.Shorten(panicked),
		}
	}
	return cause
}
