package zokrates

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"provery/internal/curve"
	"provery/internal/fault"
)

// evalZir runs a function whose definitions are given and returns the variable
// that the last of them defines.
func evalZir(t *testing.T, id curve.ID, arguments []any, definitions []any, values ...*big.Int) (zirWord, error) {
	t.Helper()
	b := newBuilder(t, id)
	code := encodeCBOR(nil, zir(arguments, 0, definitions...)[1])
	f, err := parseZir(code, b.params, make([]byte, windowSize))
	if err != nil {
		t.Fatalf("parseZir: %v", err)
	}
	r := &zirRun{b.params.ScalarModulus, uint(b.params.ScalarBits), make([]zirWord, len(f.variables))}
	for i, ty := range f.arguments {
		if r.variables[i] = (zirWord{field: values[i], defined: true}); ty != zirField {
			r.variables[i] = zirWord{word: values[i].Uint64(), defined: true}
		}
	}
	_, err = r.statements(f.statements)
	return r.variables[len(f.variables)-1], err
}

func randomBelow(rng *rand.Rand, limit *big.Int) *big.Int {
	v := new(big.Int)
	for range (limit.BitLen() + 63) / 64 {
		v.Or(v.Lsh(v, 64), new(big.Int).SetUint64(rng.Uint64()))
	}
	return v.Mod(v, limit)
}

// TestZirFieldOperations compares every operation on field elements with
// math/big, where the result is below the modulus, and wants an error elsewhere.
func TestZirFieldOperations(t *testing.T) {
	t.Parallel()
	type oracle func(a, b, r *big.Int) *big.Int // nil: an error
	mod := func(f func(z, a, b *big.Int) *big.Int) oracle {
		return func(a, b, r *big.Int) *big.Int { return new(big.Int).Mod(f(new(big.Int), a, b), r) }
	}
	bitwise := func(f func(z, a, b *big.Int) *big.Int) oracle {
		return func(a, b, r *big.Int) *big.Int {
			if v := f(new(big.Int), a, b); v.Cmp(r) < 0 {
				return v
			}
			return nil
		}
	}
	ops := map[string]oracle{
		"Add": mod((*big.Int).Add), "Sub": mod((*big.Int).Sub), "Mult": mod((*big.Int).Mul),
		"And": bitwise((*big.Int).And), "Or": bitwise((*big.Int).Or), "Xor": bitwise((*big.Int).Xor),
		"Div": func(a, b, r *big.Int) *big.Int {
			if b.Sign() == 0 {
				return nil
			}
			// By Fermat, unlike the code under test.
			inverse := new(big.Int).Exp(b, new(big.Int).Sub(r, big.NewInt(2)), r)
			return inverse.Mod(inverse.Mul(inverse, a), r)
		},
	}
	for _, id := range curve.All() {
		params, _ := paramsOf(id)
		r := params.ScalarModulus
		last := new(big.Int).Sub(r, big.NewInt(1))
		values := []*big.Int{big.NewInt(0), big.NewInt(1), big.NewInt(6), last, new(big.Int).Rsh(last, 1)}
		rng := rand.New(rand.NewPCG(uint64(id), 1))
		values = append(values, randomBelow(rng, r), randomBelow(rng, r))
		for name, want := range ops {
			define := zirDefine(2, "FieldElement", "FieldElement", zirBinary(name, zirRef(0), zirRef(1)))
			for _, a := range values {
				for _, b := range values {
					got, err := evalZir(t, id, []any{"FieldElement", "FieldElement"}, []any{define}, a, b)
					checkZir(t, fmt.Sprintf("%v: %s(%v, %v)", id, name, a, b), got.field, err, want(a, b, r))
				}
			}
		}
	}
}

