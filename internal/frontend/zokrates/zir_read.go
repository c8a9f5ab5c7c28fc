package zokrates

import (
	"bytes"
	"math/big"

	"provery/internal/curve"
)

// zirReader reads one function.
type zirReader struct {
	*decoder
	params *curve.Params
	f      *zirFunction
	slots  map[uint64]int
}

// readZir reads the content of a {"Zir": …} solver.
func readZir(d *decoder, params *curve.Params) *zirFunction {
	r := &zirReader{d, params, &zirFunction{}, map[uint64]int{}}
	var inputs, outputs []zirType
	d.structure(&zirFunctionFields, func(field int) {
		switch field {
		case 0:
			r.readArguments()
		case 1:
			r.f.statements = r.readStatements()
		case 2:
			inputs, outputs = r.readSignature()
		}
	})
	if d.err != nil {
		return r.f
	}
	if len(inputs) != len(r.f.arguments) {
		d.fail("solver's signature doesn't match its arguments")
	}
	for i, ty := range inputs {
		if d.err == nil && ty != r.f.arguments[i] {
			d.fail("solver's signature doesn't match its arguments")
		}
	}
	r.f.outputs = len(outputs)
	return r.f
}

// parseZir reads a function from code. window is the buffer to use.
func parseZir(code []byte, params *curve.Params, window []byte) (*zirFunction, error) {
	d := newDecoder(bytes.NewReader(code), "solver", 0, int64(len(code)), window)
	f := readZir(d, params)
	if d.err == nil && !d.done() {
		d.fail("bytes follow the solver")
	}
	return f, d.err
}

func (r *zirReader) readArguments() {
	it := r.array()
	for r.more(&it) {
		r.structure(&zirArgumentFields, func(field int) {
			if field == 1 {
				r.bool()
				return
			}
			known := len(r.f.variables)
			slot := r.readVariable()
			if r.err == nil && slot != known {
				r.fail("solver has an argument twice")
				return
			}
			if r.err == nil {
				r.f.arguments = append(r.f.arguments, r.f.variables[slot])
			}
		})
	}
}

func (r *zirReader) readSignature() (inputs, outputs []zirType) {
	r.structure(&zirSignatureFields, func(field int) {
		var types []zirType
		it := r.array()
		for r.more(&it) {
			types = append(types, r.readType())
		}
		if field == 0 {
			inputs = types
		} else {
			outputs = types
		}
	})
	return inputs, outputs
}

var (
	zirTypeNames  = []string{"FieldElement", "Boolean", "Uint"}
	zirWidthNames = []string{"8", "16", "32", "64"}
)

func (r *zirReader) readType() zirType {
	v := r.variant(zirTypeNames)
	switch v.index {
	case 0, 1:
		r.unit(v)
		return zirType(v.index)
	case 2:
		r.newtype(v)
		ty := r.readWidth()
		r.endVariant(v)
		return ty
	}
	r.fail("unknown type in a solver")
	return zirField
}

func (r *zirReader) readWidth() zirType {
	i := indexOf(zirWidthNames, r.text())
	if i < 0 {
		r.fail("unknown width of an unsigned integer")
		return zirU8
	}
	return zirU8 + zirType(i)
}

// readVariable reads a typed variable and returns its slot, a new one at its
// first occurrence.
func (r *zirReader) readVariable() int {
	var id uint64
	var ty zirType
	r.structure(&zirVariableFields, func(field int) {
		if field == 0 {
			id = r.readIdentifier()
		} else {
			ty = r.readType()
		}
	})
	if r.err != nil {
		return 0
	}
	slot, ok := r.slots[id]
	if !ok {
		slot = len(r.f.variables)
		r.slots[id] = slot
		r.f.variables = append(r.f.variables, ty)
	}
	if r.f.variables[slot] != ty {
		r.fail("variable of a solver has two types")
	}
	return slot
}

var zirIdentifierNames = []string{"Internal"}

func (r *zirReader) readIdentifier() uint64 {
	v := r.variant(zirIdentifierNames)
	if v.index != 0 {
		r.fail("solver isn't in canonical form")
		return 0
	}
	r.newtype(v)
	id := r.uint(1<<63 - 1)
	r.endVariant(v)
	return id
}

var zirStatementNames = []string{"Definition", "IfElse", "Assertion", "Return"}

func (r *zirReader) readStatements() []zirStatement {
	var out []zirStatement
	if !r.enter() {
		return nil
	}
	it := r.array()
	for r.more(&it) {
		v := r.variant(zirStatementNames)
		if v.index < 0 {
			r.fail("unknown statement in a solver")
			return nil
		}
		r.newtype(v)
		s := zirStatement{kind: zirStatementKind(v.index)}
		r.readStatement(&s)
		r.endVariant(v)
		out = append(out, s)
	}
	r.leave()
	return out
}

func (r *zirReader) readStatement(s *zirStatement) {
	switch s.kind {
	case zirDefinition:
		r.readDefinition(s)
	case zirIfElse:
		r.structure(&zirIfElseFields, func(field int) {
			switch field {
			case 0:
				s.expr = r.readExpr(zirBool)
			case 1:
				s.consequence = r.readStatements()
			case 2:
				s.alternative = r.readStatements()
			}
		})
	case zirAssertion:
		r.structure(&zirAssertionFields, func(field int) {
			if field == 0 {
				s.expr = r.readExpr(zirBool)
			} else {
				s.failure = readDescription(r.decoder)
			}
		})
	case zirReturn:
		r.structure(&zirReturnFields, func(int) {
			it := r.array()
			for r.more(&it) {
				s.results = append(s.results, r.readTagged(zirField))
			}
		})
	}
}

func (r *zirReader) readDefinition(s *zirStatement) {
	known := false
	r.structure(&zirDefinitionFields, func(field int) {
		if field == 0 {
			s.slot, known = r.readVariable(), true
			return
		}
		if !known {
			r.fail("definition names its variable after its value")
			return
		}
		s.expr = r.readTagged(r.f.variables[s.slot])
	})
}

// literal reads a value of the type ty.
func (r *zirReader) literal(e *zirExpr) {
	r.structure(&zirLiteralFields, func(int) {
		switch {
		case e.ty == zirField:
			e.field = readScalar(r.decoder, r.params)
		case e.ty == zirBool:
			if r.bool() {
				e.word = 1
			}
		default:
			e.word = r.uint(e.ty.mask())
		}
	})
}

// readScalar reads a field element as an integer below the modulus.
func readScalar(d *decoder, params *curve.Params) *big.Int {
	b := d.bytes()
	if d.err == nil && len(b) != params.ScalarBytes {
		d.fail("field element of %d bytes", len(b))
	}
	be := make([]byte, len(b))
	for i, x := range b {
		be[len(b)-1-i] = x
	}
	v := new(big.Int).SetBytes(be)
	if d.err == nil && v.Cmp(params.ScalarModulus) >= 0 {
		d.fail("field element isn't below the modulus")
	}
	return v
}
