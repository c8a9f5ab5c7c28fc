package zokrates

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend"
)

func TestParseABI(t *testing.T) {
	t.Parallel()
	input := func(ty string) string {
		return `{"inputs":[{"name":"a","public":true,` + ty + `}],"output":{"type":"bool"}}`
	}
	nested := func(n int) string {
		return strings.Repeat(`"type":"array","components":{"size":1,`, n) + `"type":"u8"` + strings.Repeat("}", n)
	}
	empty := `"type":"tuple","components":{"elements":[]}`
	tests := []struct {
		name, text, want string
	}{
		{"not JSON", `{"inputs"`, "not valid JSON"},
		{"array", `[]`, "isn't an object"},
		{"no output", `{"inputs":[]}`, "missing"},
		{"old form", `{"inputs":[],"outputs":[]}`, "unknown key"},
		{"trailing", input(`"type":"u8"`) + "]", "follow"},
		{"no visibility", `{"inputs":[{"name":"a","type":"u8"}],"output":{"type":"bool"}}`, "public"},
		{"no name", `{"inputs":[{"public":true,"type":"u8"}],"output":{"type":"bool"}}`, "without a name"},
		{"key twice", input(`"type":"u8","type":"u8"`), "twice"},
		{"unknown type", input(`"type":"i8"`), "unknown type"},
		{"components of a leaf", input(`"type":"u8","components":{}`), "components"},
		{"array without components", input(`"type":"array"`), "components"},
		{"array without size", input(`"type":"array","components":{"type":"u8"}`), "without a size"},
		{"negative size", input(`"type":"array","components":{"size":-1,"type":"u8"}`), "size"},
		{"fractional size", input(`"type":"array","components":{"size":1.5,"type":"u8"}`), "size"},
		{"symbolic size", input(`"type":"array","components":{"size":"N","type":"u8"}`), "size"},
		{"too large", input(`"type":"array","components":{"size":4294967295,"type":"u8"}`), "too many"},
		{"large product", input(`"type":"array","components":{"size":4294967295,"type":"array","components":{"size":4294967295,"type":"u8"}}`), "too many"},
		{"many empty values", input(`"type":"array","components":{"size":4294967295,` + empty + `}`), "too many"},
		{"deep", input(nested(maxTypeDepth + 1)), "too deeply"},
		{"deep JSON", strings.Repeat("[", 1<<20), "too deeply"},
		{"tuple without elements", input(`"type":"tuple","components":{}`), "without its members"},
		{"struct with a member twice", input(`"type":"struct","components":{"name":"S","generics":[],"members":[{"name":"x","type":"u8"},{"name":"x","type":"u8"}]}`), "twice"},
		{"parameter twice", `{"inputs":[{"name":"a","public":true,"type":"u8"},{"name":"a","public":true,"type":"u8"}],"output":{"type":"bool"}}`, "twice"},
	}
	for _, tt := range tests {
		if _, err := parseABI([]byte(tt.text)); !fault.Is(err, fault.InvalidArtifact) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got error %v, want %q", tt.name, err, tt.want)
		}
	}
	for _, text := range []string{nested(30), `"type":"array","components":{"size":0,"type":"u8"}`, empty} {
		if _, err := parseABI([]byte(input(text))); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestABIFits checks that program and ABI must belong together.
func TestABIFits(t *testing.T) {
	t.Parallel()
	const good = `{"inputs":[{"name":"a","public":false,"type":"field"},{"name":"b","public":true,"type":"field"}],"output":{"type":"field"}}`
	program := simple(t).bytes()
	if _, err := New().Import(t.Context(), artefacts(program, []byte(good))); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"visibility":   strings.Replace(good, "false", "true", 1),
		"fewer":        `{"inputs":[{"name":"a","public":false,"type":"field"}],"output":{"type":"field"}}`,
		"more":         strings.Replace(good, `"type":"field"}]`, `"type":"array","components":{"size":2,"type":"u8"}}]`, 1),
		"other output": strings.Replace(good, `"output":{"type":"field"}`, `"output":{"type":"tuple","components":{"elements":[]}}`, 1),
		"not JSON":     "{",
	} {
		if _, err := New().Import(t.Context(), artefacts(program, []byte(text))); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("%s: got error %v", name, err)
		}
	}
	other := findFixture(t, "mixed", "bn128")
	if _, err := New().Import(t.Context(), artefacts(program, other.file(t, "abi.json"))); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("ABI of another program: got error %v", err)
	}
}

