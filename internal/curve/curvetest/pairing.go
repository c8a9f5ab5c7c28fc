package curvetest

import (
	"testing"

	"provery/internal/curve"
)

func testPairing[S, A1, A2 any](t *testing.T, s *curve.Suite[S, A1, A2]) {
	t.Parallel()
	f := s.Field
	k := scalars(t, f, random(t), 12)[8:]
	for i := range k {
		if f.IsZero(&k[i]) {
			f.SetUint64(&k[i], 3)
		}
	}
	g, h := s.G1.Generator(), s.G2.Generator()
	var ab, b2 S
	f.Mul(&ab, &k[0], &k[1])
	f.Add(&b2, &k[1], &k[1])
	p, q := s.G1.Mul(&g, &k[0]), s.G2.Mul(&h, &k[1])
	product := s.G1.Mul(&g, &ab)
	opposite, inf1, inf2 := s.G1.Neg(&product), s.G1.Infinity(), s.G2.Infinity()
	q2 := s.G2.Mul(&h, &b2)
	tests := []struct {
		name string
		g1   []A1
		g2   []A2
		want bool
	}{
		{"empty", nil, nil, true},
		{"bilinear", []A1{p, opposite}, []A2{q, h}, true},
		{"infinities", []A1{p, opposite, inf1, g}, []A2{q, h, h, inf2}, true},
		{"twice", []A1{p, opposite, opposite}, []A2{q2, h, h}, true},
		{"not degenerate", []A1{g}, []A2{h}, false},
		{"wrong product", []A1{p, opposite}, []A2{q2, h}, false},
		{"wrong sign", []A1{p, product}, []A2{q, h}, false},
	}
	for _, tc := range tests {
		got, err := s.PairingIsOne(tc.g1, tc.g2)
		if err != nil {
			t.Fatal(err)
		}
		if got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
	if _, err := s.PairingIsOne([]A1{g}, nil); err == nil {
		t.Error("different lengths: got no error")
	}
}
