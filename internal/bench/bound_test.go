package bench

import (
	"testing"

	"github.com/consensys/gnark-crypto/ecc/bn254/fr"

	"provery/internal/bench/synthetic"
	"provery/internal/curve"
	"provery/internal/frontend"
)

func TestSignedLength(t *testing.T) {
	t.Parallel()
	for value, want := range map[int64]int{0: 0, 1: 1, -1: 1, 2: 2, 255: 8, -256: 9} {
		var v fr.Element
		v.SetInt64(value)
		if got := signedLength(&v); got != want {
			t.Errorf("%d: got %d, want %d", value, got, want)
		}
	}
}

func TestAdditions(t *testing.T) {
	t.Parallel()
	var none, ones, one, many lengths
	ones[0], ones[1] = 1000, 500
	one[8] = 1
	many[200] = 1 << 16
	for name, tc := range map[string]struct {
		l           *lengths
		least, most float64
	}{
		"none": {&none, 0, 0}, "zeros and ones": {&ones, 500, 500},
		// A scalar of 8 bits alone: doubling is not what buckets are for.
		"one": {&one, 8, 24},
		// 2^16 scalars in windows of 12 to 16 bits.
		"many": {&many, 13 * (1 << 16), 17 * (1<<16 + 1<<14)},
	} {
		if got := tc.l.additions(); got < tc.least || got > tc.most {
			t.Errorf("%s: got %v, want %v to %v", name, got, tc.least, tc.most)
		}
	}
}

// TestBound compares the counts of the two kinds of synthetic systems.
func TestBound(t *testing.T) {
	t.Parallel()
	count := func(k synthetic.Kind, log int) float64 {
		p, err := synthetic.New(synthetic.Spec{Kind: k, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		b, err := (&subject{program: p, arguments: p.Samples()}).bound(t.Context())
		if err != nil || b.Nanoseconds <= 0 || b.Seconds() <= 0 {
			t.Fatalf("got %+v, %v", b, err)
		}
		return b.Multiplications
	}
	field, twice, bits := count(synthetic.Field, 10), count(synthetic.Field, 11), count(synthetic.Bits, 10)
	if bits > field*2/3 || twice < 1.7*field || twice > 2*field {
		t.Errorf("got %v for full-size values, %v for twice as many, %v for bits", field, twice, bits)
	}
	// By hand, for a system in which everything is a full-size value and occurs
	// everywhere: five sums of n, and six transforms.
	const n = 1 << 10
	var full lengths
	full[fr.Bits-1] = n
	if most := (4*perAdditionG1+perAdditionG2)*full.additions() + 6*n/2*10; field > most || field < most/3 {
		t.Errorf("got %v, want at most %v", field, most)
	}
}

func TestBoundOfOtherCurves(t *testing.T) {
	t.Parallel()
	if b, err := (&subject{program: elsewhere{}}).bound(t.Context()); b != nil || err != nil {
		t.Errorf("got %+v, %v", b, err)
	}
}

// elsewhere is a program on another curve.
type elsewhere struct{ frontend.Program }

func (elsewhere) Curve() curve.ID { return curve.BLS12381 }
