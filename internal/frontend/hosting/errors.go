package hosting

import (
	"fmt"
	"strings"

	"provery/internal/fault"
)

// Errors are all errors that a compiler found, in its order. Files are named
// as in Request.Sources; those of the language's own library have their name
// there.
type Errors []fault.Diagnostic

// Error returns the errors, one a line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, d := range e {
		lines[i] = d.String()
	}
	return strings.Join(lines, "\n")
}

// MaxErrors is how many errors of one compilation a language should report.
const MaxErrors = 1000

// maxDetail bounds a text of the compiler in an error's detail, in bytes.
const maxDetail = 1000

// Refused returns the error of source that the compiler refuses, for one reason
// at least.
func Refused(code fault.Code, list Errors) *fault.Error {
	e := &fault.Error{Code: code, Diagnostics: list, Err: list}
	first := list[0]
	if first.Line > 0 {
		e.Position = &first.Position
	}
	e.Detail = Shorten(first.String())
	switch more := len(list) - 1; {
	case more == 1:
		e.Detail += " (and 1 more error)"
	case more > 1:
		e.Detail += fmt.Sprintf(" (and %d more errors)", more)
	}
	return e
}

// Shorten returns the text on one line, and cuts what is too long for one.
func Shorten(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > maxDetail {
		text = strings.ToValidUTF8(text[:maxDetail], "") + " …"
	}
	return text
}

// OutOfMemory explains that a compiler ran out of memory, whose limit is that of
// 32-bit addresses unless the configuration's is lower. more, if not empty, says
// what that means in the language.
func OutOfMemory(limit int64, more string, cause error) error {
	detail := fmt.Sprintf("the compiler ran out of memory: it has %d MiB here (4 GiB are the most it can use)", limit>>20)
	if more != "" {
		detail += "; " + more
	}
	return &fault.Error{Code: fault.Unsupported, Detail: detail + "; make the program smaller or split it", Err: cause}
}
