package zokrates

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend"
)

func wantImportError(t *testing.T, program []byte, code fault.Code, text string) {
	t.Helper()
	_, err := New().Import(t.Context(), artefacts(program, nil))
	if !fault.Is(err, code) || !strings.Contains(err.Error(), text) {
		t.Errorf("got error %v (%v), want %v with %q", err, fault.CodeOf(err), code, text)
	}
}

// simple is a program with a private and a public parameter and their product
// as output.
func simple(t testing.TB) *builder {
	b := newBuilder(t, curve.BN128).private(1).public(7)
	b.constraint(b.lc(1, 1), b.lc(7, 1), b.lc(9, 1), nil)
	return b.returns(9)
}

func TestBuiltProgram(t *testing.T) {
	t.Parallel()
	if got, err := solveText(t, simple(t).program(t), `["6","7"]`); err != nil || got != `["42"]` {
		t.Errorf("got %s, %v", got, err)
	}
}

// TestStrictness changes one thing of a good program at a time.
func TestStrictness(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1<<20)
	deep := func(n int) raw { return raw(strings.Repeat("\x81", n) + "\xf6") }
	tests := []struct {
		name, want string
		edit       func(*builder)
	}{
		{"too few constraints", "3 constraints where the header has 2", func(b *builder) { b.returns(9); b.count--; b.outputs = 2 }},
		{"unknown statement", "unknown statement", func(b *builder) { b.statement(dict{"Block", dict{}}) }},
		{"statement without content", "name without its content", func(b *builder) { b.statement("Constraint") }},
		{"unknown key", `unknown key "extra"`, func(b *builder) { b.statement(dict{"Constraint", dict{"extra", 1}}) }},
		{"missing key", `lacks "quad"`, func(b *builder) { b.statement(dict{"Constraint", dict{"lin", b.lc(), "error", nil}}) }},
		{"key twice", `"lin" twice`, func(b *builder) { b.statement(dict{"Constraint", dict{"lin", b.lc(), "lin", b.lc()}}) }},
		{"enum of two", "map of 2 entries", func(b *builder) { b.statement(dict{"Log", nil, "Log", nil}) }},
		{"open enum of two", "more than one entry", func(b *builder) {
			b.statement(open{dict{"Constraint", dict{"quad", product(b.lc(), b.lc()), "lin", b.lc(), "error", nil}, "Log", nil}})
		}},
		{"coefficient too short", "coefficient of 31 bytes", func(b *builder) { b.term(variable(1), make([]byte, 31)) }},
		{"coefficient too large", "below the modulus", func(b *builder) { b.term(variable(1), bytes.Repeat([]byte{255}, 32)) }},
		{"coefficient is the modulus", "below the modulus", func(b *builder) {
			m := b.params.ScalarModulus.FillBytes(make([]byte, 32))
			slices.Reverse(m)
			b.term(variable(1), m)
		}},
		{"variable too large", "too large", func(b *builder) { b.term(variable(1<<31-1), make([]byte, 32)) }},
		{"variable is a text", "isn't an integer", func(b *builder) { b.term(dict{"id", "1"}, make([]byte, 32)) }},
		{"term of one", "without a coefficient", func(b *builder) {
			b.lhs(dict{"value", list{list{variable(1)}}})
		}},
		{"term of three", "more than two", func(b *builder) {
			b.lhs(dict{"value", list{list{variable(1), make([]byte, 32), nil}}})
		}},
		{"unassigned read", "variable 55, which has no value", func(b *builder) { b.lhs(b.lc(55, 1)) }},
		{"unassigned read with a zero", "no value", func(b *builder) { b.lhs(b.lc(55, 0)) }},
		{"assigned by two terms", "no value", func(b *builder) { b.constraint(b.lc(), b.lc(), b.lc(55, 3, 55, -2), nil) }},
		{"defined by itself", "no value", func(b *builder) { b.constraint(b.lc(55, 1), b.lc(0, 1), b.lc(55, 1), nil) }},
		{"assigned twice", "assigns variable 9", func(b *builder) { b.directive("Div", []int{1, 7}, 9) }},
		{"assigned twice by one", "assigns variable 60", func(b *builder) { b.directive("EuclideanDiv", []int{1, 7}, 60, 60) }},
		{"constant assigned", "assigns variable 0", func(b *builder) { b.directive("Div", []int{1, 7}, 0) }},
		{"directive of too few inputs", "1 inputs", func(b *builder) { b.directive("Div", []int{1}, 60) }},
		{"directive of too few outputs", "1 outputs", func(b *builder) { b.directive(dict{"Bits", 2}, []int{1}, 60) }},
		{"unknown solver", "unknown solver", func(b *builder) { b.directive("Magic", []int{1}, 60) }},
		{"reference out of range", "program lacks", func(b *builder) { b.directive(dict{"Ref", dict{"index", 0, "signature", list{1, 1}}}, []int{1}, 60) }},
		{"output beyond the count", "no such output", func(b *builder) { b.constraint(b.lc(), b.lc(), b.lc(-2, 1), nil) }},
		{"output missing", "occurs in no constraint", func(b *builder) { b.outputs++ }},
		{"outputs out of order", "out of order", func(b *builder) {
			b.outputs += 2
			b.constraint(b.lc(), b.lc(), b.lc(-3, 1), nil)
		}},
		{"parameter twice", "repetition", func(b *builder) { b.private(1) }},
		{"parameter is the constant", "constant", func(b *builder) { b.private(0) }},
		{"parameter is an output", "output", func(b *builder) { b.private(-1) }},
		{"unknown run-time error", "unknown kind", func(b *builder) { b.constraint(b.lc(), b.lc(), b.lc(), "Cosmic") }},
		{"long message", "too long", func(b *builder) { b.constraint(b.lc(), b.lc(), b.lc(), sourceError("SourceAssertion", long)) }},
		{"huge array", "longer than the section", func(b *builder) {
			b.statement(dict{"Directive", dict{"inputs", raw("\x9b\x7f\xff\xff\xff\xff\xff\xff\xff")}})
		}},
		{"huge text", "too long", func(b *builder) { b.statement(raw("\x7b\x7f\xff\xff\xff\xff\xff\xff\xff")) }},
		{"text as long as can be", "too long", func(b *builder) { b.statement(raw("\x7b\xff\xff\xff\xff\xff\xff\xff\xff")) }},
		{"depth bomb in a span", "too deeply", func(b *builder) { b.statement(dict{"Constraint", dict{"span", deep(100000)}}) }},
		{"depth bomb in a log type", "too deeply", func(b *builder) {
			b.statement(dict{"Log", dict{"format_string", dict{"parts", list{"", ""}}, "expressions", list{list{deep(100000), list{}}}}})
		}},
		{"depth bomb in a solver", "too deeply", func(b *builder) {
			b.solvers = list{zir([]any{"FieldElement"}, 1, zirReturns(nest(300)))}
		}},
		{"tag", "tagged item", func(b *builder) { b.statement(dict{"Constraint", dict{"span", raw("\xc1\x00")}}) }},
		{"break outside", "malformed", func(b *builder) { b.statement(raw("\xff")) }},
		{"bytes after a solver list", "follow the last solver", func(b *builder) { b.solversBytes = []byte{0x80, 0x80} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := simple(t)
			tt.edit(b)
			wantImportError(t, b.bytes(), fault.InvalidArtifact, tt.want)
		})
	}
}