func checkZir(t *testing.T, what string, got *big.Int, err error, want *big.Int) {
	t.Helper()
	switch {
	case want == nil && !fault.Is(err, fault.UnsatisfiedWitness):
		t.Errorf("%s: got %v, %v, want an error", what, got, err)
	case want != nil && (err != nil || got.Cmp(want) != 0):
		t.Errorf("%s: got %v, %v, want %v", what, got, err, want)
	}
}

// TestZirFieldByWord checks the operations of a field element and an unsigned
// integer.
func TestZirFieldByWord(t *testing.T) {
	t.Parallel()
	shiftLeft := func(a *big.Int, n uint, p *curve.Params) *big.Int {
		if n >= uint(p.ScalarBits) {
			return new(big.Int)
		}
		v := new(big.Int).Mul(a, new(big.Int).Exp(big.NewInt(2), big.NewInt(int64(n)), nil))
		v.Mod(v, new(big.Int).Exp(big.NewInt(2), big.NewInt(int64(p.ScalarBits)), nil))
		if v.Cmp(p.ScalarModulus) >= 0 {
			return nil
		}
		return v
	}
	shiftRight := func(a *big.Int, n uint, _ *curve.Params) *big.Int {
		return new(big.Int).Div(a, new(big.Int).Exp(big.NewInt(2), big.NewInt(int64(min(n, 1000))), nil))
	}
	power := func(a *big.Int, n uint, p *curve.Params) *big.Int {
		v := big.NewInt(1)
		for i := 31; i >= 0; i-- {
			v.Mod(v.Mul(v, v), p.ScalarModulus)
			if n>>i&1 == 1 {
				v.Mod(v.Mul(v, a), p.ScalarModulus)
			}
		}
		return v
	}
	for _, id := range curve.All() {
		params, _ := paramsOf(id)
		last := new(big.Int).Sub(params.ScalarModulus, big.NewInt(1))
		for name, want := range map[string]func(*big.Int, uint, *curve.Params) *big.Int{"LeftShift": shiftLeft, "RightShift": shiftRight, "Pow": power} {
			define := zirDefine(2, "FieldElement", "FieldElement", zirBinary(name, zirRef(0), zirUint("32", zirRef(1))))
			for _, a := range []*big.Int{big.NewInt(0), big.NewInt(5), last, new(big.Int).Rsh(last, 3)} {
				for _, n := range []uint{0, 1, 7, 252, 253, 254, 255, 376, 377, 1 << 31, 1<<32 - 1} {
					by := new(big.Int).SetUint64(uint64(n))
					got, err := evalZir(t, id, []any{"FieldElement", dict{"Uint", "32"}}, []any{define}, a, by)
					checkZir(t, fmt.Sprintf("%v: %s(%v, %d)", id, name, a, n), got.field, err, want(a, n, params))
				}
			}
		}
	}
}

