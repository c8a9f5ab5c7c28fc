package stopcheck

import (
	"bytes"
	"context"
	"testing"

	"github.com/tetratelabs/wazero"

	"provery/internal/wasmcode"
)

// parts are the sections of a module that tests assemble: items of vectors,
// without their numbers. Empty ones are left out.
type parts struct {
	types, imports, functions, tables, memories, globals, exports [][]byte
	start                                                         []byte
	elements                                                      [][]byte
	dataCount                                                     []byte
	code, data                                                    [][]byte
	names                                                         []byte
}

func (p parts) assemble() []byte {
	out := []byte("\x00asm\x01\x00\x00\x00")
	add := func(id byte, body []byte) {
		out = append(wasmcode.AppendULEB(append(out, id), uint32(len(body))), body...)
	}
	vector := func(id byte, items [][]byte) {
		if len(items) > 0 {
			add(id, append(wasmcode.AppendULEB(nil, uint32(len(items))), bytes.Join(items, nil)...))
		}
	}
	vector(wasmcode.SectionType, p.types)
	vector(wasmcode.SectionImport, p.imports)
	vector(wasmcode.SectionFunction, p.functions)
	vector(4, p.tables)
	vector(wasmcode.SectionMemory, p.memories)
	vector(wasmcode.SectionGlobal, p.globals)
	vector(wasmcode.SectionExport, p.exports)
	if p.start != nil {
		add(wasmcode.SectionStart, p.start)
	}
	vector(9, p.elements)
	if p.dataCount != nil {
		add(wasmcode.SectionDataCount, p.dataCount)
	}
	vector(wasmcode.SectionCode, p.code)
	vector(11, p.data)
	if p.names != nil {
		add(wasmcode.SectionCustom, p.names)
	}
	return out
}

// body encodes a function without locals.
func body(code ...[]byte) []byte {
	b := append([]byte{0}, append(bytes.Join(code, nil), wasmcode.OpEnd)...)
	return append(wasmcode.AppendULEB(nil, uint32(len(b))), b...)
}

func export(name string, kind, index byte) []byte {
	return append(append([]byte{byte(len(name))}, name...), kind, index)
}

// rich is a module with a bit of everything. Its function "sum" adds what its
// segment of data holds, 3 + 4, through a table, and counts in a global of its
// own, which it exports under the name that we would give ours.
func rich() parts {
	return parts{
		types:     [][]byte{{0x60, 0, 1, wasmcode.TypeI32}, {0x60, 1, wasmcode.TypeI32, 1, wasmcode.TypeI32}},
		functions: [][]byte{{0}, {1}},
		tables:    [][]byte{{0x70, 0, 1}},
		memories:  [][]byte{{0, 1}},
		globals:   [][]byte{{wasmcode.TypeI32, 1, wasmcode.OpI32Const, 5, wasmcode.OpEnd}, {0x7e, 0, 0x42, 0x7f, wasmcode.OpEnd}, {0x70, 0, 0xd2, 0, wasmcode.OpEnd}},
		exports:   [][]byte{export("sum", 0, 0), export("memory", 2, 0), export("provery.stop", 3, 0), export("provery.stop.0", 3, 1)},
		elements:  [][]byte{{0, wasmcode.OpI32Const, 0, wasmcode.OpEnd, 1, 1}},
		dataCount: []byte{1},
		code: [][]byte{
			body(
				[]byte{wasmcode.OpI32Const, 8, wasmcode.OpI32Const, 0, wasmcode.OpI32Const, 2, wasmcode.OpMisc, 8, 0, 0}, // memory.init
				[]byte{wasmcode.OpGlobalGet, 0, wasmcode.OpI32Const, 1, 0x6a, wasmcode.OpGlobalSet, 0},
				[]byte{wasmcode.OpI32Const, 8, wasmcode.OpI32Const, 0, 0x11, 1, 0, wasmcode.OpI32Const, 9, wasmcode.OpI32Const, 0, 0x11, 1, 0, 0x6a}, // two calls through the table, added
			),
			body([]byte{0x20, 0, 0x2d, 0, 0}), // load the byte
		},
		data:  [][]byte{{1, 2, 3, 4}},
		names: []byte("\x04name\x01\x06\x01\x00\x03sum"),
	}
}

func compile(t testing.TB, r wazero.Runtime, wasm []byte) wazero.CompiledModule {
	t.Helper()
	code, err := r.CompileModule(t.Context(), wasm)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// runtimeOf returns a runtime of the configuration for a test.
func runtimeOf(t testing.TB, config wazero.RuntimeConfig) wazero.Runtime {
	t.Helper()
	r := wazero.NewRuntimeWithConfig(t.Context(), config.WithMemoryLimitPages(1<<12))
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}
