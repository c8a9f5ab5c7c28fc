package ceremony

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"testing"

	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/fault"
	"provery/internal/zkey"
)

// read reads one of snarkjs's files.
func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("../../testdata/circom/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func section(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

// tiny is the circuit and the powers of tau of snarkjs's files on a curve.
func tiny(t testing.TB, curve string) Circuit {
	return Circuit{section(read(t, curve+"/tiny.r1cs")), section(read(t, curve+"/"+curve+".ptau"))}
}

// TestSameAsSnarkJS makes the first key, and a beacon's, of snarkjs's files: byte for
// byte what snarkjs made of them.
func TestSameAsSnarkJS(t *testing.T) {
	t.Parallel()
	for _, curve := range []string{"bn128", "bls12381"} {
		want := read(t, curve+"/fresh.zkey")
		for _, threads := range []int{1, 3} {
			var out bytes.Buffer
			hash, err := New(t.Context(), tiny(t, curve), Run{Threads: threads}, &out)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(out.Bytes(), want) {
				t.Errorf("%s: another key than snarkjs's", curve)
			}
			if !bytes.Equal(hash[:], want[len(want)-68:len(want)-4]) {
				t.Errorf("%s: got circuit hash %x", curve, hash)
			}
		}
	}
	value := make([]byte, 31) // 0102…1f, as the beaconed key's description says
	for i := range value {
		value[i] = byte(i + 1)
	}
	got, _ := contributed(t, Contribution{
		Key: section(read(t, "bn128/contributed.zkey")), Name: "final", Beacon: &zkey.Beacon{Value: value, Exponent: 10},
	})
	if !bytes.Equal(got, read(t, "bn128/beaconed.zkey")) {
		t.Error("another beaconed key than snarkjs's")
	}
}

// contributed makes a contribution.
func contributed(t testing.TB, in Contribution) ([]byte, *Receipt) {
	t.Helper()
	var out bytes.Buffer
	receipt, err := Contribute(t.Context(), in, Run{Threads: 2}, &out)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), receipt
}

// TestVerifySnarkJS verifies keys of snarkjs, fresh, contributed and beaconed.
func TestVerifySnarkJS(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		curve, key string
		names      []string
	}{
		{"bn128", "fresh", nil}, {"bn128", "contributed", []string{"two"}}, {"bn128", "beaconed", []string{"two", "final"}},
		{"bls12381", "fresh", nil}, {"bls12381", "contributed", []string{"two"}},
	} {
		report, err := Verify(t.Context(), tiny(t, tc.curve), section(read(t, tc.curve+"/"+tc.key+".zkey")), Run{Threads: 2})
		if err != nil || len(report.Contributions) != len(tc.names) {
			t.Errorf("%s/%s: got %+v, %v", tc.curve, tc.key, report, err)
			continue
		}
		for i, c := range report.Contributions {
			if c.Name != tc.names[i] || (c.Beacon != nil) != (i == 1) {
				t.Errorf("%s/%s: got %+v, want %q", tc.curve, tc.key, c, tc.names[i])
			}
		}
	}
}

