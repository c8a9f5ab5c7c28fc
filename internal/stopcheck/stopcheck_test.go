package stopcheck

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"go.uber.org/goleak"

	"provery/internal/wasmcode"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestSameResults runs a module that uses all kinds of sections.
func TestSameResults(t *testing.T) {
	t.Parallel()
	checked, err := Instrument(rich().assemble())
	if err != nil {
		t.Fatal(err)
	}
	if checked.Stop != "provery.stop.0.1" || checked.Start != "" {
		t.Errorf("got the names %q, %q", checked.Stop, checked.Start)
	}
	r := runtimeOf(t, wazero.NewRuntimeConfig())
	for name, wasm := range map[string][]byte{"as it is": rich().assemble(), "with checks": checked.Wasm} {
		code := compile(t, r, wasm)
		m, err := r.InstantiateModule(t.Context(), code, wazero.NewModuleConfig().WithName(""))
		if err != nil {
			t.Fatal(err)
		}
		const calls = 10000 // several polls
		for range calls {
			sum, err := m.ExportedFunction("sum").Call(t.Context())
			if err != nil || sum[0] != 7 {
				t.Fatalf("%s: got %v, %v", name, sum, err)
			}
		}
		if n := m.ExportedGlobal("provery.stop").Get(); n != 5+calls {
			t.Errorf("%s: the module's own global is %d", name, n)
		}
		if def := code.ExportedFunctions()["sum"]; def.Name() != "sum" {
			t.Errorf("%s: the name is %q", name, def.Name())
		}
	}
}

