package zokrates

import (
	"encoding/binary"
	"math/big"
	"slices"
	"testing"

	"provery/internal/curve"
	"provery/internal/frontend"
)

// The types below make CBOR of Go values: texts, integers, booleans, nil,
// []byte, list and dict. raw is taken as it is; open makes lists and dicts of
// indefinite length.
type (
	list []any
	dict []any // keys and values in turn
	raw  []byte
	open struct{ v any }
)

func encodeCBOR(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, 0xf6)
	case bool:
		if v {
			return append(dst, 0xf5)
		}
		return append(dst, 0xf4)
	case int:
		if v < 0 {
			return cborHead(dst, majorNegative, uint64(-1-v))
		}
		return cborHead(dst, majorUint, uint64(v))
	case uint64:
		return cborHead(dst, majorUint, v)
	case string:
		return append(cborHead(dst, majorText, uint64(len(v))), v...)
	case []byte:
		return append(cborHead(dst, majorBytes, uint64(len(v))), v...)
	case raw:
		return append(dst, v...)
	case list:
		return encodeItems(cborHead(dst, majorArray, uint64(len(v))), v)
	case dict:
		return encodeItems(cborHead(dst, majorMap, uint64(len(v)/2)), v)
	case open:
		if items, ok := v.v.(list); ok {
			return append(encodeItems(append(dst, majorArray<<5|31), items), breakByte)
		}
		return append(encodeItems(append(dst, majorMap<<5|31), v.v.(dict)), breakByte)
	}
	panic("builder: no CBOR for this type")
}

func encodeItems(dst []byte, items []any) []byte {
	for _, item := range items {
		dst = encodeCBOR(dst, item)
	}
	return dst
}

func cborHead(dst []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(dst, major<<5|byte(n))
	case n < 1<<8:
		return append(dst, major<<5|24, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, major<<5|25), uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(dst, major<<5|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, major<<5|27), n)
}

// builder makes program files.
type builder struct {
	params     *curve.Params
	parameters list
	statements list
	solvers    list
	outputs    int
	count      int // constraints, as the header tells
	// solversBytes, unless nil, is the solvers section.
	solversBytes []byte
}

func newBuilder(tb testing.TB, id curve.ID) *builder {
	tb.Helper()
	params, err := paramsOf(id)
	if err != nil {
		tb.Fatal(err)
	}
	return &builder{params: params}
}

// scalar is a coefficient or value, modulo the field.
func (b *builder) scalar(v *big.Int) []byte {
	v = new(big.Int).Mod(v, b.params.ScalarModulus)
	out := v.FillBytes(make([]byte, b.params.ScalarBytes))
	slices.Reverse(out)
	return out
}

func variable(id int) dict { return dict{"id", id} }

// private and public add parameters.
func (b *builder) private(ids ...int) *builder { return b.parameter(true, ids) }
func (b *builder) public(ids ...int) *builder  { return b.parameter(false, ids) }

func (b *builder) parameter(private bool, ids []int) *builder {
	for _, id := range ids {
		b.parameters = append(b.parameters, dict{"span", nil, "id", variable(id), "private", private})
	}
	return b
}

// lc is a linear combination of pairs: variable, coefficient.
func (b *builder) lc(pairs ...int) dict {
	terms := list{}
	for i := 0; i < len(pairs); i += 2 {
		terms = append(terms, list{variable(pairs[i]), b.scalar(big.NewInt(int64(pairs[i+1])))})
	}
	return dict{"span", nil, "value", terms}
}

// product is the quadratic combination of two linear ones.
func product(left, right dict) dict { return dict{"span", nil, "left", left, "right", right} }

// value is the quadratic combination that is a variable.
func (b *builder) value(id int) dict { return product(b.lc(0, 1), b.lc(id, 1)) }

// constraint adds left·right = lin.
func (b *builder) constraint(left, right, lin dict, failure any) *builder {
	b.count++
	return b.statement(dict{"Constraint", dict{"span", nil, "quad", product(left, right), "lin", lin, "error", failure}})
}

func (b *builder) statement(s any) *builder {
	b.statements = append(b.statements, s)
	return b
}

