package signer

import (
	"bytes"
	"crypto/rand"
	"math/big"
	"strings"
	"testing"
)

func TestParameters(t *testing.T) {
	t.Parallel()
	if !base.OnCurve() {
		t.Error("the base point isn't on the curve")
	}
	if base.Equal(identity()) || !base.times(groupOrder).Equal(identity()) {
		t.Error("the base point doesn't have the group's order")
	}
	if !groupOrder.ProbablyPrime(20) || !fieldOrder.ProbablyPrime(20) {
		t.Error("an order isn't prime")
	}
	if big.Jacobi(coeffA, fieldOrder) != 1 || big.Jacobi(coeffD, fieldOrder) != -1 {
		t.Error("a must be a square and d not one, or the addition law isn't complete")
	}
}

func TestAdditionLaw(t *testing.T) {
	t.Parallel()
	two, three := base.plus(base), base.plus(base).plus(base)
	cases := []struct {
		name      string
		got, want Point
	}{
		{"neutral element", base.plus(identity()), base},
		{"inverse", base.plus(Point{X: sub(new(big.Int), base.X), Y: base.Y}), identity()},
		{"commutative", base.plus(two), two.plus(base)},
		{"associative", base.plus(two).plus(three), base.plus(two.plus(three))},
		{"times 0", base.times(new(big.Int)), identity()},
		{"times 1", base.times(big.NewInt(1)), base},
		{"times 6", base.times(big.NewInt(6)), three.plus(three)},
	}
	for _, c := range cases {
		if !c.got.Equal(c.want) || !c.got.OnCurve() {
			t.Errorf("%s: got %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestSignVerify(t *testing.T) {
	t.Parallel()
	key, err := GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var m Message
	rand.Read(m[:])
	sig := key.Sign(m)
	if !Verify(key.Public(), m, sig) {
		t.Fatalf("seed %x, message %x: the signature isn't accepted", key.seed, m)
	}
	if again := key.Sign(m); !again.R.Equal(sig.R) || again.S.Cmp(sig.S) != 0 {
		t.Error("two signatures of one message differ")
	}
	if sig.S.Cmp(groupOrder) >= 0 {
		t.Error("the response isn't below the group's order")
	}
}

func TestVerifyRejectsAlteredInputs(t *testing.T) {
	t.Parallel()
	s := Generate("altered", 0)
	one := big.NewInt(1)
	cases := []struct {
		name  string
		alter func(*Statement)
	}{
		{"first half of the message", func(s *Statement) { s.Message[31] ^= 1 }},
		{"second half of the message", func(s *Statement) { s.Message[32] ^= 0x80 }},
		{"response", func(s *Statement) { s.Signature.S = add(s.Signature.S, one) }},
		{"response beyond the field", func(s *Statement) { s.Signature.S = new(big.Int).Add(s.Signature.S, fieldOrder) }},
		{"negative response", func(s *Statement) { s.Signature.S = new(big.Int).Neg(one) }},
		{"no response", func(s *Statement) { s.Signature.S = nil }},
		{"other nonce", func(s *Statement) { s.Signature.R = s.Signature.R.plus(base) }},
		{"nonce off the curve", func(s *Statement) { s.Signature.R.X = add(s.Signature.R.X, one) }},
		{"nonce of small order", func(s *Statement) { s.Signature.R = Point{X: new(big.Int), Y: sub(new(big.Int), one)} }},
		{"other key", func(s *Statement) { s.Key = Generate("altered", 1).Key }},
		{"key off the curve", func(s *Statement) { s.Key.Y = add(s.Key.Y, one) }},
		{"key beyond the field", func(s *Statement) { s.Key.X = new(big.Int).Add(s.Key.X, fieldOrder) }},
	}
	if !s.Valid() {
		t.Fatal("the unaltered statement isn't valid")
	}
	for _, c := range cases {
		altered := s
		c.alter(&altered)
		if altered.Valid() {
			t.Errorf("%s: got it accepted, want it rejected", c.name)
		}
	}
}

func TestGenerateKeyReportsShortRead(t *testing.T) {
	t.Parallel()
	if _, err := GenerateKey(bytes.NewReader(make([]byte, SeedSize-1))); err == nil || !strings.Contains(err.Error(), "generate key") {
		t.Errorf("got %v, want an error", err)
	}
}

func BenchmarkSign(b *testing.B) {
	key := NewKey([SeedSize]byte{1})
	for b.Loop() {
		key.Sign(Message{})
	}
}
