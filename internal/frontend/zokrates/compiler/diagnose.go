package compiler

import (
	"regexp"
	"strconv"
	"strings"

	"provery/internal/fault"
	"provery/internal/frontend/hosting"
)

var (
	diagnosticHead = regexp.MustCompile(`^(\S[^:]*):(?:(\d+):(\d+))?$`)
	syntaxHead     = regexp.MustCompile(`^ *--> (\d+):(\d+)$`)
)

// parseErrors reads the compiler's text: for each error a line with file and
// position, then an indented message. name turns the compiler's file names into
// those of the source set.
func parseErrors(text string, name func(location string) string) hosting.Errors {
	var list hosting.Errors
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		head := diagnosticHead.FindStringSubmatch(lines[i])
		indented := i+1 < len(lines) && strings.HasPrefix(lines[i+1], "\t")
		switch {
		case head != nil && indented && len(list) < hosting.MaxErrors:
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
func finish(list hosting.Errors) hosting.Errors {
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
	code := fault.InvalidArtifact
	for i := range list {
		d := &list[i]
		switch {
		case r.err != nil && strings.HasPrefix(d.Message, unresolved):
			d.Message, code = r.err.Detail, r.err.Code
		case strings.Contains(d.Message, foreignCurve):
			code = fault.Unsupported
		}
	}
	return hosting.Refused(code, list)
}