// readOne reads a single argument of a type.
func readOne(t *testing.T, ty, value string, reduce bool) (*big.Int, error) {
	t.Helper()
	a, err := parseABI([]byte(`{"inputs":[{"name":"a","public":true,"type":"` + ty + `"}],"output":{"type":"bool"}}`))
	if err != nil {
		t.Fatal(err)
	}
	params, _ := paramsOf(curve.BN128)
	var got *big.Int
	err = a.readArguments(json.RawMessage("["+value+"]"), params, reduce, func(_ int, v *big.Int) { got = new(big.Int).Set(v) })
	return got, err
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	params, _ := paramsOf(curve.BN128)
	r := params.ScalarModulus
	last := new(big.Int).Sub(r, big.NewInt(1))
	over := new(big.Int).Add(r, big.NewInt(5))
	long := new(big.Int).Lsh(big.NewInt(1), 10000)
	reduced := func(v *big.Int) string { return new(big.Int).Mod(v, r).String() }
	tests := []struct {
		ty, value, want, wantReduced string // "" for an error
	}{
		{"field", `"0"`, "0", "0"},
		{"field", `"12"`, "12", "12"},
		{"field", `12`, "12", "12"},
		{"field", `9007199254740992`, "9007199254740992", "9007199254740992"},
		{"field", `9007199254740993`, "", ""},
		{"field", `-1`, "", ""},
		{"field", `-0`, "", ""},
		{"field", `1.0`, "", ""},
		{"field", `1e2`, "", ""},
		{"field", `"0x1f"`, "31", "31"},
		{"field", `"0xAb"`, "171", "171"},
		{"field", `"0x0000"`, "0", "0"},
		{"field", `"0x` + strings.Repeat("0", 5000) + `7"`, "7", "7"},
		{"field", `"0Xff"`, "", ""},
		{"field", `"0x"`, "", ""},
		{"field", `""`, "", ""},
		{"field", `"010"`, "", ""},
		{"field", `"00"`, "", ""},
		{"field", `"abc"`, "", ""},
		{"field", `"+5"`, "", ""},
		{"field", `"-5"`, "", ""},
		{"field", `" 5"`, "", ""},
		{"field", `"5 "`, "", ""},
		{"field", `"1_000"`, "", ""},
		{"field", `"0x1_0"`, "", ""},
		{"field", `"0x0x1"`, "", ""},
		{"field", `"٣"`, "", ""},
		{"field", `"` + last.String() + `"`, last.String(), last.String()},
		{"field", fmt.Sprintf(`"0x%x"`, last), last.String(), last.String()},
		{"field", `"` + r.String() + `"`, "", "0"},
		{"field", fmt.Sprintf(`"0x%x"`, over), "", "5"},
		{"field", `"` + long.String() + `"`, "", reduced(long)},
		{"field", `"` + strings.Repeat("9", maxDigits+1) + `"`, "", ""},
		{"field", `true`, "", ""},
		{"field", `null`, "", ""},
		{"field", `["1"]`, "", ""},
		{"u8", `"255"`, "255", "255"},
		{"u8", `"0xff"`, "255", "255"},
		{"u8", `255`, "255", "255"},
		{"u8", `"256"`, "", ""},
		{"u8", `"ff"`, "", ""},
		{"u64", `"18446744073709551615"`, "18446744073709551615", "18446744073709551615"},
		{"u64", `"18446744073709551616"`, "", ""},
		{"u64", `"` + long.String() + `"`, "", ""},
		{"bool", `true`, "1", "1"},
		{"bool", `false`, "0", "0"},
		{"bool", `"true"`, "", ""},
		{"bool", `1`, "", ""},
	}
	for _, tt := range tests {
		for reduce, want := range map[bool]string{false: tt.want, true: tt.wantReduced} {
			got, err := readOne(t, tt.ty, tt.value, reduce)
			switch {
			case want == "" && !fault.Is(err, fault.InvalidRequest):
				t.Errorf("%s %.60s (reduce %v): got %v, %v, want an error", tt.ty, tt.value, reduce, got, err)
			case want != "" && (err != nil || got.String() != want):
				t.Errorf("%s %.60s (reduce %v): got %v, %v, want %s", tt.ty, tt.value, reduce, got, err, want)
			}
		}
	}
}