// TestCeremony runs ceremonies of Provery alone and after snarkjs's contributions.
func TestCeremony(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		curve, first string
		before       int
	}{{"bn128", "fresh", 0}, {"bn128", "contributed", 1}, {"bn128", "beaconed", 2}, {"bls12381", "fresh", 0}, {"bls12381", "contributed", 1}} {
		key := read(t, tc.curve+"/"+tc.first+".zkey")
		key, one := contributed(t, Contribution{Key: section(key), Name: "Ada Lovelace, Große", Rand: rand.Reader, Entropy: []byte("typed")})
		key, two := contributed(t, Contribution{Key: section(key), Rand: rand.Reader})
		key, last := contributed(t, Contribution{Key: section(key), Name: "end", Beacon: &zkey.Beacon{Value: []byte{0xca, 0xfe}, Exponent: 11}})
		report, err := Verify(t.Context(), tiny(t, tc.curve), section(key), Run{Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		for i, receipt := range []*Receipt{one, two, last} {
			n := tc.before + i
			if receipt.Number != n+1 || len(report.Contributions) <= n || report.Contributions[n].Hash != receipt.Hash || receipt.Circuit != report.Circuit {
				t.Errorf("%s/%s: contribution %d isn't in the report: %+v", tc.curve, tc.first, n+1, report)
			}
		}
	}
}

// TestSecrets draws the same secret from the same source and entropy, and another
// one if either changes.
func TestSecrets(t *testing.T) {
	t.Parallel()
	make := func(random byte, entropy string) string {
		in := Contribution{Key: section(read(t, "bn128/fresh.zkey")), Entropy: []byte(entropy)}
		in.Rand = bytes.NewReader(bytes.Repeat([]byte{random}, 64))
		key, _ := contributed(t, in)
		return string(key)
	}
	same := make(1, "a")
	if make(1, "a") != same {
		t.Error("the same secret gives another key")
	}
	if make(2, "a") == same || make(1, "b") == same || make(1, "") == same {
		t.Error("another secret gives the same key")
	}
}

// TestMistakes are what somebody may do by mistake.
func TestMistakes(t *testing.T) {
	t.Parallel()
	bn, key := tiny(t, "bn128"), func() *io.SectionReader { return section(read(t, "bn128/contributed.zkey")) }
	small := section(powersOfTau(t, bn254.Suite(), 2))
	other := section(powersOfTau(t, bn254.Suite(), 6))
	raw := section(unprepared(t, read(t, "bn128/bn128.ptau")))
	first := func(r1cs, powers *io.SectionReader) func() error {
		return func() error {
			_, err := New(t.Context(), Circuit{r1cs, powers}, Run{}, io.Discard)
			return err
		}
	}
	check := func(r1cs, powers, key *io.SectionReader) func() error {
		return func() error {
			_, err := Verify(t.Context(), Circuit{r1cs, powers}, key, Run{})
			return err
		}
	}
	contribute := func(in Contribution) func() error {
		return func() error {
			in.Rand = rand.Reader
			_, err := Contribute(t.Context(), in, Run{}, io.Discard)
			return err
		}
	}
	long := make([]byte, 256)
	for name, tc := range map[string]struct {
		run  func() error
		want fault.Code
	}{
		"powers that aren't prepared":    {first(bn.R1CS, raw), fault.InvalidArtifact},
		"too few powers":                 {first(bn.R1CS, small), fault.TooLarge},
		"powers on another curve":        {first(bn.R1CS, tiny(t, "bls12381").Powers), fault.InvalidArtifact},
		"a key for powers":               {first(bn.R1CS, key()), fault.InvalidArtifact},
		"powers for a circuit":           {first(bn.Powers, bn.Powers), fault.InvalidArtifact},
		"another circuit's key":          {check(section(read(t, "bn128/bus.r1cs")), bn.Powers, key()), fault.InvalidArtifact},
		"other powers' key":              {check(bn.R1CS, other, key()), fault.InvalidArtifact},
		"another curve's key":            {check(bn.R1CS, bn.Powers, section(read(t, "bls12381/fresh.zkey"))), fault.InvalidArtifact},
		"powers for a key":               {check(bn.R1CS, bn.Powers, bn.Powers), fault.InvalidArtifact},
		"to contribute to a circuit":     {contribute(Contribution{Key: bn.R1CS}), fault.InvalidArtifact},
		"a long name":                    {contribute(Contribution{Key: key(), Name: string(bytes.Repeat([]byte("n"), 65))}), fault.InvalidRequest},
		"a name with control characters": {contribute(Contribution{Key: key(), Name: "a\x1b[2J"}), fault.InvalidRequest},
		"an empty beacon":                {contribute(Contribution{Key: key(), Beacon: &zkey.Beacon{Exponent: 10}}), fault.InvalidRequest},
		"a long beacon":                  {contribute(Contribution{Key: key(), Beacon: &zkey.Beacon{Value: long, Exponent: 10}}), fault.InvalidRequest},
		"a quick beacon":                 {contribute(Contribution{Key: key(), Beacon: &zkey.Beacon{Value: long[:1], Exponent: 9}}), fault.InvalidRequest},
		"an endless beacon":              {contribute(Contribution{Key: key(), Beacon: &zkey.Beacon{Value: long[:1], Exponent: 64}}), fault.InvalidRequest},
	} {
		if err := tc.run(); !fault.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", name, err, tc.want)
		}
	}
}

// TestCanceled ends operations in the middle.
func TestCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	during := func(step string) Run {
		return Run{Threads: 1, Progress: func(name string, _, _ int64) {
			if name == step {
				cancel()
			}
		}}
	}
	endless := Contribution{Key: section(read(t, "bn128/fresh.zkey")), Beacon: &zkey.Beacon{Value: []byte{1}, Exponent: 63}}
	if _, err := Contribute(ctx, endless, during("iterating the beacon"), io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("beacon: got %v", err)
	}
	if _, err := New(ctx, tiny(t, "bn128"), Run{Threads: 1}, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("new: got %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	if _, err := Verify(ctx, tiny(t, "bn128"), section(read(t, "bn128/beaconed.zkey")), during("comparing IC")); !errors.Is(err, context.Canceled) {
		t.Errorf("verify: got %v", err)
	}
}

// TestLargerPowers makes the key of powers for larger circuits: but for the
// Lagrange polynomials of the last domain, which lack a power, it depends on tau
// alone.
func TestLargerPowers(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(power int) []byte{
		"bn128":    func(power int) []byte { return powersOfTau(t, bn254.Suite(), power) },
		"bls12381": func(power int) []byte { return powersOfTau(t, bls12381.Suite(), power) },
	} {
		var keys [2][]byte
		for i, power := range []int{6, 7} {
			circuit := Circuit{section(read(t, name+"/tiny.r1cs")), section(make(power))}
			var out bytes.Buffer
			if _, err := New(t.Context(), circuit, Run{Threads: 2}, &out); err != nil {
				t.Fatal(err)
			}
			keys[i] = out.Bytes()
			if _, err := Verify(t.Context(), circuit, section(keys[i]), Run{Threads: 1}); err != nil {
				t.Error(err)
			}
		}
		if !bytes.Equal(keys[0], keys[1]) {
			t.Errorf("%s: the key depends on how many powers the file has", name)
		}
	}
}
