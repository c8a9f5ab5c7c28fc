package circom

import (
	"context"
	"errors"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tetratelabs/wazero/api"

	"provery/internal/fault"
)

// hostModule is the name that all of a calculator's imports are under.
const hostModule = "runtime"

// hostFunctions are what a calculator may import.
var hostFunctions = map[string]signature{
	"exceptionHandler": {1, 0}, "printErrorMessage": {0, 0}, "writeBufferMessage": {0, 0}, "showSharedRWMemory": {0, 0},
}

// runKey is the context key of the run that a host function is called for.
type runKey struct{}

// console is what a calculator printed.
type console struct {
	enabled  bool     // keep lines of log statements
	lines    []string // ended ones
	line     strings.Builder
	size     int
	messages []string // of a failed assertion, innermost first
}

const (
	maxMessage  = 1 << 12 // bytes of one message
	maxLogs     = 1 << 20 // bytes of all log lines
	maxMessages = 64      // of a failed assertion
)

// instantiateHost gives the runtime the functions that calculators import.
func instantiateHost(ctx context.Context, m *module) error {
	builder := m.runtime.NewHostModuleBuilder(hostModule)
	for name, f := range map[string]func(*run, context.Context, uint32) error{
		"exceptionHandler":   (*run).exception,
		"printErrorMessage":  (*run).printError,
		"writeBufferMessage": (*run).printText,
		"showSharedRWMemory": (*run).printValue,
	} {
		params := make([]api.ValueType, hostFunctions[name].params)
		for i := range params {
			params[i] = api.ValueTypeI32
		}
		builder.NewFunctionBuilder().WithGoFunction(api.GoFunc(func(ctx context.Context, stack []uint64) {
			r, ok := ctx.Value(runKey{}).(*run)
			if !ok {
				panic(errors.New("a host function was called outside of a run"))
			}
			code := uint32(0)
			if len(stack) > 0 {
				code = uint32(stack[0])
			}
			if err := callHost(ctx, r, code, f); err != nil {
				// A panic is how a host function ends a call into the module.
				panic(err)
			}
		}), params, nil).Export(name)
	}
	_, err := builder.Instantiate(ctx)
	return fault.Wrap(err, fault.Internal, "offer functions to the witness calculator")
}

// callHost calls f, unless it is called before the instance is known: by the
// module's start function, which no calculator has.
func callHost(ctx context.Context, r *run, code uint32, f func(*run, context.Context, uint32) error) error {
	if r.instance == nil || r.memory == nil {
		r.failure = fault.New(fault.InvalidArtifact, "the witness calculator runs before it is asked to")
		return r.failure
	}
	return f(r, ctx, code)
}

// message reads the calculator's current message.
func (r *run) message(ctx context.Context) (string, error) {
	get := r.instance.ExportedFunction("getMessageChar")
	var text []byte
	var stack [1]uint64
	for {
		// A function that is short enough isn't stopped, and may never return 0.
		if err := ctx.Err(); err != nil {
			return "", err
		}
		if err := get.CallWithStack(ctx, stack[:]); err != nil {
			return "", err
		}
		c := byte(stack[0])
		if c == 0 {
			return string(text), nil
		}
		if len(text) < maxMessage {
			text = append(text, c)
		}
	}
}

func (r *run) printError(ctx context.Context, _ uint32) error {
	text, err := r.message(ctx)
	if err == nil && len(r.console.messages) < maxMessages {
		r.console.messages = append(r.console.messages, text)
	}
	return err
}

func (r *run) printText(ctx context.Context, _ uint32) error {
	text, err := r.message(ctx)
	if err != nil {
		return err
	}
	c := &r.console
	if text == "\n" {
		if c.enabled && c.size < maxLogs {
			c.lines = append(c.lines, strings.ToValidUTF8(c.line.String(), "\ufffd"))
		}
		c.line.Reset()
		return nil
	}
	c.print(text)
	return nil
}

func (r *run) printValue(context.Context, uint32) error {
	b, err := r.buffer()
	if err != nil {
		return err
	}
	value := slices.Clone(b)
	slices.Reverse(value)
	r.console.print(new(big.Int).SetBytes(value).String())
	return nil
}

// print appends an item to the line being printed, as the tools of Circom do:
// with a blank between two.
func (c *console) print(item string) {
	if !c.enabled || c.size >= maxLogs {
		return
	}
	if c.line.Len() > 0 {
		c.line.WriteByte(' ')
	}
	c.line.WriteString(item)
	c.size += len(item) + 1
}

// The codes of exceptions.
const (
	exceptionUnknownSignal = iota + 1
	exceptionTooMany
	exceptionTwice
	exceptionAssert
	exceptionMemory
	exceptionIndex
)

// exception ends the run with the meaning of the calculator's exception.
func (r *run) exception(_ context.Context, code uint32) error {
	text := ""
	switch code {
	case exceptionAssert:
		r.failure = assertion(r.console.messages)
		return r.failure
	case exceptionIndex:
		text = "an array is accessed beyond its size"
	case exceptionMemory:
		text = "the witness calculator is out of memory"
	case exceptionUnknownSignal, exceptionTooMany, exceptionTwice:
		r.failure = fault.New(fault.InvalidArtifact, "the witness calculator doesn't take the inputs that the circuit's symbols name")
		return r.failure
	default:
		text = "the witness calculator gave up"
	}
	r.failure = fault.New(fault.UnsatisfiedWitness, "%s", text)
	return r.failure
}

// place is the form of a message: it names the instance of a template, which
// is the template with a number, and the line of the assertion or of the call.
var place = regexp.MustCompile(`in template ([A-Za-z0-9_$]{1,200}?)(?:_[0-9]{1,9})? line: ([0-9]{1,9})`)

// assertion returns the failure that the messages describe. Nothing else of
// them is repeated: they come from code that somebody uploaded, which knows
// the arguments.
func assertion(messages []string) error {
	err := fault.New(fault.UnsatisfiedWitness, "assertion failed")
	callers := ""
	for _, m := range messages {
		found := place.FindStringSubmatch(m)
		if found == nil {
			continue
		}
		if err.Position == nil {
			line, _ := strconv.Atoi(found[2]) // at most nine digits
			err.Position = &fault.Position{File: "template " + found[1], Line: line}
			err.Detail = "assertion failed in template " + found[1] + " line " + found[2]
			continue
		}
		callers += ", " + found[1] + " line " + found[2]
	}
	if callers != "" {
		err.Detail += ", called from " + callers[2:]
	}
	return err
}