// TestZirWordOperations compares the operations of unsigned integers, on every
// width, with math/big modulo 2^width.
func TestZirWordOperations(t *testing.T) {
	t.Parallel()
	for _, width := range []string{"8", "16", "32", "64"} {
		var bits uint
		fmt.Sscan(width, &bits)
		limit := new(big.Int).Lsh(big.NewInt(1), bits)
		shift := func(f func(z, a *big.Int, n uint) *big.Int) func(a, b *big.Int) *big.Int {
			return func(a, b *big.Int) *big.Int {
				if !b.IsUint64() || b.Uint64() >= uint64(bits) {
					return new(big.Int)
				}
				return f(new(big.Int), a, uint(b.Uint64()))
			}
		}
		divide := func(f func(z, a, b *big.Int) *big.Int) func(a, b *big.Int) *big.Int {
			return func(a, b *big.Int) *big.Int {
				if b.Sign() == 0 {
					return nil
				}
				return f(new(big.Int), a, b)
			}
		}
		plain := func(f func(z, a, b *big.Int) *big.Int) func(a, b *big.Int) *big.Int {
			return func(a, b *big.Int) *big.Int { return f(new(big.Int), a, b) }
		}
		ops := map[string]func(a, b *big.Int) *big.Int{
			"Add": plain((*big.Int).Add), "Sub": plain((*big.Int).Sub), "Mult": plain((*big.Int).Mul),
			"And": plain((*big.Int).And), "Or": plain((*big.Int).Or), "Xor": plain((*big.Int).Xor),
			"Div": divide((*big.Int).Div), "Rem": divide((*big.Int).Rem),
			"LeftShift": shift((*big.Int).Lsh), "RightShift": shift((*big.Int).Rsh),
		}
		top := new(big.Int).Sub(limit, big.NewInt(1))
		values := []*big.Int{big.NewInt(0), big.NewInt(1), big.NewInt(7), big.NewInt(int64(bits)), top, new(big.Int).Rsh(top, 1), new(big.Int).Rsh(top, 3)}
		ty := dict{"Uint", width}
		for name, oracle := range ops {
			define := zirDefine(2, ty, "Uint", zirUint(width, zirBinary(name, zirUint(width, zirRef(0)), zirUint(width, zirRef(1)))))
			for _, a := range values {
				for _, b := range values {
					want := oracle(a, b)
					if want != nil {
						want.Mod(want, limit)
					}
					got, err := evalZir(t, curve.BN128, []any{ty, ty}, []any{define}, a, b)
					checkZir(t, fmt.Sprintf("u%s: %s(%v, %v)", width, name, a, b), new(big.Int).SetUint64(got.word), err, want)
				}
			}
		}
		not := zirDefine(1, ty, "Uint", zirUint(width, dict{"Not", dict{"span", nil, "inner", zirUint(width, zirRef(0)), "operator", nil, "output", nil}}))
		for _, a := range values {
			got, err := evalZir(t, curve.BN128, []any{ty}, []any{not}, a)
			checkZir(t, "not", new(big.Int).SetUint64(got.word), err, new(big.Int).Sub(top, a))
		}
	}
}

// TestZirBooleans checks comparisons and the operations of booleans.
func TestZirBooleans(t *testing.T) {
	t.Parallel()
	u := dict{"Uint", "16"}
	wrap := func(v any) any { return zirUint("16", v) }
	same := func(v any) any { return v }
	tests := []struct {
		op      string
		ty      any
		operand func(any) any
		want    func(a, b int64) bool
	}{
		{"FieldLt", "FieldElement", same, func(a, b int64) bool { return a < b }},
		{"FieldLe", "FieldElement", same, func(a, b int64) bool { return a <= b }},
		{"FieldEq", "FieldElement", same, func(a, b int64) bool { return a == b }},
		{"UintLt", u, wrap, func(a, b int64) bool { return a < b }},
		{"UintLe", u, wrap, func(a, b int64) bool { return a <= b }},
		{"UintEq", u, wrap, func(a, b int64) bool { return a == b }},
		{"BoolEq", "Boolean", same, func(a, b int64) bool { return a == b }},
		{"And", "Boolean", same, func(a, b int64) bool { return a+b == 2 }},
		{"Or", "Boolean", same, func(a, b int64) bool { return a+b > 0 }},
	}
	for _, tt := range tests {
		define := zirDefine(2, "Boolean", "Boolean", zirBinary(tt.op, tt.operand(zirRef(0)), tt.operand(zirRef(1))))
		for a := range int64(2) {
			for b := range int64(2) {
				got, err := evalZir(t, curve.BN128, []any{tt.ty, tt.ty}, []any{define}, big.NewInt(a), big.NewInt(b))
				if err != nil || (got.word == 1) != tt.want(a, b) {
					t.Errorf("%s(%d, %d): got %v, %v, want %v", tt.op, a, b, got.word, err, tt.want(a, b))
				}
			}
		}
	}
	not := zirDefine(1, "Boolean", "Boolean", dict{"Not", dict{"span", nil, "inner", zirRef(0), "operator", nil, "output", nil}})
	for a := range int64(2) {
		if got, err := evalZir(t, curve.BN128, []any{"Boolean"}, []any{not}, big.NewInt(a)); err != nil || int64(got.word) != 1-a {
			t.Errorf("Not(%d): got %v, %v", a, got.word, err)
		}
	}
}