// TestArgumentsByName gives the arguments of mixed as an object, in another
// order.
func TestArgumentsByName(t *testing.T) {
	t.Parallel()
	f := findFixture(t, "mixed", "bn128")
	p := mustImport(t, f.artefacts(t))
	var values []json.RawMessage
	if err := json.Unmarshal(f.args, &values); err != nil {
		t.Fatal(err)
	}
	var members []string
	for i, name := range []string{"q", "w", "flag", "t", "big"} {
		members = append(members, fmt.Sprintf("%q:%s", name, values[i]))
	}
	slices.Reverse(members)
	got, err := solveText(t, p, "{"+strings.Join(members, ",")+"}")
	if want := compactJSON(t, f.file(t, "output.json")); err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

// TestWithoutABI runs a fixture on flat arguments.
func TestWithoutABI(t *testing.T) {
	t.Parallel()
	f := findFixture(t, "mixed", "bn128")
	p := mustReopen(t, mustImport(t, artefacts(f.file(t, "out"), nil)))
	flat := `["3735928559","7","16","200","1","1","2","4294967295","0","9","65535","0x1000000000000001"]`
	got, err := solveText(t, p, flat)
	if want := `["79","3735928558","4294967295","1","201","9223372036854775816"]`; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	// Ranges are the program's own business now.
	_, err = solveText(t, p, strings.Replace(flat, `"200"`, `"256"`, 1))
	if !fault.Is(err, fault.UnsatisfiedWitness) {
		t.Errorf("tag out of range: got error %v", err)
	}
	_, err = solveText(t, p, `["1"]`)
	if !fault.Is(err, fault.InvalidRequest) {
		t.Errorf("too few: got error %v", err)
	}
}

// TestReduce solves with a number beyond the field.
func TestReduce(t *testing.T) {
	t.Parallel()
	p := simple(t).program(t)
	params, _ := paramsOf(curve.BN128)
	arguments := json.RawMessage(fmt.Sprintf(`["%v","7"]`, new(big.Int).Add(params.ScalarModulus, big.NewInt(6))))
	if _, err := p.Solve(t.Context(), arguments, frontend.SolveOptions{}); !fault.Is(err, fault.InvalidRequest) {
		t.Errorf("without reduce: got error %v", err)
	}
	s, err := p.Solve(t.Context(), arguments, frontend.SolveOptions{Reduce: true})
	if err != nil || string(s.Outputs) != `["42"]` {
		t.Errorf("with reduce: got %+v, %v", s, err)
	}
}

// TestOutputTypes refuses an output that isn't of its type.
func TestOutputTypes(t *testing.T) {
	t.Parallel()
	abi := `{"inputs":[{"name":"a","public":false,"type":"field"},{"name":"b","public":true,"type":"field"}],"output":{"type":"u8"}}`
	p := mustImport(t, artefacts(simple(t).bytes(), []byte(abi)))
	if got, err := solveText(t, p, `["6","7"]`); err != nil || got != `"0x2a"` {
		t.Errorf("got %s, %v", got, err)
	}
	if _, err := solveText(t, p, `["60","70"]`); !fault.Is(err, fault.InvalidArtifact) || strings.Contains(err.Error(), "4200") {
		t.Errorf("got error %v", err)
	}
}
