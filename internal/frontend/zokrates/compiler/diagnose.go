package compiler

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"provery/internal/fault"
)

// Errors are all errors that the compiler found, in its order. Files are named
// as in Request.Sources; those of the standard library have their name there.
type Errors []fault.Diagnostic

// Error returns the errors, one a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, d := range e {
		lines[i] = d.String()
	}
	return strings.Join(lines, "\n")
}

const (
	maxDiagnostics = 1000
	maxDetail      = 1000 // bytes
)

var (
	diagnosticHead = regexp.MustCompile(`^(\S[^:]*):(?:(\d+):(\d+))?$`)
	syntaxHead     = regexp.MustCompile(`^ *--> (\d+):(\d+)$`)
)

// parseErrors reads the compiler's text: for each error a line with file and
// position, then an indented message. name turns the compiler's file names into
// those of the source set.
func parseErrors(text string, name func(location string) string) Errors {
	var list Errors
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		head := diagnosticHead.FindStringSubmatch(lines[i])
		indented := i+1 < len(lines) && strings.HasPrefix(lines[i+1], "\t")
		switch {
		case head != nil && indented && len(list) < maxDiagnostics:
			list = append(list, fault.Diagnostic{Position: fault.Position{File: name(head[1]), Line: number(head[2]), Column: number(head[3])}})
			i++
		case head != nil && indented:
			return finish(list)
		case len(list) == 0:
			list = append(list, fault.Diagnostic{Position: fault.Position{File: name("")}})
		}
		d := &list[len(list)-1]
		d.Message += strings.TrimPrefix(lines[i], "\t") + "\n"
	}
	return finish(list)
}

// finish trims the messages, and takes position and meaning out of a syntax
// error's excerpt:
//
//	 --> 3:13
//	  |
//	3 |   return a +;
//	  |             ^---
//	  |
//	  = expected unaried_term
func finish(list Errors) Errors {
	for i := range list {
		d := &list[i]
		d.Message = strings.TrimSpace(d.Message)
		first, rest, _ := strings.Cut(d.Message, "\n")
		at := syntaxHead.FindStringSubmatch(first)
		if at == nil {
			continue
		}
		d.Line, d.Column = number(at[1]), number(at[2])
		if _, meaning, ok := strings.Cut(rest, "\n  = "); ok {
			d.Message = "syntax error: " + meaning
		} else {
			d.Message = "syntax error"
		}
	}
	return list
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil { // none, or too large to be true
		return 0
	}
	return n
}

// foreignCurve is in the message of a program, or a library module, whose
// pragma names another curve.
const foreignCurve = "is incompatible with curve"

// unresolved begins the message of an import that the resolver refused.
const unresolved = "could not resolve module"

// refused turns the compiler's text into an error. Of an import that the
// resolver refused the text says only where it is: the resolver knows why.
func refused(text string, r *resolver) *fault.Error {
	list := parseErrors(text, r.path)
	e := &fault.Error{Code: fault.InvalidArtifact, Diagnostics: list, Err: list}
	for i := range list {
		d := &list[i]
		switch {
		case r.err != nil && strings.HasPrefix(d.Message, unresolved):
			d.Message, e.Code = r.err.Detail, r.err.Code
		case strings.Contains(d.Message, foreignCurve):
			e.Code = fault.Unsupported
		}
	}
	first := list[0]
	if first.Line > 0 {
		e.Position = &first.Position
	}
	e.Detail = shorten(first.String())
	switch more := len(list) - 1; {
	case more == 1:
		e.Detail += " (and 1 more error)"
	case more > 1:
		e.Detail += fmt.Sprintf(" (and %d more errors)", more)
	}
	return e
}

// shorten returns the text on one line, and cuts what is too long for one.
func shorten(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxDetail {
		text = strings.ToValidUTF8(text[:maxDetail], "") + " …"
	}
	return text
}