// TestZirLazy checks that only the taken alternative is evaluated, in
// expressions and in statements.
func TestZirLazy(t *testing.T) {
	t.Parallel()
	b := newBuilder(t, curve.BN128)
	zero, one := zirLiteral(b.scalar(new(big.Int))), zirLiteral(b.scalar(big.NewInt(1)))
	inverse := zirBinary("Div", one, zirRef(0))
	isZero := zirBinary("FieldEq", zirRef(0), zero)
	assert := dict{"Assertion", dict{"span", nil, "expression", dict{"Not", dict{"span", nil, "inner", isZero, "operator", nil, "output", nil}}, "error", "DivisionByZero"}}
	branch := dict{"IfElse", dict{"span", nil, "condition", isZero, "consequence", list{}, "alternative", list{assert}}}
	for _, v := range []int64{0, 4} {
		got, err := evalZir(t, curve.BN128, []any{"FieldElement"},
			[]any{branch, zirDefine(1, "FieldElement", "FieldElement", zirIf(isZero, zero, inverse))}, big.NewInt(v))
		want := new(big.Int)
		if v != 0 {
			want.ModInverse(big.NewInt(v), b.params.ScalarModulus)
		}
		checkZir(t, "conditional inverse", got.field, err, want)
	}
	_, err := evalZir(t, curve.BN128, []any{"FieldElement"}, []any{assert}, new(big.Int))
	if !fault.Is(err, fault.UnsatisfiedWitness) || err.Error() != "division by zero" {
		t.Errorf("assertion: got %v", err)
	}
}

func TestZirSelect(t *testing.T) {
	t.Parallel()
	b := newBuilder(t, curve.BN128)
	array := list{}
	for i := range 3 {
		array = append(array, zirLiteral(b.scalar(big.NewInt(int64(10+i)))))
	}
	u := dict{"Uint", "32"}
	define := zirDefine(1, "FieldElement", "FieldElement", dict{"Select", dict{"span", nil, "array", array, "index", zirUint("32", zirRef(0))}})
	for i := range int64(4) {
		want := big.NewInt(10 + i)
		if i == 3 {
			want = nil
		}
		got, err := evalZir(t, curve.BN128, []any{u}, []any{define}, big.NewInt(i))
		checkZir(t, fmt.Sprintf("select %d", i), got.field, err, want)
	}
}

// TestZirArguments checks the ranges of typed arguments, through a program.
func TestZirArguments(t *testing.T) {
	t.Parallel()
	tests := []struct {
		ty any
		ok map[string]bool
	}{
		{"Boolean", map[string]bool{"0": true, "1": true, "2": false}},
		{dict{"Uint", "8"}, map[string]bool{"0": true, "255": true, "256": false}},
		{dict{"Uint", "64"}, map[string]bool{"18446744073709551615": true, "18446744073709551616": false}},
	}
	for _, tt := range tests {
		b := newBuilder(t, curve.BLS12381).private(1)
		b.solvers = list{zir([]any{tt.ty}, 1, zirReturns(zirLiteral(b.scalar(big.NewInt(5)))))}
		b.directive(dict{"Ref", dict{"index", 0, "signature", list{1, 1}}}, []int{1}, 2).returns(2)
		p := b.program(t)
		for value, ok := range tt.ok {
			outputs, err := solveText(t, p, `["`+value+`"]`)
			if (err == nil) != ok || ok && outputs != `["5"]` {
				t.Errorf("%v: argument %s: got %s, %v", tt.ty, value, outputs, err)
			}
		}
	}
}
