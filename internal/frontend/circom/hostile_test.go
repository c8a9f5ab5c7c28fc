package circom

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"provery/internal/fault"
	"provery/internal/frontend/frontendtest"
)

// A few instructions of WebAssembly, and what encodes a module of functions.
var (
	opConst0    = []byte{0x41, 0x00}
	opLoop      = []byte{0x03, 0x40, 0x0c, 0x00, 0x0b}                                              // loop: br 0
	opGrow      = []byte{0x03, 0x40, 0x41, 0x80, 0x02, 0x40, 0x00, 0x1a, 0x0c, 0x00, 0x0b}          // loop: memory.grow 256; drop; br 0
	opGrowUntil = []byte{0x03, 0x40, 0x41, 0x80, 0x02, 0x40, 0x00, 0x41, 0x00, 0x4e, 0x0d, 0, 0x0b} // loop: br_if 0 (memory.grow 256 >= 0)
	opTrap      = []byte{0x00}
	opOutside   = []byte{0x41, 0x7f, 0x28, 0x02, 0x00, 0x1a} // i32.load at 2^32-1; drop
)

// assemble encodes a calculator whose functions return 0, but for the bodies
// given by name.
func assemble(bodies map[string][]byte, skip string) []byte {
	names := []string{"getFieldNumLen32", "getRawPrime", "getSharedRWMemoryStart", "init", "getInputSize", "getInputSignalSize",
		"setInputSignal", "getWitnessSize", "getWitness", "getMessageChar"}
	var types, functions, exported, code [][]byte
	for i, name := range names {
		s := exports[name]
		t := []byte{0x60, byte(s.params)}
		t = append(t, bytes.Repeat([]byte{0x7f}, s.params)...)
		t = append(t, byte(s.results))
		types = append(types, append(t, bytes.Repeat([]byte{0x7f}, s.results)...))
		functions = append(functions, []byte{byte(i)})
		body, ok := bodies[name]
		if !ok && s.results > 0 {
			body = opConst0
		}
		body = append(append([]byte{0}, body...), 0x0b) // no locals
		code = append(code, append(leb(len(body)), body...))
		if name != skip {
			exported = append(exported, append(append(text(name), 0), byte(i)))
		}
	}
	exported = append(exported, append(append(text("memory"), 2), 0))
	out := []byte("\x00asm\x01\x00\x00\x00")
	for _, s := range []struct {
		id    byte
		items [][]byte
	}{{1, types}, {3, functions}, {5, [][]byte{{0, 1}}}, {7, exported}, {10, code}} {
		body := append(leb(len(s.items)), bytes.Join(s.items, nil)...)
		out = append(append(out, s.id), append(leb(len(body)), body...)...)
	}
	return out
}

// withStart makes the exported function of an index, one of those without
// parameters and results, the start function of what assemble returned.
func withStart(wasm []byte, index byte) []byte {
	at := 8
	for wasm[at] != 10 { // the code section
		size, n := binary.Uvarint(wasm[at+1:])
		at += 1 + n + int(size)
	}
	return slices.Concat(wasm[:at], []byte{8, 1, index}, wasm[at:])
}

func text(s string) []byte { return append(leb(len(s)), s...) }

func leb(n int) []byte {
	var out []byte
	for ; n >= 0x80; n >>= 7 {
		out = append(out, byte(n)|0x80)
	}
	return append(out, byte(n))
}

func TestHostileCalculators(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		wasm []byte
		want fault.Code
	}{
		{"endless loop", assemble(map[string][]byte{"getFieldNumLen32": append(opLoop, 0x41, 8)}, ""), fault.Unsupported},
		{"endless start function", withStart(assemble(map[string][]byte{"getRawPrime": opLoop}, ""), 1), fault.Unsupported},
		{"start function with a parameter", withStart(assemble(nil, ""), 3), fault.InvalidArtifact},
		{"as many loops as fit", assemble(map[string][]byte{"getRawPrime": bytes.Repeat(append(opLoop[:2:2], 0x0b), 1<<17)}, ""), fault.Unsupported},
		{"as many branches as fit", assemble(map[string][]byte{"getRawPrime": bytes.Repeat([]byte{0x41, 0, 0x0d, 0}, 1<<18)}, ""), fault.Unsupported},
		{"a function as long as fits", assemble(map[string][]byte{"getRawPrime": bytes.Repeat([]byte{0x01}, 8<<20)}, ""), fault.Unsupported},
		{"a module of another kind", append([]byte("\x00asm\x0d\x00\x01\x00"), 0), fault.InvalidArtifact},
		{"a global that isn't there", assemble(map[string][]byte{"getRawPrime": {0x41, 0, 0x24, 0}}, ""), fault.InvalidArtifact},
		{"an endless loop among vectors", assemble(map[string][]byte{"getFieldNumLen32": slices.Concat([]byte{0x41, 0, 0xfd, 0x11, 0x1a}, opLoop, []byte{0x41, 8})}, ""), fault.Unsupported},
		{"endless loop that grows the memory", assemble(map[string][]byte{"getSharedRWMemoryStart": append(opGrow, 0x41, 0)}, ""), fault.Unsupported},
		{"memory growth up to the limit", assemble(map[string][]byte{"getSharedRWMemoryStart": append(opGrowUntil, 0x41, 0)}, ""), fault.InvalidArtifact},
		{"trap", assemble(map[string][]byte{"getFieldNumLen32": opTrap}, ""), fault.InvalidArtifact},
		{"access beyond the memory", assemble(map[string][]byte{"getRawPrime": opOutside, "getFieldNumLen32": {0x41, 8}}, ""), fault.InvalidArtifact},
		{"buffer beyond the memory", assemble(map[string][]byte{"getSharedRWMemoryStart": {0x41, 0x7f}, "getFieldNumLen32": {0x41, 8}}, ""), fault.InvalidArtifact},
		{"no setInputSignal", assemble(nil, "setInputSignal"), fault.InvalidArtifact},
		{"another field size", assemble(map[string][]byte{"getFieldNumLen32": {0x41, 12}}, ""), fault.InvalidArtifact},
		{"no prime", assemble(map[string][]byte{"getFieldNumLen32": {0x41, 8}}, ""), fault.InvalidArtifact},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			files := fixture(t, "tiny")
			files[RoleWasm] = c.wasm
			limits := Limits{Time: time.Minute, Memory: 64 << 20}
			if c.want == fault.Unsupported { // it runs for ever
				limits.Time = 300 * time.Millisecond
			}
			if _, err := New(Config{Limits: limits}).Import(t.Context(), frontendtest.Artefacts(files)); !fault.Is(err, c.want) {
				t.Errorf("got %v (%v), want %v", err, fault.CodeOf(err), c.want)
			}
		})
	}
}

// TestCancelledCalculator ends a calculator that runs for ever.
func TestCancelledCalculator(t *testing.T) {
	t.Parallel()
	files := fixture(t, "tiny")
	files[RoleWasm] = assemble(map[string][]byte{"getFieldNumLen32": append(opLoop, 0x41, 8)}, "")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := New(Config{}).Import(ctx, frontendtest.Artefacts(files)); !fault.Is(err, fault.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