// lhs adds a constraint with the left side.
func (b *builder) lhs(left dict) { b.constraint(left, b.lc(0, 1), b.lc(), nil) }

// term adds a constraint with one term.
func (b *builder) term(variable dict, coefficient []byte) {
	b.lhs(dict{"value", list{list{variable, coefficient}}})
}

// nest returns an expression of n nested additions.
func nest(n int) any {
	e := any(zirRef(0))
	for range n {
		e = zirBinary("Add", e, zirRef(0))
	}
	return e
}

func TestUnsupportedVerifier(t *testing.T) {
	t.Parallel()
	b := simple(t).directive(dict{"SnarkVerifyBls12377", 1}, []int{1}, 60)
	wantImportError(t, b.bytes(), fault.Unsupported, "BLS12-377")
}

// TestHeader changes single fields of the header.
func TestHeader(t *testing.T) {
	t.Parallel()
	good := simple(t).bytes()
	h, err := Describe(sectionReader(good))
	if err != nil || h.Curve != curve.BN128 || h.Constraints != 2 || h.Outputs != 1 {
		t.Fatalf("Describe: got %+v, %v", h, err)
	}
	if end := h.ModuleMap.Offset + h.ModuleMap.Length; end != int64(len(good)) || h.Parameters.Offset != headerSize {
		t.Errorf("sections: %+v", h)
	}
	edits := map[string]func(b []byte) []byte{
		"magic":         func(b []byte) []byte { b[0] = 'X'; return b },
		"version":       func(b []byte) []byte { b[4] = 2; return b },
		"curve":         func(b []byte) []byte { b[8]++; return b },
		"type":          func(b []byte) []byte { b[20] = 2; return b },
		"offset":        func(b []byte) []byte { b[24]++; return b },
		"length":        func(b []byte) []byte { b[32]++; return b },
		"huge length":   func(b []byte) []byte { binary.LittleEndian.PutUint64(b[32:], 1<<63); return b },
		"padding":       func(b []byte) []byte { b[119] = 1; return b },
		"trailing byte": func(b []byte) []byte { return append(b, 0) },
		"empty":         func([]byte) []byte { return nil },
		"short":         func(b []byte) []byte { return b[:119] },
	}
	for name, edit := range edits {
		if _, err := Describe(sectionReader(edit(slices.Clone(good)))); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("%s: got error %v", name, err)
		}
	}
	fixed := slices.Clone(good)
	fixed[80] = 4 // the module map's type, as it was meant
	if _, err := Describe(sectionReader(fixed)); err != nil {
		t.Errorf("module map of type 4: %v", err)
	}
}

