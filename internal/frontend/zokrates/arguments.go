package zokrates

import (
	"bytes"
	"encoding/json"
	"math/big"
	"strconv"
	"strings"

	"provery/internal/curve"
	"provery/internal/fault"
)

// argumentReader turns argument JSON into field elements. Its errors name the
// place and what is wanted there, and never hold a value, not even the name of
// an unknown member.
type argumentReader struct {
	dec    *json.Decoder
	params *curve.Params
	reduce bool
	path   []byte // JSON pointer to the value being read
	value  big.Int
	emit   func(leaf int, v *big.Int) // v is reused
}

// readArguments walks text by the types of a, and calls emit once for each of
// its leaves, in any order.
func (a *abi) readArguments(text json.RawMessage, params *curve.Params, reduce bool, emit func(leaf int, v *big.Int)) error {
	if len(text) == 0 {
		text = json.RawMessage("[]")
	}
	if !json.Valid(text) {
		return fault.New(fault.InvalidRequest, "arguments aren't valid JSON")
	}
	r := &argumentReader{dec: json.NewDecoder(bytes.NewReader(text)), params: params, reduce: reduce, emit: emit}
	r.dec.UseNumber()
	token, err := r.token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('['):
		return r.list(&a.inputs, 0)
	case json.Delim('{'):
		return r.object(&a.inputs, 0)
	}
	return r.fail("an array of %d arguments is wanted, or an object of them by name", len(a.inputs.members))
}

func (r *argumentReader) fail(format string, args ...any) error {
	return fault.New(fault.InvalidRequest, format, args...).At(string(r.path))
}

// token returns the next token. The text is known to be valid.
func (r *argumentReader) token() (json.Token, error) {
	token, err := r.dec.Token()
	if err != nil {
		return nil, r.fail("arguments aren't valid JSON")
	}
	return token, nil
}

// at calls f with the path extended by a segment.
func (r *argumentReader) at(segment string, f func() error) error {
	n := len(r.path)
	r.path = append(append(r.path, '/'), segment...)
	err := f()
	r.path = r.path[:n]
	return err
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// read reads a value of the type t whose first leaf is leaf.
func (r *argumentReader) read(t *abiType, leaf int) error {
	token, err := r.token()
	if err != nil {
		return err
	}
	switch t.kind {
	case typeArray, typeTuple:
		if token != json.Delim('[') {
			return r.fail("an array of %d elements is wanted", t.length())
		}
		return r.list(t, leaf)
	case typeStruct:
		if token != json.Delim('{') {
			return r.fail("an object of %d members is wanted", len(t.members))
		}
		return r.object(t, leaf)
	case typeBool:
		b, ok := token.(bool)
		if !ok {
			return r.fail("true or false is wanted")
		}
		r.value.SetUint64(0)
		if b {
			r.value.SetUint64(1)
		}
		r.emit(leaf, &r.value)
		return nil
	}
	return r.number(t.kind, leaf, token)
}

// length returns the number of elements of an array, tuple or struct.
func (t *abiType) length() int {
	if t.kind == typeArray {
		return t.size
	}
	return len(t.members)
}

// list reads the elements after an opening bracket.
func (r *argumentReader) list(t *abiType, leaf int) error {
	n := t.length()
	i := 0
	for ; r.dec.More(); i++ {
		if i >= n {
			return r.fail("an array of %d elements is wanted; this has more", n)
		}
		ty, offset := t.elem, 0
		if t.kind == typeArray {
			offset = i * ty.leaves
		} else {
			ty, offset = t.members[i].ty, t.members[i].offset
		}
		if err := r.at(strconv.Itoa(i), func() error { return r.read(ty, leaf+offset) }); err != nil {
			return err
		}
	}
	if i < n {
		return r.fail("an array of %d elements is wanted; this has %d", n, i)
	}
	_, err := r.token()
	return err
}

// object reads the members after an opening brace, in any order.
func (r *argumentReader) object(t *abiType, leaf int) error {
	index := make(map[string]int, len(t.members))
	for i, m := range t.members {
		index[m.name] = i
	}
	seen := make([]bool, len(t.members))
	for r.dec.More() {
		token, err := r.token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		i, ok := index[key]
		if !ok {
			return r.fail("the object has a member that isn't wanted")
		}
		m := &t.members[i]
		err = r.at(pointerEscapes.Replace(m.name), func() error {
			if seen[i] {
				return r.fail("the member occurs twice")
			}
			seen[i] = true
			return r.read(m.ty, leaf+m.offset)
		})
		if err != nil {
			return err
		}
	}
	for i, ok := range seen {
		if !ok {
			return r.at(pointerEscapes.Replace(t.members[i].name), func() error { return r.fail("the member is missing") })
		}
	}
	_, err := r.token()
	return err
}

const (
	maxInteger = 1 << 53 // largest bare JSON number
	maxDigits  = 4096    // of a number to be reduced
)

// number reads a field element or an unsigned integer: a string of decimal
// digits without leading zeros, or of hexadecimal digits after 0x; or a JSON
// integer of at most 2^53.
func (r *argumentReader) number(kind typeKind, leaf int, token json.Token) error {
	text, ok := token.(string)
	if bare, isNumber := token.(json.Number); isNumber {
		text, ok = bare.String(), true
		if n, err := strconv.ParseUint(text, 10, 64); err != nil || n > maxInteger {
			return r.fail("a bare number must be an integer from 0 to 2^53; write larger ones as strings")
		}
	}
	if !ok {
		return r.fail("a number of type %s is wanted, as a string", typeNames[kind])
	}
	digits, base := text, 10
	if strings.HasPrefix(text, "0x") {
		digits, base = strings.TrimLeft(text[2:], "0"), 16
		if digits == "" && len(text) > 2 {
			digits = "0"
		}
	}
	if !areDigits(digits, base) {
		return r.fail("not a number: decimal digits without leading zeros are wanted, or 0x and hexadecimal digits")
	}
	// Every number in range has fewer digits than the modulus has bits.
	if limit := r.params.ScalarBits; len(digits) > limit && !(r.reduce && kind == typeField && len(digits) <= maxDigits) {
		return r.tooLarge(kind)
	}
	r.value.SetString(digits, base)
	switch {
	case kind != typeField && r.value.BitLen() > kind.bits():
		return r.tooLarge(kind)
	case kind == typeField && r.value.Cmp(r.params.ScalarModulus) >= 0:
		if !r.reduce {
			return r.tooLarge(kind)
		}
		r.value.Mod(&r.value, r.params.ScalarModulus)
	}
	r.emit(leaf, &r.value)
	return nil
}

func (r *argumentReader) tooLarge(kind typeKind) error {
	if kind == typeField {
		return r.fail("the number isn't below the modulus of the field")
	}
	return r.fail("the number is out of the range of %s", typeNames[kind])
}

// areDigits reports whether s is a number in the base, without a leading zero
// in base 10.
func areDigits(s string, base int) bool {
	if s == "" || base == 10 && s[0] == '0' && len(s) > 1 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		hex := c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
		if (c < '0' || c > '9') && !(base == 16 && hex) {
			return false
		}
	}
	return true
}
