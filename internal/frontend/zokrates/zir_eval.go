package zokrates

import (
	"math/big"

	"provery/internal/fault"
)

// zirWord is the value of a variable: field for field elements, word for the
// others.
type zirWord struct {
	field   *big.Int
	word    uint64
	defined bool
}

// zirRun is one evaluation of a function. Nothing is modified once it is
// computed, so that values may share *big.Int.
type zirRun struct {
	modulus   *big.Int
	bits      uint // of the modulus
	variables []zirWord
}

// evaluate runs f on the canonical values of its arguments and returns those
// of its outputs. A failed assertion is fault.UnsatisfiedWitness; so is an
// argument that isn't of its type and an operation that has no result, such as
// a division by zero.
func (f *zirFunction) evaluate(modulus *big.Int, arguments []*big.Int) ([]*big.Int, error) {
	run := &zirRun{modulus, uint(modulus.BitLen()), make([]zirWord, len(f.variables))}
	for i, ty := range f.arguments {
		v := zirWord{field: arguments[i], defined: true}
		switch {
		case ty == zirBool && arguments[i].BitLen() > 1:
			return nil, solverFailure("an input that should be a boolean is neither 0 nor 1")
		case ty.isUint() && arguments[i].BitLen() > int(ty.bits()):
			return nil, solverFailure("an input has more bits than its type")
		case ty != zirField:
			v = zirWord{word: arguments[i].Uint64(), defined: true}
		}
		run.variables[i] = v
	}
	results, err := run.statements(f.statements)
	if err != nil {
		return nil, err
	}
	if len(results) != f.outputs {
		return nil, fault.New(fault.InvalidArtifact, "a solver returned %d values where its signature has %d", len(results), f.outputs)
	}
	return results, nil
}

func solverFailure(text string) error {
	return fault.New(fault.UnsatisfiedWitness, "solver error: %s", text)
}

// statements runs a list and returns the results of the first return
// statement, or nil.
func (r *zirRun) statements(list []zirStatement) ([]*big.Int, error) {
	for i := range list {
		s := &list[i]
		switch s.kind {
		case zirDefinition:
			v, err := r.expr(&s.expr)
			if err != nil {
				return nil, err
			}
			r.variables[s.slot] = v
		case zirReturn:
			return r.results(s.results)
		case zirAssertion:
			if v, err := r.expr(&s.expr); err != nil {
				return nil, err
			} else if v.word == 0 {
				return nil, s.failure.fault()
			}
		case zirIfElse:
			v, err := r.expr(&s.expr)
			if err != nil {
				return nil, err
			}
			branch := s.alternative
			if v.word != 0 {
				branch = s.consequence
			}
			if results, err := r.statements(branch); err != nil || results != nil {
				return results, err
			}
		}
	}
	return nil, nil
}

func (r *zirRun) results(list []zirExpr) ([]*big.Int, error) {
	out := make([]*big.Int, len(list))
	for i := range list {
		v, err := r.expr(&list[i])
		if err != nil {
			return nil, err
		}
		out[i] = v.field
	}
	return out, nil
}

// expr evaluates e. Of a conditional only the taken alternative is evaluated.
func (r *zirRun) expr(e *zirExpr) (zirWord, error) {
	switch e.op {
	case zirValue:
		return zirWord{field: e.field, word: e.word, defined: true}, nil
	case zirIdentifier:
		v := r.variables[e.slot]
		if !v.defined {
			return v, fault.New(fault.InvalidArtifact, "a solver reads a variable that has no value")
		}
		return v, nil
	case zirConditional:
		cond, err := r.expr(&e.args[0])
		if err != nil {
			return cond, err
		}
		if cond.word != 0 {
			return r.expr(&e.args[1])
		}
		return r.expr(&e.args[2])
	case zirSelect:
		return r.sel(e)
	}
	left, err := r.expr(&e.args[0])
	if err != nil {
		return left, err
	}
	if e.op == zirNot {
		if e.ty == zirBool {
			return boolWord(left.word == 0), nil
		}
		return zirWord{word: ^left.word & e.ty.mask(), defined: true}, nil
	}
	right, err := r.expr(&e.args[1])
	if err != nil {
		return right, err
	}
	if e.args[0].ty != zirField {
		return wordOperation(e, left.word, right.word)
	}
	if e.ty == zirBool {
		return boolWord(compares(e.op, left.field.Cmp(right.field))), nil
	}
	v, err := r.fieldOperation(e.op, left.field, right)
	return zirWord{field: v, defined: true}, err
}