// TestTolerance checks what the optimiser doesn't guarantee: unsorted and
// repeated terms, zeros, and spans.
func TestTolerance(t *testing.T) {
	t.Parallel()
	b := newBuilder(t, curve.BN128).private(3).public(2)
	left := b.lc(3, 5, 2, 1, 3, -4, 2, -1, 0, 0) // x3
	left[1] = dict{"Source", dict{"module", 1 << 60, "from", dict{"line", 1, "col", 2}, "to", dict{"line", 1, "col", 2}}}
	b.constraint(left, b.lc(2, 1), b.lc(9, 1), nil)
	b.constraint(b.lc(3, 1), b.lc(2, 1), b.lc(9, 3, 9, -2), nil)
	p := b.returns(9).program(t)
	if got, err := solveText(t, p, `["6","7"]`); err != nil || got != `["42"]` {
		t.Errorf("got %s, %v", got, err)
	}
	// The empty row, x3, x2, x9, 1, out: the first two constraints share all.
	if got := p.Statistics().Rows; got != 6 {
		t.Errorf("rows: got %d, want 6", got)
	}
}

// TestUnplaced uses directive outputs that occur in no constraint: they have
// no column, but other directives read them.
func TestUnplaced(t *testing.T) {
	t.Parallel()
	b := newBuilder(t, curve.BLS12377).private(1, 2)
	b.directive("EuclideanDiv", []int{1, 2}, 50, 51) // quotient, remainder
	b.directive("EuclideanDiv", []int{50, 51}, 52, 53)
	p := b.returns(53).program(t)
	if got, err := solveText(t, p, `["100","30"]`); err != nil || got != `["3"]` {
		t.Errorf("got %s, %v", got, err)
	}
	if got, want := p.System().NumVariables, 5; got != want { // 1, output, 1, 2, 53
		t.Errorf("columns: got %d, want %d", got, want)
	}
	if got := compactOf(p).places; got != 8 {
		t.Errorf("places: got %d, want 8", got)
	}
}

