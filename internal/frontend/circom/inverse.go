package circom

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/tetratelabs/wazero/api"

	"provery/internal/curve"
	"provery/internal/divert"
	"provery/internal/fault"
)

// inverses is the function of calculators that inverts a number x modulo m, by
// Euclid's algorithm with schoolbook divisions: three pointers to scalarBytes
// bytes each, to x, to m and to the result. Circom puts the same code into every
// calculator over a field of that size; half of a witness's time and more goes
// into it where circuits divide, as operations on an elliptic curve do.
var inverses = divert.Target{
	Digest: "ee9ea47500c8469fbe7fc243cf962f96c4aa80b50c5da9379677c3a192edc6de",
	Module: "provery", Name: "inverse",
}

// inverseScratch is the end of the memory in which that function has its
// variables. Nothing reads what it leaves there.
const inverseScratch = 608

// inverter returns what inverts src modulo m into dst, all scalarBytes bytes of
// a little-endian number; src and dst may be the same. It leaves dst as it is and
// returns false if m isn't the field's order or src not below it.
func inverter[S any](f curve.Field[S]) func(dst, src, m []byte) bool {
	order := f.Params().ScalarModulus.FillBytes(make([]byte, scalarBytes))
	slices.Reverse(order)
	return func(dst, src, m []byte) bool {
		var v [1]S
		if !bytes.Equal(m, order) || f.Decode(v[:], src) != nil {
			return false
		}
		f.Inverse(&v[0], &v[0])
		f.Encode(dst, v[:])
		return true
	}
}

// instantiateInverse gives the runtime the function that inverses is diverted to.
func instantiateInverse(ctx context.Context, m *module) error {
	pointers := []api.ValueType{api.ValueTypeI32, api.ValueTypeI32, api.ValueTypeI32}
	_, err := m.runtime.NewHostModuleBuilder(inverses.Module).NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, instance api.Module, stack []uint64) {
			r, ok := ctx.Value(runKey{}).(*run)
			if !ok {
				panic(errors.New("a host function was called outside of a run"))
			}
			done := invertAt(instance.Memory(), uint32(stack[0]), uint32(stack[1]), uint32(stack[2]), r.invert)
			stack[0] = 0
			if done {
				stack[0] = 1
			}
		}), pointers, pointers[:1]).Export(inverses.Name).Instantiate(ctx)
	return fault.Wrap(err, fault.Internal, "offer functions to the witness calculator")
}

// invertAt inverts the number at x modulo that at m, and writes it at result. It
// reports false, and has done nothing, where the calculator's own function may
// not do just that: because numbers lie in each other, in its variables or
// outside of the memory, or aren't those of the circuit's field.
func invertAt(memory api.Memory, x, m, result uint32, invert func(dst, src, m []byte) bool) bool {
	if memory == nil || min(x, m, result) < inverseScratch || max(m, result)-min(m, result) < scalarBytes {
		return false
	}
	src, ok1 := memory.Read(x, scalarBytes)
	order, ok2 := memory.Read(m, scalarBytes)
	dst, ok3 := memory.Read(result, scalarBytes)
	return ok1 && ok2 && ok3 && invert(dst, src, order)
}