// directive adds a solver's call on variables.
func (b *builder) directive(solver any, inputs []int, outputs ...int) *builder {
	in, out := list{}, list{}
	for _, id := range inputs {
		in = append(in, b.value(id))
	}
	for _, id := range outputs {
		out = append(out, variable(id))
	}
	return b.statement(dict{"Directive", dict{"span", nil, "inputs", in, "outputs", out, "solver", solver}})
}

// returns adds the constraints that make variables the program's outputs.
func (b *builder) returns(ids ...int) *builder {
	for _, id := range ids {
		b.outputs++
		b.constraint(b.lc(0, 1), b.lc(id, 1), b.lc(-b.outputs, 1), nil)
	}
	return b
}

// bytes returns the file.
func (b *builder) bytes() []byte {
	sections := [][]byte{
		encodeCBOR(nil, b.parameters),
		encodeItems(nil, b.statements),
		encodeCBOR(nil, b.solvers),
		encodeCBOR(nil, dict{"modules", dict{}}),
	}
	if b.solversBytes != nil {
		sections[2] = b.solversBytes
	}
	tag := curveTag(b.params.ScalarModulus, b.params.ScalarBytes)
	out := append([]byte(programMagic), 3, 0, 0, 0)
	out = append(out, tag[:]...)
	out = binary.LittleEndian.AppendUint32(out, uint32(b.count))
	out = binary.LittleEndian.AppendUint32(out, uint32(b.outputs))
	offset := headerSize
	for i, s := range sections {
		out = binary.LittleEndian.AppendUint32(out, uint32(min(i+1, 3)))
		out = binary.LittleEndian.AppendUint64(out, uint64(offset))
		out = binary.LittleEndian.AppendUint64(out, uint64(len(s)))
		offset += len(s)
	}
	out = append(out, make([]byte, headerSize-len(out))...)
	return append(out, slices.Concat(sections...)...)
}

// program imports the file without an ABI.
func (b *builder) program(tb testing.TB) frontend.Program {
	tb.Helper()
	return mustReopen(tb, mustImport(tb, artefacts(b.bytes(), nil)))
}

// sourceError is a failure with a position.
func sourceError(kind string, message any) dict {
	return dict{kind, dict{"file", "main.zok", "position", dict{"line", 7, "col", 9}, "message", message}}
}

// zir makes a solver of typed arguments, statements and a number of outputs.
func zir(arguments []any, outputs int, statements ...any) dict {
	args, out := list{}, list{}
	for i, ty := range arguments {
		args = append(args, dict{"span", nil, "id", zirVariable(i, ty), "private", true})
	}
	for range outputs {
		out = append(out, "FieldElement")
	}
	signature := dict{"inputs", list(arguments), "outputs", out}
	return dict{"Zir", dict{"arguments", args, "statements", list(statements), "signature", signature}}
}

func zirVariable(id int, ty any) dict {
	return dict{"span", nil, "id", dict{"Internal", id}, "ty", ty}
}

func zirDefine(id int, ty any, tag string, rhs any) dict {
	return dict{"Definition", dict{"span", nil, "assignee", zirVariable(id, ty), "rhs", dict{tag, rhs}}}
}

func zirReturns(values ...any) dict {
	inner := list{}
	for _, v := range values {
		inner = append(inner, dict{"FieldElement", v})
	}
	return dict{"Return", dict{"span", nil, "inner", inner}}
}

func zirBinary(op string, left, right any) dict {
	return dict{op, dict{"span", nil, "left", left, "right", right, "operator", nil, "output", nil}}
}

func zirRef(id int) dict {
	return dict{"Identifier", dict{"span", nil, "id", dict{"Internal", id}, "ty", nil}}
}

func zirIf(condition, consequence, alternative any) dict {
	return dict{"Conditional", dict{"span", nil, "condition", condition, "consequence", consequence, "alternative", alternative}}
}

// zirUint wraps the inner part of an unsigned expression.
func zirUint(width string, inner any) dict {
	return dict{"bitwidth", width, "metadata", nil, "inner", inner}
}

func zirLiteral(v any) dict { return dict{"Value", dict{"span", nil, "value", v}} }
