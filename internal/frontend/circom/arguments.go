package circom

import (
	"bytes"
	"encoding/json"
	"math/big"
	"strconv"
	"strings"

	"provery/internal/curve"
	"provery/internal/fault"
)

// argumentReader turns an input.json into field elements. Its errors name the
// place and what is wanted there, and never hold a value, not even the name of
// an unknown signal.
type argumentReader struct {
	dec    *json.Decoder
	params *curve.Params
	reduce bool
	path   []byte // JSON pointer to the value being read
	value  big.Int
	emit   func(leaf int, v *big.Int) // v is reused
}

// readArguments reads the object of inputs by name, and calls emit once for
// each of their leaves. A value has the shape of its signal, or is a flat list
// of as many numbers as the signal has.
func (a *abi) readArguments(text json.RawMessage, params *curve.Params, reduce bool, emit func(leaf int, v *big.Int)) error {
	if len(text) == 0 {
		text = json.RawMessage("{}")
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
	if token != json.Delim('{') {
		return r.fail("an object of the circuit's %d inputs by name is wanted", len(a.Inputs))
	}
	fields := make([]field, len(a.Inputs))
	for i, p := range a.Inputs {
		fields[i] = field{p.Name, &p.Value, p.first}
	}
	return r.object(fields)
}

// field is a member of an object: a parameter or a part of a bus.
type field struct {
	name string
	ty   *Value
	leaf int
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

// object reads the members after an opening brace, in any order.
func (r *argumentReader) object(fields []field) error {
	index := make(map[string]int, len(fields))
	for i, f := range fields {
		index[f.name] = i
	}
	seen := make([]bool, len(fields))
	for r.dec.More() {
		token, err := r.token()
		if err != nil {
			return err
		}
		key, _ := token.(string)
		i, ok := index[key]
		if !ok {
			return r.fail("the object has a member that the circuit has no input for")
		}
		f := &fields[i]
		err = r.at(pointerEscapes.Replace(f.name), func() error {
			if seen[i] {
				return r.fail("the input is given twice")
			}
			seen[i] = true
			return r.read(f.ty, f.leaf)
		})
		if err != nil {
			return err
		}
	}
	for i, ok := range seen {
		if !ok {
			return r.at(pointerEscapes.Replace(fields[i].name), func() error { return r.fail("the input is missing") })
		}
	}
	_, err := r.token()
	return err
}

// read reads a value of the type t whose first leaf is leaf.
func (r *argumentReader) read(t *Value, leaf int) error {
	token, err := r.token()
	if err != nil {
		return err
	}
	switch {
	case token == json.Delim('['):
		return r.list(t, leaf)
	case t.Type == typeStruct && token == json.Delim('{'):
		var fields []field
		for _, m := range t.Components.Members {
			fields = append(fields, field{m.Name, &m.Value, leaf})
			leaf += m.leaves
		}
		return r.object(fields)
	case t.Type == typeStruct:
		return r.fail("an object of %d members is wanted", len(t.Components.Members))
	case t.leaves == 1 && t.Type == typeArray:
		return r.number(leaf, token) // an array of one takes a bare value, as in snarkjs
	case t.Type == typeArray:
		return r.fail("an array of %d elements is wanted", *t.Components.Size)
	}
	return r.number(leaf, token)
}

// list reads the elements after an opening bracket: as the type t nests them,
// or flat. What the first element is decides.
func (r *argumentReader) list(t *Value, leaf int) error {
	if t.Type == typeField {
		size := 1
		t = &Value{Type: typeArray, leaves: 1, Components: &components{Size: &size, Value: t}}
	}
	want, elem := t.leaves, (*Value)(nil)
	if t.Type == typeArray {
		want, elem = *t.Components.Size, t.Components.Value
	}
	flat := t.Type == typeStruct
	n := 0
	for ; r.dec.More(); n++ {
		if n == 0 && !flat && elem.leaves > 1 && r.bareNext() {
			flat, want = true, t.leaves
		}
		if n >= want {
			return r.fail("%d values are wanted; this has more", want)
		}
		e, at := fieldType, leaf+n
		if !flat {
			e, at = elem, leaf+n*elem.leaves
		}
		if err := r.at(strconv.Itoa(n), func() error { return r.read(e, at) }); err != nil {
			return err
		}
	}
	if n < want {
		return r.fail("%d values are wanted; this has %d", want, n)
	}
	_, err := r.token()
	return err
}

var fieldType = &Value{Type: typeField, leaves: 1}

// bareNext reports whether the next value in a list is neither a list nor an
// object.
func (r *argumentReader) bareNext() bool {
	var b [1]byte
	rest := r.dec.Buffered()
	for {
		if n, _ := rest.Read(b[:]); n == 0 {
			return false
		}
		switch b[0] {
		case ' ', '\t', '\r', '\n', ',':
			continue
		}
		return b[0] != '[' && b[0] != '{'
	}
}

const (
	maxInteger = 1 << 53 // largest bare JSON number
	maxDigits  = 4096    // of a number to be reduced
)

// number reads a field element: a string of decimal digits without leading
// zeros, or of hexadecimal digits after 0x; or a JSON integer of at most 2^53.
// A minus sign is for numbers that are to be reduced.
func (r *argumentReader) number(leaf int, token json.Token) error {
	text, ok := token.(string)
	if bare, isNumber := token.(json.Number); isNumber {
		text, ok = bare.String(), true
		if n, err := strconv.ParseUint(strings.TrimPrefix(text, "-"), 10, 64); err != nil || n > maxInteger {
			return r.fail("a bare number must be an integer up to 2^53; write larger ones as strings")
		}
	}
	if !ok {
		return r.fail("a number is wanted, as a string")
	}
	digits, negative := strings.CutPrefix(text, "-")
	base := 10
	if strings.HasPrefix(digits, "0x") && !negative {
		digits, base = strings.TrimLeft(digits[2:], "0"), 16
		if digits == "" && len(text) > 2 {
			digits = "0"
		}
	}
	if !areDigits(digits, base) {
		return r.fail("not a number: decimal digits without leading zeros are wanted, or 0x and hexadecimal digits")
	}
	if negative && !r.reduce {
		return r.fail("the number is negative")
	}
	// Every number in range has fewer digits than the modulus has bits.
	if len(digits) > r.params.ScalarBits && !(r.reduce && len(digits) <= maxDigits) {
		return r.tooLarge()
	}
	r.value.SetString(digits, base)
	if negative {
		r.value.Neg(&r.value)
	}
	if r.value.Sign() < 0 || r.value.Cmp(r.params.ScalarModulus) >= 0 {
		if !r.reduce {
			return r.tooLarge()
		}
		r.value.Mod(&r.value, r.params.ScalarModulus)
	}
	r.emit(leaf, &r.value)
	return nil
}

func (r *argumentReader) tooLarge() error {
	return r.fail("the number isn't below the modulus of the field")
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

// appendValue appends a value of the type t as compact JSON, numbers as decimal
// strings. next yields the canonical values of its leaves in order.
func (t *Value) appendValue(dst []byte, next func() *big.Int) []byte {
	switch t.Type {
	case typeArray:
		dst = append(dst, '[')
		for i := range *t.Components.Size {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = t.Components.appendValue(dst, next)
		}
		return append(dst, ']')
	case typeStruct:
		dst = append(dst, '{')
		for i, m := range t.Components.Members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = m.appendValue(appendName(dst, m.Name), next)
		}
		return append(dst, '}')
	}
	dst = append(dst, '"')
	dst = next().Append(dst, 10)
	return append(dst, '"')
}

func appendName(dst []byte, name string) []byte {
	b, _ := json.Marshal(name) // a string always can be
	return append(append(dst, b...), ':')
}

// appendParameters appends an object of all parameters by name.
func appendParameters(dst []byte, list []*parameter, next func() *big.Int) []byte {
	dst = append(dst, '{')
	for i, p := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = p.appendValue(appendName(dst, p.Name), next)
	}
	return append(dst, '}')
}
