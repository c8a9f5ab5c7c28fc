package zokrates

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"provery/internal/curve"
	"provery/internal/frontend"
)

// solveText solves arguments and returns the outputs.
func solveText(t *testing.T, p frontend.Program, arguments string) (string, error) {
	t.Helper()
	s, err := p.Solve(t.Context(), json.RawMessage(arguments), frontend.SolveOptions{})
	if err != nil {
		return "", err
	}
	return string(s.Outputs), nil
}

func jsonList(values []*big.Int) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = v.String()
	}
	b, _ := json.Marshal(texts)
	return string(b)
}

// TestSolvers compares every built-in solver on every curve with its formula
// in math/big.
func TestSolvers(t *testing.T) {
	t.Parallel()
	n := big.NewInt
	type formula func(r *big.Int, in []*big.Int) []*big.Int
	inverse := func(r, v *big.Int) *big.Int { return new(big.Int).Exp(v, new(big.Int).Sub(r, n(2)), r) }
	bits := func(width int) formula {
		return func(_ *big.Int, in []*big.Int) []*big.Int {
			out := make([]*big.Int, width)
			for i := range out {
				out[i] = n(int64(in[0].Bit(width - 1 - i)))
			}
			return out
		}
	}
	poly := func(f func(x, y, z *big.Int) *big.Int) formula {
		return func(r *big.Int, in []*big.Int) []*big.Int {
			in = append(in, nil)
			v := f(in[0], in[1], in[2])
			return []*big.Int{v.Mod(v, r)}
		}
	}
	mul := func(x, y *big.Int) *big.Int { return new(big.Int).Mul(x, y) }
	add := func(x, y *big.Int) *big.Int { return new(big.Int).Add(x, y) }
	sub := func(x, y *big.Int) *big.Int { return new(big.Int).Sub(x, y) }
	solvers := []struct {
		solver  any
		in, out int
		want    formula
	}{
		{"ConditionEq", 1, 2, func(r *big.Int, in []*big.Int) []*big.Int {
			if in[0].Sign() == 0 {
				return []*big.Int{n(0), n(1)}
			}
			return []*big.Int{n(1), inverse(r, in[0])}
		}},
		{dict{"Bits", 1}, 1, 1, bits(1)}, {dict{"Bits", 64}, 1, 64, bits(64)}, {dict{"Bits", 254}, 1, 254, bits(254)}, {dict{"Bits", 400}, 1, 400, bits(400)},
		{"Div", 2, 1, func(r *big.Int, in []*big.Int) []*big.Int {
			if in[1].Sign() == 0 {
				return []*big.Int{n(1)}
			}
			v := mul(in[0], inverse(r, in[1]))
			return []*big.Int{v.Mod(v, r)}
		}},
		{"Xor", 2, 1, poly(func(x, y, _ *big.Int) *big.Int { return sub(add(x, y), mul(n(2), mul(x, y))) })},
		{"Or", 2, 1, poly(func(x, y, _ *big.Int) *big.Int { return sub(add(x, y), mul(x, y)) })},
		{"ShaAndXorAndXorAnd", 3, 1, poly(func(a, b, c *big.Int) *big.Int {
			return sub(mul(b, c), mul(sub(sub(mul(n(2), mul(b, c)), b), c), a))
		})},
		{"ShaCh", 3, 1, poly(func(a, b, c *big.Int) *big.Int { return add(mul(a, sub(b, c)), c) })},
		{"EuclideanDiv", 2, 2, func(_ *big.Int, in []*big.Int) []*big.Int {
			if in[1].Sign() == 0 {
				return []*big.Int{n(0), in[0]}
			}
			q, r := new(big.Int).QuoRem(in[0], in[1], new(big.Int))
			return []*big.Int{q, r}
		}},
	}
	for _, id := range curve.All() {
		for _, s := range solvers {
			b := newBuilder(t, id)
			inputs, outputs := sequence(1, s.in), sequence(100, s.out)
			p := b.private(inputs...).directive(s.solver, inputs, outputs...).returns(outputs...).program(t)
			r := b.params.ScalarModulus
			rng := rand.New(rand.NewPCG(uint64(id), 7))
			for round := range 12 {
				in := make([]*big.Int, s.in)
				for i := range in {
					switch in[i] = randomBelow(rng, r); {
					case round < 8:
						in[i] = n(int64(round >> i & 1))
					case round == 8:
						in[i] = sub(r, n(1))
					case round == 9:
						in[i].Rsh(in[i], uint(100*i))
					}
				}
				got, err := solveText(t, p, jsonList(in))
				if want := jsonList(s.want(r, in)); err != nil || got != want {
					t.Errorf("%v: %v of %v: got %s, %v, want %s", id, s.solver, in, got, err, want)
				}
			}
		}
	}
}

