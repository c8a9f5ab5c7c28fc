package contract

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"

	gnark "github.com/consensys/gnark-crypto/ecc/bn254"
	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/curve/bn254"
)

// The keys and proofs below are made from the logarithms of their points, so that
// any number of inputs, and proofs that break one equation only, can be had
// without a circuit.

// scalars are arithmetic on logarithms; a mistake ends the test.
type scalars struct {
	t      testing.TB
	f      *bn254.Field
	random *rand.ChaCha8
}

func newScalars(t testing.TB, seed byte) *scalars {
	return &scalars{t, bn254.NewField(), rand.NewChaCha8([32]byte{seed})}
}

// pick returns n random scalars.
func (s *scalars) pick(n int) []fr.Element {
	out := make([]fr.Element, n)
	if err := s.f.Random(out, s.random); err != nil {
		s.t.Fatal(err)
	}
	return out
}

func mul(a, b fr.Element) fr.Element { return *new(fr.Element).Mul(&a, &b) }
func sub(a, b fr.Element) fr.Element { return *new(fr.Element).Sub(&a, &b) }
func add(terms ...fr.Element) (sum fr.Element) {
	for i := range terms {
		sum.Add(&sum, &terms[i])
	}
	return sum
}

// combine returns the logarithm of the inputs' combination of points.
func combine(linear, inputs []fr.Element) fr.Element {
	sum := linear[0]
	for i := range inputs {
		sum = add(sum, mul(inputs[i], linear[i+1]))
	}
	return sum
}

// inG1 returns the point of a logarithm.
func inG1(log fr.Element) g1 {
	g := bn254.Suite().G1
	base := g.Generator()
	w := wordsOf(func(buf []byte) { g.Encode(buf, []gnark.G1Affine{g.Mul(&base, &log)}) }, 2)
	if log.IsZero() {
		return g1{}
	}
	return g1{w[0], w[1]}
}

// inG2 returns the point of a logarithm.
func inG2(log fr.Element) g2 {
	g := bn254.Suite().G2
	base := g.Generator()
	w := wordsOf(func(buf []byte) { g.Encode(buf, []gnark.G2Affine{g.Mul(&base, &log)}) }, 4)
	return g2{[2]word{w[0], w[1]}, [2]word{w[2], w[3]}}
}

// wordsOf turns n little-endian words into big-endian ones.
func wordsOf(encode func([]byte), n int) []word {
	buf := make([]byte, n*wordBytes)
	encode(buf)
	out := make([]word, n)
	for i := range out {
		out[i] = word(buf[i*wordBytes:])
		slices.Reverse(out[i][:])
	}
	return out
}

func (p g1) form() any { return []word{p.X, p.Y} }
func (p g2) form() any { return [][2]word{p.X, p.Y} }

// made is a key with a proof that holds and others that don't.
type made struct {
	key, proof []byte
	forged     [][]byte
}

// document is a proof.json.
func document(t testing.TB, scheme string, a, b, c fr.Element, inputs []fr.Element) []byte {
	words := make([]word, len(inputs))
	for i := range inputs {
		words[i] = inputs[i].Bytes()
	}
	points := map[string]any{"a": inG1(a).form(), "b": inG2(b).form(), "c": inG1(c).form()}
	return encodeJSON(t, map[string]any{"scheme": scheme, "curve": "bn128", "proof": points, "inputs": words})
}

func encodeJSON(t testing.TB, v any) []byte {
	out, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(out, '\n')
}

// someInputs returns n scalars, among them 0 and the largest.
func (s *scalars) someInputs(n int) []fr.Element {
	inputs := s.pick(n)
	if n > 2 {
		inputs[1] = fr.Element{}
		inputs[2].SetInt64(-1)
	}
	return inputs
}

// linearPoints returns the logarithms' points; that of unused is infinity.
func (s *scalars) linearPoints(n, unused int) (logs []fr.Element, forms []any) {
	logs = s.pick(n + 1)
	if unused > 0 {
		logs[unused] = fr.Element{}
	}
	for _, log := range logs {
		forms = append(forms, inG1(log).form())
	}
	return logs, forms
}

// makeGroth16 makes a key of n inputs; that of number unused, if above 0, has
// infinity for its point.
func makeGroth16(t testing.TB, seed byte, n, unused int) made {
	s := newScalars(t, seed)
	v := s.pick(6)
	alpha, beta, gamma, delta, a, b := v[0], v[1], v[2], v[3], v[4], v[5]
	linear, forms := s.linearPoints(n, unused)
	inputs := s.someInputs(n)
	c := sub(sub(mul(a, b), mul(alpha, beta)), mul(combine(linear, inputs), gamma))
	c.Div(&c, &delta)
	one := fr.One()
	return made{
		key: encodeJSON(t, map[string]any{
			"scheme": "g16", "curve": "bn128", "alpha": inG1(alpha).form(), "beta": inG2(beta).form(),
			"gamma": inG2(gamma).form(), "delta": inG2(delta).form(), "gamma_abc": forms,
		}),
		proof: document(t, "g16", a, b, c, inputs),
		forged: [][]byte{
			document(t, "g16", a, b, add(c, one), inputs),
			document(t, "g16", add(a, one), b, c, inputs),
		},
	}
}

// makeGM17 is makeGroth16 for GM17, with the given logarithm of gamma: 1 in the
// keys of ZoKrates.
func makeGM17(t testing.TB, seed byte, n, unused int, gamma fr.Element) made {
	s := newScalars(t, seed)
	v := s.pick(5)
	alpha, beta, h, a, b := v[0], v[1], v[2], v[3], v[4]
	linear, forms := s.linearPoints(n, unused)
	inputs := s.someInputs(n)
	psi := mul(combine(linear, inputs), gamma)
	// c that satisfies equation 1 for a and b.
	c := func(a, b fr.Element) fr.Element {
		return sub(sub(mul(add(a, alpha), add(b, beta)), mul(alpha, beta)), psi)
	}
	// c that satisfies the contract's equation if rho were 1.
	atOne := add(c(a, b), mul(gamma, sub(b, a)))
	one := fr.One()
	return made{
		key: encodeJSON(t, map[string]any{
			"scheme": "gm17", "curve": "bn128", "h": inG2(h).form(), "g_alpha": inG1(alpha).form(),
			"h_beta": inG2(mul(h, beta)).form(), "g_gamma": inG1(gamma).form(), "h_gamma": inG2(mul(h, gamma)).form(),
			"query": forms,
		}),
		proof: document(t, "gm17", a, mul(h, a), c(a, a), inputs),
		forged: [][]byte{
			document(t, "gm17", a, mul(h, b), c(a, b), inputs),           // equation 1 only
			document(t, "gm17", a, mul(h, a), add(c(a, a), one), inputs), // equation 2 only
			document(t, "gm17", a, mul(h, b), atOne, inputs),
		},
	}
}
