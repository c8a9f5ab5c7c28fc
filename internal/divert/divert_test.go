package divert

import (
	"bytes"
	"context"
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

// parts are the sections of a module that tests assemble: items of vectors.
// Empty ones are left out.
type parts struct {
	types, imports, functions, tables, memories, globals, exports [][]byte
	start                                                         []byte
	elements, code                                                [][]byte
	custom                                                        []byte
}

func (p parts) assemble() []byte {
	out := []byte(wasmcode.Header)
	vector := func(id byte, items [][]byte) {
		if len(items) > 0 {
			out = wasmcode.AppendSection(out, id, append(wasmcode.AppendULEB(nil, uint32(len(items))), bytes.Join(items, nil)...))
		}
	}
	vector(1, p.types)
	vector(2, p.imports)
	vector(3, p.functions)
	vector(4, p.tables)
	vector(5, p.memories)
	vector(6, p.globals)
	vector(7, p.exports)
	if p.start != nil {
		out = wasmcode.AppendSection(out, 8, p.start)
	}
	vector(9, p.elements)
	vector(10, p.code)
	if p.custom != nil {
		out = wasmcode.AppendSection(out, 0, p.custom)
	}
	return out
}

// body encodes a function without variables.
func body(code ...byte) []byte {
	b := append(append([]byte{0}, code...), wasmcode.OpEnd)
	return append(wasmcode.AppendULEB(nil, uint32(len(b))), b...)
}

func export(name string, kind, index byte) []byte {
	return append(append([]byte{byte(len(name))}, name...), kind, index)
}

// counting is a module whose function 2 stores its parameter plus 1, by function
// 1, at address 0. Its export "run" calls it by its index, "table" through the
// table, and its start function with 41. It imports function 0.
func counting() parts {
	const i32 = wasmcode.TypeI32
	return parts{
		types:     [][]byte{{0x60, 1, i32, 0}, {0x60, 1, i32, 1, i32}, {0x60, 0, 0}},
		imports:   [][]byte{[]byte("\x04host\x04note\x00\x00")},
		functions: [][]byte{{1}, {0}, {0}, {0}, {2}},
		tables:    [][]byte{{0x70, 0, 1}},
		memories:  [][]byte{{0, 1}},
		globals:   [][]byte{{i32, 1, wasmcode.OpI32Const, 5, wasmcode.OpEnd}},
		exports:   [][]byte{export("run", 0, 3), export("table", 0, 4), export("memory", 2, 0), export("note", 0, 0)},
		start:     []byte{5},
		elements:  [][]byte{{0, wasmcode.OpI32Const, 0, wasmcode.OpEnd, 1, 2}},
		code: [][]byte{
			body(0x20, 0, wasmcode.OpI32Const, 1, 0x6a),
			body(wasmcode.OpI32Const, 0, 0x20, 0, wasmcode.OpCall, 1, 0x36, 2, 0),
			body(0x20, 0, wasmcode.OpCall, 2, 0x20, 0, wasmcode.OpCall, 0),
			body(0x20, 0, wasmcode.OpI32Const, 0, wasmcode.OpCallIndirect, 0, 0),
			body(wasmcode.OpI32Const, 41, wasmcode.OpCall, 2),
		},
		custom: []byte("\x04name\x01\x06\x01\x00\x03abc"),
	}
}

func target(t testing.TB) Target {
	t.Helper()
	digests := Digests(counting().assemble())
	if len(digests) != 5 || digests[0] == "" || digests[1] == "" || digests[2] != "" || digests[3] != "" || digests[4] == "" {
		t.Fatalf("got %q", digests)
	}
	return Target{Digest: digests[1], Module: "provery", Name: "store"}
}

// TestApply runs a module whose function the host does for odd parameters.
func TestApply(t *testing.T) {
	t.Parallel()
	wasm, ok := Apply(counting().assemble(), target(t))
	if !ok {
		t.Fatal("not diverted")
	}
	r := wazero.NewRuntime(t.Context())
	defer r.Close(context.Background())
	var noted, asked []uint64
	i32 := []api.ValueType{api.ValueTypeI32}
	host := func(module, name string, results []api.ValueType, f func(api.Module, []uint64)) {
		if _, err := r.NewHostModuleBuilder(module).NewFunctionBuilder().
			WithGoModuleFunction(api.GoModuleFunc(func(_ context.Context, m api.Module, stack []uint64) { f(m, stack) }), i32, results).
			Export(name).Instantiate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	host("host", "note", nil, func(_ api.Module, stack []uint64) { noted = append(noted, stack[0]) })
	host("provery", "store", i32, func(m api.Module, stack []uint64) {
		asked = append(asked, stack[0])
		if stack[0]%2 == 1 {
			m.Memory().WriteUint32Le(0, uint32(stack[0])+1000)
		}
		stack[0] %= 2
	})
	m, err := r.Instantiate(t.Context(), wasm)
	if err != nil {
		t.Fatal(err)
	}
	stored := func(want uint32) {
		t.Helper()
		if got, _ := m.Memory().ReadUint32Le(0); got != want {
			t.Errorf("got %d, want %d", got, want)
		}
	}
	stored(1041)
	for _, c := range []struct {
		name string
		n    uint64
		want uint32
	}{{"run", 6, 7}, {"run", 7, 1007}, {"table", 8, 9}, {"table", 9, 1009}, {"note", 10, 1009}} {
		if _, err := m.ExportedFunction(c.name).Call(t.Context(), c.n); err != nil {
			t.Fatal(err)
		}
		stored(c.want)
	}
	if !slices.Equal(noted, []uint64{6, 7, 10}) || !slices.Equal(asked, []uint64{41, 6, 7, 8, 9}) {
		t.Errorf("noted %v, asked for %v", noted, asked)
	}
}

// TestLeftAlone expects modules to stay as they are.
func TestLeftAlone(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*parts){
		"another constant":         func(p *parts) { p.code[1][3]++ },
		"another callee":           func(p *parts) { p.code[0] = body(0x20, 0, wasmcode.OpI32Const, 2, 0x6a) },
		"a callee of another type": func(p *parts) { p.types[1] = []byte{0x60, 1, wasmcode.TypeI32, 1, 0x7e} },
		"the same import":          func(p *parts) { p.imports[0] = []byte("\x07provery\x05other\x00\x00") },
		"no import":                func(p *parts) { p.imports = nil },
		"an imported memory":       func(p *parts) { p.imports = append(p.imports, []byte("\x01a\x01b\x02\x00\x01")) },
		"a global with a function": func(p *parts) { p.globals = append(p.globals, []byte{0x70, 0, 0xd2, 0, wasmcode.OpEnd}) },
		"elements of another kind": func(p *parts) { p.elements[0] = []byte{1, 0, 1, 2} },
		"an unknown instruction":   func(p *parts) { p.code[4] = body(0xfe) },
		"too little code":          func(p *parts) { p.code = p.code[:4] },
		"bytes after the exports":  func(p *parts) { p.exports[3] = append(p.exports[3], 0) },
	} {
		p := counting()
		change(&p)
		wasm := p.assemble()
		if got, ok := Apply(wasm, target(t)); ok || !bytes.Equal(got, wasm) {
			t.Errorf("%s: it was diverted", name)
		}
	}
}

// TestDigests expects no digest where code refers to what isn't digested.
func TestDigests(t *testing.T) {
	t.Parallel()
	for name, code := range map[string][]byte{
		"a block of a type of the module": body(wasmcode.OpBlock, 2, wasmcode.OpEnd),
		"a global":                        body(wasmcode.OpGlobalGet, 0, wasmcode.OpDrop),
		"memory.fill":                     body(wasmcode.OpI32Const, 0, wasmcode.OpI32Const, 0, wasmcode.OpI32Const, 0, wasmcode.OpMisc, 11, 0),
		"a reference":                     body(wasmcode.OpRefFunc, 1, wasmcode.OpDrop),
		"itself":                          body(0x20, 0, wasmcode.OpCall, 2),
		"a later function":                body(0x20, 0, wasmcode.OpCall, 3),
	} {
		p := counting()
		p.code[1] = code
		if digests := Digests(p.assemble()); len(digests) != 5 || digests[0] == "" || digests[1] != "" {
			t.Errorf("%s: got %q", name, digests)
		}
	}
	moved := counting()
	moved.imports = append(moved.imports, moved.imports[0])
	for i, c := range moved.code {
		moved.code[i] = bytes.ReplaceAll(c, []byte{wasmcode.OpCall, 1}, []byte{wasmcode.OpCall, 2})
	}
	if got := Digests(moved.assemble())[1]; got != target(t).Digest {
		t.Error("the digest depends on indices")
	}
}

// FuzzApply diverts the function in modules. Those that wazero accepts it
// accepts afterwards.
func FuzzApply(f *testing.F) {
	digest := target(f)
	f.Add(counting().assemble())
	file := filepath.Join("../../testdata/circom/bn128/bus.wasm")
	if b, err := os.ReadFile(file); err != nil {
		f.Fatal(err)
	} else {
		f.Add(b)
	}
	r := wazero.NewRuntimeWithConfig(f.Context(), wazero.NewRuntimeConfigInterpreter().WithMemoryLimitPages(1<<10))
	f.Cleanup(func() { _ = r.Close(context.Background()) })
	accepts := func(ctx context.Context, wasm []byte) bool {
		code, err := r.CompileModule(ctx, wasm)
		if err == nil {
			_ = code.Close(ctx)
		}
		return err == nil
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if out, ok := Apply(b, digest); ok && accepts(t.Context(), b) && !accepts(t.Context(), out) {
			t.Error("not accepted afterwards")
		}
	})
}
