package worker

import (
	"errors"
	"fmt"
	"path"
	"runtime"
	"runtime/debug"
	"strings"

	"provery/internal/fault"
	"provery/internal/parallel"
)

// recoverTo turns a panic into an internal error, and does the same with an
// error that holds a panic of a parallel loop. It is for defer.
func recoverTo(err *error) {
	if v := recover(); v != nil {
		*err = fromPanic(v, debug.Stack())
		return
	}
	*err = withoutPanic(*err)
}

// withoutPanic returns err, or, if it holds a panic of a parallel loop, what
// fromPanic makes of that, which says where it was.
func withoutPanic(err error) error {
	var p *parallel.PanicError
	if errors.As(err, &p) {
		return fromPanic(p.Value, p.Stack)
	}
	return err
}

// fromPanic returns a panic as an internal error, whose cause may be logged: a
// panic's value and the arguments in its stack may be private, so that the
// cause names the value's type and the functions only.
func fromPanic(v any, stack []byte) error {
	text := fmt.Sprintf("panic of type %T", v)
	if r, ok := v.(runtime.Error); ok {
		text = "panic: " + withoutNumbers(r.Error())
	}
	return &fault.Error{
		Code: fault.Internal, Detail: "the service met a fault of its own",
		Err: errors.New(text + " in " + strings.Join(frames(stack), " < ")),
	}
}

// withoutNumbers puts a # for each number: an index may be a private value.
func withoutNumbers(s string) string {
	var b strings.Builder
	number := false
	for _, c := range s {
		digit := '0' <= c && c <= '9'
		switch {
		case !digit:
			b.WriteRune(c)
		case !number:
			b.WriteByte('#')
		}
		number = digit
	}
	return b.String()
}

// maxFrames bounds the functions that a panic is logged with.
const maxFrames = 12

// frames returns the functions of a stack as of debug.Stack, from the one that
// panicked on, each with its place and without its arguments.
func frames(stack []byte) []string {
	lines := strings.Split(string(stack), "\n")
	var out []string
	for i := 0; i+1 < len(lines); i++ {
		place, isPlace := strings.CutPrefix(lines[i+1], "\t")
		function := lines[i]
		if !isPlace || strings.HasPrefix(function, "\t") {
			continue
		}
		if strings.HasPrefix(function, "created by ") || len(out) == maxFrames {
			break
		}
		if n := strings.LastIndexByte(function, '('); n > 0 {
			function = function[:n]
		}
		if function == "panic" { // what stands above has caught it
			out = out[:0]
			continue
		}
		place, _, _ = strings.Cut(place, " ")
		out = append(out, function+" "+path.Base(place))
	}
	return out
}