// TestShortCallsStop calls a function that never gets to a poll by itself.
func TestShortCallsStop(t *testing.T) {
	t.Parallel()
	checked, err := Instrument(rich().assemble())
	if err != nil {
		t.Fatal(err)
	}
	r := runtimeOf(t, wazero.NewRuntimeConfig())
	m, err := r.Instantiate(t.Context(), checked.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	mutable(t, m, checked.Stop).Set(1)
	for range stepsPerPoll {
		if _, err := m.ExportedFunction("sum").Call(t.Context()); err != nil {
			return
		}
	}
	t.Error("it goes on")
}

// TestShortFunctions finds functions without steps, and those that call them with
// a step for every two calls.
func TestShortFunctions(t *testing.T) {
	t.Parallel()
	nops := func(n int) []byte { return bytes.Repeat([]byte{0x01}, n) }
	step := []byte{wasmcode.OpI32Eqz, wasmcode.OpIf, wasmcode.TypeNone, wasmcode.OpCall}
	for _, tc := range []struct {
		name string
		code []byte
		want int // steps
	}{
		{"short", nops(200), 0},
		{"short, nearly too long", nops(shortBytes - 2), 0},
		{"long", nops(shortBytes - 1), 3},
		{"with a loop", []byte{wasmcode.OpLoop, wasmcode.TypeNone, wasmcode.OpEnd}, 2},
		{"with a call", []byte{wasmcode.OpCall, 1}, 1},
		{"with a call through a table", []byte{wasmcode.OpI32Const, 0, wasmcode.OpCallIndirect, 0, 0}, 1},
		{"with growing memory", []byte{wasmcode.OpI32Const, 0, wasmcode.OpMemoryGrow, 0, wasmcode.OpDrop}, 1},
		{"with a long instruction", []byte{wasmcode.OpI32Const, 0, wasmcode.OpI32Const, 0, wasmcode.OpI32Const, 1, wasmcode.OpMisc, 11, 0}, 1},
		{"with many calls", bytes.Repeat([]byte{wasmcode.OpCall, 1}, 100), 1},
		{"with many calls of long functions", bytes.Repeat([]byte{wasmcode.OpCall, 2}, 100), 1 + 50},
		{"with many calls of functions that take steps", bytes.Repeat([]byte{wasmcode.OpCall, 3}, 100), 1},
	} {
		checked, err := Instrument(parts{
			types: [][]byte{{0x60, 0, 0}}, functions: [][]byte{{0}, {0}, {0}, {0}}, tables: [][]byte{{0x70, 0, 1}}, memories: [][]byte{{0, 1}},
			code: [][]byte{body(tc.code), body(), body(nops(shortBytes - 2)), body([]byte{wasmcode.OpCall, 1})},
		}.assemble())
		if err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		if got := bytes.Count(checked.Wasm, step) - 1; got != tc.want { // but for the last function's
			t.Errorf("%s: %d steps, want %d", tc.name, got, tc.want)
		}
		compile(t, runtimeOf(t, wazero.NewRuntimeConfig()), checked.Wasm)
	}
}

// TestStart makes the host call the start function.
func TestStart(t *testing.T) {
	t.Parallel()
	p := rich()
	p.types = append(p.types, []byte{0x60, 0, 0})
	p.functions = append(p.functions, []byte{2})
	p.code = append(p.code, body([]byte{wasmcode.OpI32Const, 42, wasmcode.OpGlobalSet, 0}))
	p.start = []byte{2}
	checked, err := Instrument(p.assemble())
	if err != nil {
		t.Fatal(err)
	}
	r := runtimeOf(t, wazero.NewRuntimeConfig())
	m, err := r.Instantiate(t.Context(), checked.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	own := m.ExportedGlobal("provery.stop")
	if own.Get() != 5 {
		t.Error("the start function ran by itself")
	}
	if _, err := m.ExportedFunction(checked.Start).Call(t.Context()); err != nil || own.Get() != 42 {
		t.Errorf("got %d, %v", own.Get(), err)
	}
}

// TestNotUnderstood refuses modules whose checks could be undone, or that the
// polls can't be made for.
func TestNotUnderstood(t *testing.T) {
	t.Parallel()
	change := func(f func(*parts)) []byte {
		p := rich()
		f(&p)
		return p.assemble()
	}
	for name, wasm := range map[string][]byte{
		"empty":       nil,
		"header only": []byte("\x00asm\x01\x00\x00\x00"),
		"sets the steps": change(func(p *parts) {
			p.code[0] = body([]byte{wasmcode.OpI32Const, 9, wasmcode.OpGlobalSet, 3, wasmcode.OpI32Const, 0})
		}),
		"clears the stop": change(func(p *parts) {
			p.code[0] = body([]byte{wasmcode.OpI32Const, 0, wasmcode.OpGlobalSet, 4, wasmcode.OpI32Const, 0})
		}),
		"reads the stop":              change(func(p *parts) { p.code[0] = body([]byte{wasmcode.OpGlobalGet, 4}) }),
		"no memory":                   change(func(p *parts) { p.memories = nil }),
		"an imported global":          change(func(p *parts) { p.imports = [][]byte{{1, 'a', 1, 'b', 3, wasmcode.TypeI32, 1}} }),
		"an unknown instruction":      change(func(p *parts) { p.code[1] = body([]byte{0xfe, 0, 0}) }),
		"an unknown long instruction": change(func(p *parts) { p.code[1] = body([]byte{wasmcode.OpMisc, 18}) }),
		"a body that ends inside":     change(func(p *parts) { p.code[1] = []byte{3, 0, wasmcode.OpI32Const, 0x80} }),
		"bytes after the globals":     change(func(p *parts) { p.globals[2] = append(p.globals[2], 0) }),
		"one section twice":           append(rich().assemble(), wasmcode.SectionCode, 1, 0),
		"a section beyond the end":    append(rich().assemble(), wasmcode.SectionCustom, 9, 0),
	} {
		if _, err := Instrument(wasm); !errors.Is(err, ErrNotUnderstood) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestTooLarge bounds the result, and what wazero makes of it.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	for name, code := range map[string][]byte{
		"loops":    body(bytes.Repeat([]byte{wasmcode.OpLoop, wasmcode.TypeNone, wasmcode.OpEnd}, 1<<18), []byte{wasmcode.OpI32Const, 0}),
		"blocks":   body(bytes.Repeat([]byte{wasmcode.OpBlock, wasmcode.TypeNone, wasmcode.OpEnd}, 1<<14), []byte{wasmcode.OpI32Const, 0}),
		"branches": body(bytes.Repeat([]byte{wasmcode.OpI32Const, 0, wasmcode.OpBrIf, 0}, 1<<14), []byte{wasmcode.OpI32Const, 0}),
		"code":     body(bytes.Repeat([]byte{0x01}, maxFunctionBytes), []byte{wasmcode.OpI32Const, 0}),
		"locals":   {10, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, wasmcode.TypeI32, wasmcode.OpI32Const, 0, wasmcode.OpEnd},
	} {
		p := rich()
		p.code[1] = code
		if _, err := Instrument(p.assemble()); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestLargeTables bounds the memory of tables.
func TestLargeTables(t *testing.T) {
	t.Parallel()
	for _, tables := range [][][]byte{
		{{0x70, 0, 0x80, 0x80, 0x80, 0x20}},
		{{0x70, 1, 0x80, 0x80, 0x80, 2, 0x80, 0x80, 0x80, 2}, {0x70, 0, 0x80, 0x80, 0x80, 2}, {0x6f, 0, 0x80, 0x80, 0x80, 2}},
	} {
		p := rich()
		p.tables = tables
		if _, err := Instrument(p.assemble()); !errors.Is(err, ErrTooLarge) {
			t.Errorf("% x: got %v", tables, err)
		}
	}
}

// TestTooMuchTogether bounds what functions take together that are within the
// limits each, short ones too.
func TestTooMuchTogether(t *testing.T) {
	t.Parallel()
	block := []byte{wasmcode.OpBlock, wasmcode.TypeNone, wasmcode.OpEnd}
	for name, tc := range map[string]struct {
		code []byte
		n    int
		want error
	}{
		"one":        {body(bytes.Repeat(block, 1<<13)), 1, nil},
		"many":       {body(bytes.Repeat(block, 1<<13)), 4, ErrTooLarge},
		"short":      {body(bytes.Repeat(block, 800)), 100, nil},
		"many short": {body(bytes.Repeat(block, 800)), 1000, ErrTooLarge},
		"too many":   {body(), maxFunctions + 1, ErrTooLarge},
		"locals":     {withLocals(maxLocals, bytes.Repeat(block, 10)), 1, nil},
		"in locals":  {withLocals(maxLocals, bytes.Repeat(block, 100)), 1, ErrTooLarge},
	} {
		_, err := Instrument(parts{
			types: [][]byte{{0x60, 0, 0}}, functions: slices.Repeat([][]byte{{0}}, tc.n), memories: [][]byte{{0, 1}},
			code: slices.Repeat([][]byte{tc.code}, tc.n),
		}.assemble())
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// withLocals encodes a function with n local variables.
func withLocals(n uint32, code []byte) []byte {
	b := slices.Concat([]byte{1}, wasmcode.AppendULEB(nil, n), []byte{wasmcode.TypeI32}, code, []byte{wasmcode.OpEnd})
	return append(wasmcode.AppendULEB(nil, uint32(len(b))), b...)
}

// TestInstructions checks that every instruction that wazero accepts is
// understood, and that a module full of it is still accepted afterwards. What
// follows an instruction that can't be reached may have any type.
func TestInstructions(t *testing.T) {
	t.Parallel()
	r := runtimeOf(t, wazero.NewRuntimeConfigInterpreter())
	zeros := make([]byte, 18)
	var cases [][]byte
	for op := range 256 {
		b := byte(op)
		cases = append(cases, append([]byte{b}, zeros...),
			[]byte{b, wasmcode.TypeNone, wasmcode.OpUnreachable, wasmcode.OpEnd}, []byte{b, 1, wasmcode.OpUnreachable, wasmcode.OpEnd}, // blocks
			append([]byte{b, 1, wasmcode.TypeI32}, zeros...), []byte{b, 0x70}, []byte{b, 0xff, 0xff, 0xff, 0xff, 0x7f},
			append([]byte{wasmcode.OpMisc, b}, zeros...), append([]byte{wasmcode.OpMisc, b | 0x80, 0}, zeros...),
			append([]byte{wasmcode.OpVector, b}, zeros...), append([]byte{wasmcode.OpVector, b, 1}, zeros...))
	}
	accepted := 0
	for _, c := range cases {
		p := rich()
		p.code[1] = body([]byte{wasmcode.OpUnreachable}, bytes.Repeat(append(c, wasmcode.OpUnreachable), 3*straightStep/len(c)))
		if _, err := r.CompileModule(t.Context(), p.assemble()); err != nil {
			continue
		}
		accepted++
		checked, err := Instrument(p.assemble())
		if c[0] == wasmcode.OpMisc && c[1]&0x7f == wasmcode.MiscTableGrow {
			if !errors.Is(err, ErrNotUnderstood) {
				t.Errorf("% x, which grows a table: %v", c, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("% x: %v", c, err)
			continue
		}
		if _, err := r.CompileModule(t.Context(), checked.Wasm); err != nil {
			t.Errorf("% x, with checks: %v", c, err)
		}
	}
	if accepted < 500 {
		t.Errorf("only %d of %d were accepted", accepted, len(cases))
	}
}

// FuzzInstrument instruments modules. Those that wazero accepts it accepts
// afterwards. It isn't asked about others, for which it may take much memory.
func FuzzInstrument(f *testing.F) {
	f.Add(rich().assemble())
	files, err := filepath.Glob("../../testdata/circom/bn128/*.wasm")
	if err != nil || len(files) == 0 {
		f.Fatal("no calculators", err)
	}
	for _, file := range files[:1] {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	r := runtimeOf(f, wazero.NewRuntimeConfigInterpreter())
	accepts := func(ctx context.Context, wasm []byte) bool {
		code, err := r.CompileModule(ctx, wasm)
		if err != nil {
			return false
		}
		_ = code.Close(ctx)
		return true
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		checked, err := Instrument(b)
		if err == nil && accepts(t.Context(), b) && !accepts(t.Context(), checked.Wasm) {
			t.Error("not accepted with checks")
		}
	})
}

// mutable returns a module's global that stops it.
func mutable(t *testing.T, m api.Module, name string) api.MutableGlobal {
	t.Helper()
	g, ok := m.ExportedGlobal(name).(api.MutableGlobal)
	if !ok {
		t.Fatalf("there is no mutable global %q", name)
	}
	return g
}