// sel evaluates every element, as the compiler's interpreter does.
func (r *zirRun) sel(e *zirExpr) (zirWord, error) {
	index, err := r.expr(&e.args[0])
	if err != nil {
		return index, err
	}
	var out zirWord
	for i := range e.args[1:] {
		v, err := r.expr(&e.args[1+i])
		if err != nil {
			return v, err
		}
		if uint64(i) == index.word {
			out = v
		}
	}
	if !out.defined {
		return out, solverFailure("array index out of bounds")
	}
	return out, nil
}

func boolWord(b bool) zirWord {
	v := zirWord{defined: true}
	if b {
		v.word = 1
	}
	return v
}

// compares turns the sign of left-right into the result of a comparison.
func compares(op zirOp, sign int) bool {
	switch op {
	case zirLess:
		return sign < 0
	case zirLessEqual:
		return sign <= 0
	}
	return sign == 0
}

// wordOperation computes with booleans and unsigned integers. Results are
// reduced to the width of e's type.
func wordOperation(e *zirExpr, a, b uint64) (zirWord, error) {
	var v uint64
	switch e.op {
	case zirLess:
		return boolWord(a < b), nil
	case zirLessEqual:
		return boolWord(a <= b), nil
	case zirEqual:
		return boolWord(a == b), nil
	case zirAdd:
		v = a + b
	case zirSub:
		v = a - b
	case zirMul:
		v = a * b
	case zirAnd:
		v = a & b
	case zirOr:
		v = a | b
	case zirXor:
		v = a ^ b
	case zirLeftShift:
		v = a << min(b, 64)
	case zirRightShift:
		v = a >> min(b, 64)
	case zirDiv, zirRem:
		if b == 0 {
			return zirWord{}, solverFailure("division by zero")
		}
		if v = a / b; e.op == zirRem {
			v = a % b
		}
	}
	if e.ty.isUint() {
		v &= e.ty.mask()
	}
	return zirWord{word: v, defined: true}, nil
}

// fieldOperation computes with field elements; right holds an unsigned
// integer in exponents and shifts.
func (r *zirRun) fieldOperation(op zirOp, a *big.Int, right zirWord) (*big.Int, error) {
	out, b := new(big.Int), right.field
	switch op {
	case zirAdd:
		out.Add(a, b)
	case zirSub:
		out.Sub(a, b)
	case zirMul:
		out.Mul(a, b)
	case zirDiv:
		if b.Sign() == 0 {
			return nil, solverFailure("division by zero")
		}
		out.Mul(a, out.ModInverse(b, r.modulus))
	case zirPow:
		return out.Exp(a, new(big.Int).SetUint64(right.word), r.modulus), nil
	default:
		return r.bitOperation(op, a, right)
	}
	return out.Mod(out, r.modulus), nil
}

// bitOperation computes on canonical integers. Where the compiler's
// interpreter breaks off because the result isn't below the modulus, this
// returns an error.
func (r *zirRun) bitOperation(op zirOp, a *big.Int, right zirWord) (*big.Int, error) {
	out, b := new(big.Int), right.field
	switch op {
	case zirAnd:
		out.And(a, b)
	case zirOr:
		out.Or(a, b)
	case zirXor:
		out.Xor(a, b)
	case zirRightShift:
		out.Rsh(a, uint(min(right.word, uint64(r.bits))))
	case zirLeftShift:
		if right.word < uint64(r.bits) {
			mask := new(big.Int).Lsh(big.NewInt(1), r.bits)
			out.And(out.Lsh(a, uint(right.word)), mask.Sub(mask, big.NewInt(1)))
		}
	}
	if out.Cmp(r.modulus) >= 0 {
		return nil, solverFailure("the result of a bit operation isn't below the field's modulus")
	}
	return out, nil
}
