package zokrates

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"

	"provery/internal/fault"
)

// appendValue appends a value of the type t as compact JSON: field elements as
// decimal strings, unsigned integers as 0x and all digits of their width. next
// yields the canonical values of t's leaves in order; the result may be reused
// by its next call.
//
// A value that isn't of its type, which only a wrong ABI can bring about, is
// fault.InvalidArtifact.
func (t *abiType) appendValue(dst []byte, next func() *big.Int) ([]byte, error) {
	switch t.kind {
	case typeArray, typeTuple, typeStruct:
		return t.appendList(dst, next)
	case typeField:
		dst = append(dst, '"')
		dst = next().Append(dst, 10)
		return append(dst, '"'), nil
	}
	v := next()
	if v.BitLen() > t.kind.bits() {
		return dst, fault.New(fault.InvalidArtifact, "the program returned a value that isn't of the ABI's type %s", typeNames[t.kind])
	}
	if t.kind == typeBool {
		return strconv.AppendBool(dst, v.Sign() != 0), nil
	}
	return fmt.Appendf(dst, `"0x%0*x"`, t.kind.bits()/4, v.Uint64()), nil
}

func (t *abiType) appendList(dst []byte, next func() *big.Int) (_ []byte, err error) {
	brackets := "[]"
	if t.kind == typeStruct {
		brackets = "{}"
	}
	dst = append(dst, brackets[0])
	for i := range t.length() {
		if i > 0 {
			dst = append(dst, ',')
		}
		ty := t.elem
		if t.kind != typeArray {
			ty = t.members[i].ty
		}
		if t.kind == typeStruct {
			dst = appendJSONString(dst, t.members[i].name)
			dst = append(dst, ':')
		}
		if dst, err = ty.appendValue(dst, next); err != nil {
			return dst, err
		}
	}
	return append(dst, brackets[1]), nil
}

func appendJSONString(dst []byte, s string) []byte {
	b, _ := json.Marshal(s) // a string always can be
	return append(dst, b...)
}
