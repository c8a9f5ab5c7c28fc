package contract

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"provery/internal/fault"
)

func TestCall(t *testing.T) {
	t.Parallel()
	for _, c := range readCases(t) {
		document := read(t, filepath.Join(root, c.Proof))
		data, err := Calldata(document)
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		call, err := NewCall(document)
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		if got := "0x" + hex.EncodeToString(data); got != call.Calldata || !strings.HasPrefix(got, call.Selector) || len(call.Selector) != 10 {
			t.Errorf("%s: got %s, want %s with %s in front", c.Name, got, call.Calldata, call.Selector)
		}
		var in struct {
			Proof  struct{ A, B, C any }
			Inputs []any
		}
		if err := json.Unmarshal(document, &in); err != nil {
			t.Fatal(err)
		}
		want := []any{[]any{in.Proof.A, in.Proof.B, in.Proof.C}, in.Inputs}
		if len(in.Inputs) == 0 {
			want = want[:1]
		}
		if got, want := encodeJSON(t, call.Arguments), encodeJSON(t, want); !bytes.Equal(got, want) {
			t.Errorf("%s: got arguments %s, want %s", c.Name, got, want)
		}
	}
}

func TestCalldataRefuses(t *testing.T) {
	t.Parallel()
	good := read(t, filepath.Join(root, g16Proof))
	point := func(member, value string) []byte {
		var m struct {
			Proof map[string]json.RawMessage `json:"proof"`
		}
		if err := json.Unmarshal(good, &m); err != nil {
			t.Fatal(err)
		}
		m.Proof[member] = json.RawMessage(value)
		return edit(t, good, "proof", m.Proof)
	}
	zero, one := "0x"+strings.Repeat("0", 64), "0x"+strings.Repeat("0", 63)+"1"
	r := fmt.Sprintf("0x%064x", scalarModulus())
	tests := []struct {
		name  string
		proof []byte
		want  fault.Code
	}{
		{"empty", nil, fault.InvalidRequest},
		{"null", []byte("null"), fault.InvalidRequest},
		{"two values", append(bytes.Clone(good), '{', '}'), fault.InvalidRequest},
		{"too long", make([]byte, maxJSON+1), fault.TooLarge},
		{"marlin", edit(t, good, "scheme", "marlin"), fault.Unsupported},
		{"another curve", edit(t, good, "curve", "bw6_761"), fault.Unsupported},
		{"no scheme", edit(t, good, "scheme", nil), fault.InvalidRequest},
		{"no proof", edit(t, good, "proof", nil), fault.InvalidRequest},
		{"no inputs", edit(t, good, "inputs", nil), fault.InvalidRequest},
		{"input is r", edit(t, good, "inputs", []string{one, r}), fault.InvalidRequest},
		{"input too short", edit(t, good, "inputs", []string{"0x1"}), fault.InvalidRequest},
		{"input is null", edit(t, good, "inputs", []any{nil}), fault.InvalidRequest},
		{"a at infinity", point("a", `["`+zero+`","`+zero+`"]`), fault.InvalidRequest},
		{"a isn't on the curve", point("a", `["`+one+`","`+one+`"]`), fault.InvalidRequest},
		{"b is a point of G1", point("b", `["`+one+`","`+one+`"]`), fault.InvalidRequest},
		{"b isn't on the curve", point("b", `[["`+one+`","`+one+`"],["`+one+`","`+one+`"]]`), fault.InvalidRequest},
		{"c is null", point("c", `null`), fault.InvalidRequest},
	}
	for _, tc := range tests {
		data, err := Calldata(tc.proof)
		if !fault.Is(err, tc.want) || data != nil {
			t.Errorf("%s: got %q (%v), want %q", tc.name, fault.CodeOf(err), err, tc.want)
		}
		if call, err := NewCall(tc.proof); !fault.Is(err, tc.want) || call != nil {
			t.Errorf("%s: NewCall: got %q (%v), want %q", tc.name, fault.CodeOf(err), err, tc.want)
		}
	}
}

func FuzzSolidity(f *testing.F) {
	for _, c := range readCases(f) {
		f.Add(read(f, filepath.Join(root, c.Key)), "", "", "")
	}
	f.Add([]byte(`{"scheme":"g16","curve":"bn128","gamma_abc":[null]}`), "Name", "^0.8.20", "MIT")
	f.Fuzz(func(t *testing.T, key []byte, name, pragma, spdx string) {
		text, err := Solidity(key, Options{name, pragma, spdx, len(key)%2 == 1})
		if (err == nil) != (text != "") || fault.Is(err, fault.Internal) {
			t.Errorf("got %d bytes and %v", len(text), err)
		}
		// Options can't add lines or statements.
		if again, err2 := Solidity(key, Options{SnarkJS: len(key)%2 == 1}); err == nil && (err2 != nil || strings.Count(again, "\n") != strings.Count(text, "\n")) {
			t.Errorf("options change the form: %q %q %q", name, pragma, spdx)
		}
	})
}

func FuzzCalldata(f *testing.F) {
	for _, c := range readCases(f) {
		f.Add(read(f, filepath.Join(root, c.Proof)))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		data, err := Calldata(document)
		if err != nil {
			if fault.Is(err, fault.Internal) || data != nil {
				t.Errorf("got %x and %v", data, err)
			}
			return
		}
		if len(data) < 4+8*wordBytes || (len(data)-4)%wordBytes != 0 {
			t.Errorf("got %d bytes", len(data))
		}
	})
}
