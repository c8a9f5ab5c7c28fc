package circom

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"testing"

	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/frontend/frontendtest"
)

func TestABI(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"tiny": `{"inputs":[
			{"name":"limit","public":true,"type":"field"},
			{"name":"secret","public":false,"type":"array","components":{"size":2,"type":"array","components":{"size":3,"type":"field"}}}],
		 "outputs":[{"name":"sum","public":true,"type":"field"},{"name":"squares","public":true,"type":"array","components":{"size":2,"type":"field"}}]}`,
		"bus": `{"inputs":[
			{"name":"k","public":true,"type":"field"},
			{"name":"p","public":false,"type":"array","components":{"size":2,"type":"struct","components":{"members":[{"name":"x","type":"field"},{"name":"y","type":"field"}]}}},
			{"name":"unused","public":false,"type":"field"}],
		 "outputs":[{"name":"q","public":true,"type":"struct","components":{"members":[{"name":"x","type":"field"},{"name":"y","type":"field"}]}},{"name":"o","public":true,"type":"field"}]}`,
	} {
		var compact bytes.Buffer
		if err := json.Compact(&compact, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got := open(t, name).ABI(); string(got) != compact.String() {
			t.Errorf("%s: got %s, want %s", name, got, compact.String())
		}
	}
}

func TestReduceAndLogs(t *testing.T) {
	t.Parallel()
	p := open(t, "tiny")
	// -1 squared is 1; the order of the field plus two is 2.
	arguments := json.RawMessage(`{"secret":["-1","21888242871839275222246405745257275088548364400416034343698204186575808495619",3,4,5,-6],"limit":"91"}`)
	s, err := p.Solve(t.Context(), arguments, frontend.SolveOptions{Reduce: true, Logs: true})
	if err != nil {
		t.Fatal(err)
	}
	if string(s.Outputs) != `{"sum":"91","squares":["14","77"]}` || len(s.Logs) != 1 || s.Logs[0] != "sum 91" {
		t.Errorf("got %s and %q", s.Outputs, s.Logs)
	}
	s, err = p.Solve(t.Context(), json.RawMessage(`{"secret":[1,2,3,4,5,6],"limit":90}`), frontend.SolveOptions{Logs: true})
	if !fault.Is(err, fault.UnsatisfiedWitness) || s == nil || len(s.Logs) != 1 {
		t.Errorf("failed assertion: got %v, %v", s, err)
	}
}

func TestImportRefuses(t *testing.T) {
	t.Parallel()
	tiny, bus := fixture(t, "tiny"), fixture(t, "bus")
	change := func(role string, edit func([]byte) []byte) map[string][]byte {
		out := map[string][]byte{}
		for name, b := range tiny {
			out[name] = b
		}
		out[role] = edit(bytes.Clone(out[role]))
		return out
	}
	replace := func(b []byte) func([]byte) []byte { return func([]byte) []byte { return b } }
	patch := func(at int, v uint32) func([]byte) []byte {
		return func(b []byte) []byte { binary.LittleEndian.PutUint32(b[at:], v); return b }
	}
	// The header's section is the second one in these files.
	header := bytes.Index(tiny[RoleR1CS], []byte("\x01\x00\x00\x00\x40\x00\x00\x00\x00\x00\x00\x00\x20\x00\x00\x00")) + 12
	for _, c := range []struct {
		name  string
		files map[string][]byte
		want  fault.Code
	}{
		{"another circuit's wasm", change(RoleWasm, replace(bus[RoleWasm])), fault.InvalidArtifact},
		{"another circuit's sym", change(RoleSym, replace(bus[RoleSym])), fault.InvalidArtifact},
		{"another circuit's r1cs", change(RoleR1CS, replace(bus[RoleR1CS])), fault.InvalidArtifact},
		{"another field", change(RoleR1CS, patch(header+4, 7)), fault.Unsupported},
		{"more wires than labels", change(RoleR1CS, patch(header+36, 1000)), fault.InvalidArtifact},
		{"more outputs", change(RoleR1CS, patch(header+40, 4)), fault.InvalidArtifact},
		{"fewer outputs", change(RoleR1CS, patch(header+40, 2)), fault.InvalidArtifact},
		{"more constraints", change(RoleR1CS, patch(header+60, 1<<31)), fault.InvalidArtifact},
		{"fewer constraints", change(RoleR1CS, patch(header+60, 3)), fault.InvalidArtifact},
		{"empty wasm", change(RoleWasm, replace([]byte("\x00asm\x01\x00\x00\x00"))), fault.InvalidArtifact},
		{"sym with a renamed input", change(RoleSym, func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("main.limit"), []byte("main.limbo")) }), fault.InvalidArtifact},
		{"sym with a gap in an array", change(RoleSym, func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("secret[1][0]"), []byte("secret[2][0]")) }), fault.InvalidArtifact},
		{"sym with a wire twice", change(RoleSym, func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("6,6,0"), []byte("6,5,0")) }), fault.InvalidArtifact},
	} {
		_, err := New(Config{}).Import(t.Context(), frontendtest.Artefacts(c.files))
		if !fault.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := New(Config{Limits: Limits{Wasm: 100}}).Import(t.Context(), frontendtest.Artefacts(tiny)); !fault.Is(err, fault.TooLarge) {
		t.Errorf("large wasm: got %v", err)
	}
	if _, err := New(Config{Limits: Limits{Memory: 1 << 16}}).Import(t.Context(), frontendtest.Artefacts(tiny)); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("more memory than allowed: got %v", err)
	}
}
