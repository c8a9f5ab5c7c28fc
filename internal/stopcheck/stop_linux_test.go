package stopcheck

import (
	"bytes"
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"golang.org/x/sys/unix"

	"provery/internal/wasmcode"
)

// processorTime returns what this process has used.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// fill writes 16 MiB.
var fill = []byte{wasmcode.OpI32Const, 0, wasmcode.OpI32Const, 0, wasmcode.OpI32Const, 0x80, 0x80, 0x80, 8, wasmcode.OpMisc, 11, 0}

// endless are bodies of functions that don't return in years, or, without a
// loop, in seconds. They have type 0, call themselves as 1 and another function
// as 2, which has a parameter.
var endless = []struct {
	name         string
	body, called []byte
}{
	{name: "loop", body: []byte{wasmcode.OpLoop, wasmcode.TypeNone, 0x0c, 0, wasmcode.OpEnd}},
	{name: "loop within blocks", body: []byte{
		0x02, wasmcode.TypeNone, wasmcode.OpI32Const, 1, wasmcode.OpIf, wasmcode.TypeNone, wasmcode.OpUnreachable, 0x05, wasmcode.OpEnd, 0x02, wasmcode.TypeNone, 0x02, wasmcode.TypeNone,
		wasmcode.OpLoop, wasmcode.TypeNone, 0x02, wasmcode.TypeNone, 0x0c, 1, wasmcode.OpEnd, wasmcode.OpEnd, wasmcode.OpEnd, wasmcode.OpEnd, wasmcode.OpEnd,
	}},
	{name: "loop by a table", body: []byte{
		wasmcode.OpLoop, wasmcode.TypeNone, 0x02, wasmcode.TypeNone, wasmcode.OpLoop, wasmcode.TypeNone, wasmcode.OpI32Const, 1, 0x0e, 2, 0, 2, 1, wasmcode.OpEnd, wasmcode.OpEnd, wasmcode.OpEnd,
	}},
	{name: "loop of two results", body: []byte{
		wasmcode.OpI32Const, 7, wasmcode.OpLoop, 1, 0x0c, 0, wasmcode.OpEnd,
	}},
	{
		name: "recursion", body: []byte{wasmcode.OpI32Const, 60, wasmcode.OpCall, 2},
		called: []byte{0x20, 0, wasmcode.OpIf, wasmcode.TypeNone, 0x20, 0, wasmcode.OpI32Const, 1, wasmcode.OpI32Sub, wasmcode.OpCall, 2, 0x20, 0, wasmcode.OpI32Const, 1, wasmcode.OpI32Sub, wasmcode.OpCall, 2, wasmcode.OpEnd},
	},
	{
		name: "recursion by a table", body: []byte{wasmcode.OpI32Const, 60, wasmcode.OpI32Const, 0, 0x11, 1, 0},
		called: []byte{
			0x20, 0, wasmcode.OpIf, wasmcode.TypeNone, 0x20, 0, wasmcode.OpI32Const, 1, wasmcode.OpI32Sub, wasmcode.OpI32Const, 0, 0x11, 1, 0,
			0x20, 0, wasmcode.OpI32Const, 1, wasmcode.OpI32Sub, wasmcode.OpI32Const, 0, 0x11, 1, 0, wasmcode.OpEnd,
		},
	},
	{name: "long instructions without a loop", body: bytes.Repeat(fill, 2000)},
	{
		name:   "short functions in a loop",
		body:   append(append([]byte{wasmcode.OpLoop, wasmcode.TypeNone}, bytes.Repeat([]byte{wasmcode.OpI32Const, 0, wasmcode.OpCall, 2}, 5000)...), 0x0c, 0, wasmcode.OpEnd),
		called: bytes.Repeat([]byte{wasmcode.OpGlobalGet, 0, wasmcode.OpI32Const, 3, 0x6e, wasmcode.OpGlobalSet, 0}, 360),
	},
	{name: "long code in a loop", body: append(append([]byte{wasmcode.OpLoop, wasmcode.TypeNone}, bytes.Repeat([]byte{wasmcode.OpGlobalGet, 0, wasmcode.OpI32Const, 3, 0x6e, wasmcode.OpGlobalSet, 0}, 20_000)...), 0x0c, 0, wasmcode.OpEnd)},
}

// TestStops stops modules that go on for ever, while the garbage collector
// works, with several processors of Go and with one: what stops a module needs
// a turn. It isn't parallel: the time is the whole process's.
func TestStops(t *testing.T) {
	for _, c := range endless {
		t.Run(c.name, func(t *testing.T) { testStops(t, c.body, c.called) })
	}
	t.Run("one processor", func(t *testing.T) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		testStops(t, endless[0].body, nil)
	})
}

func testStops(t *testing.T, code, called []byte) {
	checked, err := Instrument(parts{
		types:     [][]byte{{0x60, 0, 0}, {0x60, 1, wasmcode.TypeI32, 0}},
		imports:   [][]byte{[]byte("\x04host\x07started\x00\x00")},
		functions: [][]byte{{0}, {1}},
		tables:    [][]byte{{0x70, 0, 1}},
		memories:  [][]byte{{0, 0x80, 2}}, // 16 MiB
		globals:   [][]byte{{wasmcode.TypeI32, 1, wasmcode.OpI32Const, 0, wasmcode.OpEnd}},
		exports:   [][]byte{export("run", 0, 1)},
		elements:  [][]byte{{0, wasmcode.OpI32Const, 0, wasmcode.OpEnd, 1, 2}},
		code:      [][]byte{body([]byte{wasmcode.OpCall, 0}, code), body(called)},
	}.assemble())
	if err != nil {
		t.Fatal(err)
	}
	r := runtimeOf(t, wazero.NewRuntimeConfig())
	started := make(chan struct{})
	if _, err := r.NewHostModuleBuilder("host").NewFunctionBuilder().
		WithFunc(func(context.Context) { close(started) }).Export("started").Instantiate(t.Context()); err != nil {
		t.Fatal(err)
	}
	m, err := r.Instantiate(t.Context(), checked.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := m.ExportedFunction("run").Call(t.Context())
		ended <- err
	}()
	<-started
	before := processorTime(t)
	runtime.GC() // halts every goroutine, so it would wait for ever
	mutable(t, m, checked.Stop).Set(1)
	err = <-ended
	if used := processorTime(t) - before; used > time.Second {
		t.Errorf("it used another %v", used)
	}
	if err == nil || !strings.Contains(err.Error(), "unreachable") {
		t.Errorf("got %v", err)
	}
}