// TestLogs builds log statements with types in maps of indefinite length.
func TestLogs(t *testing.T) {
	t.Parallel()
	b := simple(t)
	u8 := open{dict{"type", "u8"}}
	array := open{dict{"type", "array", "components", open{dict{"size", 2, "type", "field"}}}}
	point := open{dict{"type", "struct", "components", open{dict{"name", "P\"", "generics", list{nil, 3}, "members", list{
		open{dict{"name", "x", "type", "u8"}}, open{dict{"name", "ok", "type", "bool"}}}}}}}
	b.statement(dict{"Log", dict{"format_string", dict{"parts", list{"a ", " b ", " c ", "."}}, "span", nil, "expressions", list{
		list{u8, list{b.lc(0, 200)}},
		list{array, list{b.lc(1, 1), b.lc(1, 1, 7, 1)}},
		list{point, list{b.lc(0, 1), b.lc()}},
	}}})
	s, err := b.program(t).Solve(t.Context(), json.RawMessage(`["6","7"]`), frontend.SolveOptions{Logs: true})
	if err != nil {
		t.Fatal(err)
	}
	if want := `a "0xc8" b ["6","13"] c {"x":"0x01","ok":false}.`; len(s.Logs) != 1 || s.Logs[0] != want {
		t.Errorf("got %q, want %q", s.Logs, want)
	}
}

// TestFailures checks the texts and positions of failed constraints.
func TestFailures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		failure        any
		text, position string
	}{
		{nil, "constraint 2 isn't satisfied", ""},
		{"Inverse", "division by zero", ""},
		{"SelectRangeCheck", "array index out of bounds", ""},
		{"ArgumentBitness", "an argument isn't in the range of its type", ""},
		{"IncompleteDynamicRange", "field elements are too large to be compared", ""},
		{"Sum", "the constraint of a built-in operation (Sum) isn't satisfied", ""},
		{sourceError("SourceAssertion", nil), "assertion failed", "main.zok:7:9"},
		{sourceError("SourceAssertion", "balance too low"), "assertion failed: balance too low", "main.zok:7:9"},
		{sourceError("SourceAssertion", "%s %d"), "assertion failed: %s %d", "main.zok:7:9"},
		{sourceError("SourceAssemblyConstraint", nil), "a constraint of an assembly block isn't satisfied", "main.zok:7:9"},
	}
	for _, tt := range tests {
		b := simple(t)
		b.constraint(b.lc(1, 1), b.lc(0, 1), b.lc(7, 1), tt.failure)
		_, err := solveText(t, b.program(t), `["6","7"]`)
		var e *fault.Error
		if !errors.As(err, &e) || e.Code != fault.UnsatisfiedWitness || e.Detail != tt.text {
			t.Errorf("%v: got %v, want %s", tt.failure, err, tt.text)
			continue
		}
		if got := e.Position; (got == nil) != (tt.position == "") || got != nil && got.String() != tt.position {
			t.Errorf("%v: got position %v, want %s", tt.failure, got, tt.position)
		}
		if got, err := solveText(t, b.program(t), `["7","7"]`); err != nil || got != `["49"]` {
			t.Errorf("%v: satisfied: got %s, %v", tt.failure, got, err)
		}
	}
}

// TestScratchIsCleared looks into the memory that one run leaves to the next.
func TestScratchIsCleared(t *testing.T) {
	t.Parallel()
	b := simple(t)
	b.directive("EuclideanDiv", []int{1, 7}, 50, 51).directive("Div", []int{50, 51}, 52)
	p := b.program(t).(scratchHolder)
	if _, err := p.Solve(t.Context(), json.RawMessage(`["6","7"]`), frontend.SolveOptions{}); err != nil {
		t.Fatal(err)
	}
	if !p.scratchIsZero() {
		t.Error("values of a run are left in the scratch")
	}
}

type scratchHolder interface {
	frontend.Program
	scratchIsZero() bool
}

func (p *program[S]) scratchIsZero() bool {
	s, _ := p.scratch.Get().(*scratch[S])
	if s == nil {
		return true // the pool was emptied meanwhile
	}
	all := slices.Concat(s.rows, s.auxiliary, s.inputs[:cap(s.inputs)], s.outputs[:cap(s.outputs)])
	for i := range all {
		if !p.field.IsZero(&all[i]) {
			return false
		}
	}
	for _, v := range s.integers {
		for _, w := range v.Bits()[:cap(v.Bits())] {
			if w != 0 {
				return false
			}
		}
	}
	return true
}