func sequence(from, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = from + i
	}
	return out
}

// TestSha256Gadget checks the gadget's last sums against crypto/sha256, and the
// whole trace of one block against the digest of values that the original
// implementation gave.
func TestSha256Gadget(t *testing.T) {
	t.Parallel()
	initial := [8]uint32{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}
	for _, message := range []string{"", "abc", "a message of several words, below 55 bytes"} {
		padded := append([]byte(message), 0x80)
		padded = append(padded, make([]byte, 62-len(message)-1-6)...)
		padded = append(padded, make([]byte, 64-len(padded)-2)...)
		padded = binary.BigEndian.AppendUint16(padded, uint16(8*len(message)))
		trace := sha256Gadget(nil, words(padded), initial)
		if len(trace) != sha256GadgetBits || sha256RoundOutputs != 26935 {
			t.Fatalf("trace of %d bits, want %d", len(trace), sha256GadgetBits)
		}
		var digest [32]byte
		rest := trace[len(trace)-(2*35+6*33):]
		for i := range 8 {
			width := 33
			if i%4 == 0 {
				width = 35
			}
			for k := range 32 {
				digest[4*i+3-k/8] |= rest[k] << (k % 8)
			}
			rest = rest[width:]
		}
		if want := sha256.Sum256([]byte(message)); digest != want {
			t.Errorf("%q: got %x, want %x", message, digest, want)
		}
		if sum := sha256.Sum256(trace); message == "abc" && hex.EncodeToString(sum[:]) != sha256TraceABC {
			t.Errorf("trace of %q: got digest %x, want %s", message, sum, sha256TraceABC)
		}
	}
}

// sha256TraceABC is the SHA-256 of the trace for the block of "abc", one byte
// for each bit. The code that gave it was compared value by value with
// zokrates-js on a program of two blocks.
const sha256TraceABC = "0a89a25399a062b2ce026b957ed48afe205e284aeb36c95e25e2255e1b9f2285"

func words(block []byte) (w [16]uint32) {
	for i := range w {
		w[i] = binary.BigEndian.Uint32(block[4*i:])
	}
	return w
}

// TestSha256Round runs the solver in a program, which exists on bn128 only.
func TestSha256Round(t *testing.T) {
	t.Parallel()
	inputs, outputs := sequence(1, sha256RoundInputs), sequence(1000, sha256RoundOutputs)
	last := outputs[len(outputs)-33:] // h7 + h: 33 bits, least significant first
	b := newBuilder(t, curve.BN128)
	p := b.private(inputs...).directive("Sha256Round", inputs, outputs...).returns(append(outputs[:770:770], last...)...).program(t)
	arguments := make([]*big.Int, sha256RoundInputs)
	rng := rand.New(rand.NewPCG(3, 3))
	for i := range arguments {
		arguments[i] = big.NewInt(rng.Int64N(2))
	}
	arguments[5] = big.NewInt(2) // counts as 0, and is handed through
	got, err := solveText(t, p, jsonList(arguments))
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	if err := json.Unmarshal([]byte(got), &values); err != nil {
		t.Fatal(err)
	}
	if values[0] != "1" {
		t.Errorf("first output: got %s, want 1", values[0])
	}
	block := make([]uint32, 24)
	for i, v := range arguments {
		if values[1+i] != v.String() {
			t.Errorf("output %d: got %s, want the input %v", 1+i, values[1+i], v)
		}
		if v.Cmp(big.NewInt(1)) == 0 {
			block[i/32] |= 1 << (31 - i%32)
		}
	}
	trace := sha256Gadget(nil, [16]uint32(block[:16]), [8]uint32(block[16:]))
	for i, bit := range trace[len(trace)-33:] {
		if got := values[770+i]; got != fmt.Sprint(bit) {
			t.Errorf("bit %d of the last sum: got %s, want %d", i, got, bit)
		}
	}
	other := newBuilder(t, curve.BW6761).private(inputs...).directive("Sha256Round", inputs, outputs...)
	wantImportError(t, other.bytes(), "unsupported", "bn128 only")
}
