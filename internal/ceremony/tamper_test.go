package ceremony

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	gnark381 "github.com/consensys/gnark-crypto/ecc/bls12-381"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fp"
	gnark "github.com/consensys/gnark-crypto/ecc/bn254"

	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/fault"
	"provery/internal/iden3"
	"provery/internal/zkey"
)

// altered returns a file of iden3's frame with one section replaced by what alter
// makes of it, or left out if that is nil.
func altered(t testing.TB, file []byte, id uint32, alter func(b []byte) []byte) []byte {
	t.Helper()
	kind := iden3.KindOf(file)
	f, err := iden3.Open(bytes.NewReader(file), int64(len(file)), kind, 1)
	if err != nil {
		t.Fatal(err)
	}
	var sections []iden3.Section
	for i := range uint32(16) {
		if !f.Has(i) {
			continue
		}
		b, err := f.Bytes(i, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		if i == id {
			if b = alter(b); b == nil {
				continue
			}
		}
		sections = append(sections, iden3.Data(i, b))
	}
	var out bytes.Buffer
	if err := iden3.Write(&out, kind, 1, sections); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// unprepared returns powers of tau without their Lagrange polynomials.
func unprepared(t testing.TB, file []byte) []byte {
	for id := uint32(12); id <= 15; id++ {
		file = altered(t, file, id, func([]byte) []byte { return nil })
	}
	return file
}

// at replaces the bytes from an offset on.
func at(offset int, b ...byte) func([]byte) []byte {
	return func(section []byte) []byte { copy(section[offset:], b); return section }
}

// moved copies n bytes from one offset to another: a point that is one, but not
// the one.
func moved(from, to, n int) func([]byte) []byte {
	return func(section []byte) []byte { copy(section[to:], section[from:from+n]); return section }
}

// The layout of section 10 of beaconed.zkey: two contributions, of which the
// second is a beacon with the name "final".
const (
	g1, g2 = 64, 128
	first  = 64 + 4
	sOf    = g1 // from a contribution's start on
	sxOf   = sOf + g1
	spxOf  = sxOf + g1
	hashOf = spxOf + g2
	typeOf = hashOf + 64
	lenOf  = typeOf + 4
	params = lenOf + 4
	second = first + params + 2 + len("two")
	value  = second + params + 2 + len("final") + 2 + 2 // of the beacon
)

// wrongContributions are alterations of section 10 of beaconed.zkey, with what
// the error says.
func wrongContributions() map[string]tampering {
	const transcript = "its transcript isn't the hash of the contributions before it"
	return map[string]tampering{
		"delta of the first":        {moved(second, first, g1), "contribution 1: delta isn't the one before times the secret"},
		"delta of the last":         {moved(first, second, g1), "contribution 2: delta isn't the one before times the secret"},
		"s":                         {moved(second+sOf, first+sOf, g1), "contribution 1: " + transcript},
		"s times x":                 {moved(second+sxOf, first+sxOf, g1), "contribution 1: " + transcript},
		"proof of knowledge":        {moved(second+spxOf, first+spxOf, g2), "contribution 1: it doesn't prove that its author knows the secret"},
		"the beacon's proof":        {moved(first+spxOf, second+spxOf, g2), "contribution 2: it doesn't prove that its author knows the secret"},
		"transcript":                {at(second+hashOf, 0), "contribution 2: " + transcript},
		"circuit hash":              {at(0, 0), "contribution 1: " + transcript},
		"type":                      {at(first+typeOf, 1), "contribution 1: parameters: not those of a contribution or a beacon"},
		"unknown type":              {at(first+typeOf, 2), "contribution 1: parameters: not those of a contribution or a beacon"},
		"a beacon that isn't":       {at(second+typeOf, 0), "contribution 2: parameters: not those of a contribution or a beacon"},
		"length of parameters":      {at(first+lenOf, 0xff, 0xff), "contribution 1: 65535 bytes of parameters"},
		"length of a name":          {at(first+params+1, 200), "contribution 1: parameters: they end early"},
		"unknown parameter":         {at(first+params, 9), "contribution 1: parameters: an unknown one"},
		"order of parameters":       {at(second+params, 4), "contribution 2: parameters: "},
		"beacon's value":            {at(value, 0xaa), "contribution 2: it isn't made from the beacon that it names"},
		"beacon's exponent":         {at(value-3, 11), "contribution 2: it isn't made from the beacon that it names"},
		"beacon of 2^255":           {at(value-3, 255), "contribution 2: parameters: not those of a contribution or a beacon"},
		"infinity":                  {at(first+sOf, make([]byte, g1)...), "contribution 1: g1_s: point 0 is infinity"},
		"point off the curve":       {moved(first+sxOf, first+sOf, g1/2), "contribution 1: g1_s: "},
		"coordinate without bounds": {at(first, bytes.Repeat([]byte{0xff}, g1)...), "contribution 1: delta: a coordinate isn't below the field's order"},
		"the last one is missing": {func(b []byte) []byte { b[64] = 1; return b[:second] },
			"delta_1 isn't that of the last contribution"},
		"the first one is missing": {func(b []byte) []byte { b[64] = 1; return append(b[:first], b[second:]...) },
			"contribution 1: " + transcript},
		"swapped order": {func(b []byte) []byte {
			return append(bytes.Clone(b[:first]), append(bytes.Clone(b[second:]), b[first:second]...)...)
		}, "contribution 1: " + transcript},
		"the last one twice": {func(b []byte) []byte { b[64] = 3; return append(b, b[second:]...) },
			"contribution 3: " + transcript},
		"nobody contributed": {func(b []byte) []byte { b[64] = 0; return b[:first] },
			"delta_1 isn't that of the last contribution"},
		"a count without end": {at(64, 0xff, 0xff, 0xff, 0xff), "4294967295 contributions in a section of "},
		"a byte too much":     {func(b []byte) []byte { return append(b, 0) }, "1 bytes follow the last contribution"},
		"cut":                 {func(b []byte) []byte { return b[:second+100] }, "2 contributions in a section of "},
		"no contributions":    {func([]byte) []byte { return nil }, "the .zkey file doesn't have exactly one section 10"},
		"no hash":             {func(b []byte) []byte { return b[:60] }, "the section of contributions is too short"},
	}
}

// tampering alters a section; want is part of the error.
type tampering struct {
	alter func([]byte) []byte
	want  string
}

// TestTamperedContributions alters each part of each contribution. Verify refuses it,
// as does whoever would contribute to it, unless telling takes a beacon's iterations.
func TestTamperedContributions(t *testing.T) {
	t.Parallel()
	for name, tc := range wrongContributions() {
		key := altered(t, read(t, "bn128/beaconed.zkey"), zkey.Contributions, tc.alter)
		_, err := Verify(t.Context(), tiny(t, "bn128"), section(key), Run{Threads: 1})
		wantRefused(t, "verify: "+name, err, tc.want)
		_, err = Contribute(t.Context(), Contribution{Key: section(key), Rand: strings.NewReader(strings.Repeat("r", 64))}, Run{Threads: 1}, new(bytes.Buffer))
		if !strings.Contains(tc.want, "made from the beacon") {
			wantRefused(t, "contribute: "+name, err, tc.want)
		} else if err != nil {
			t.Errorf("contribute: %s: got %v", name, err)
		}
	}
}

func wantRefused(t *testing.T, name string, err error, want string) {
	t.Helper()
	if !fault.Is(err, fault.InvalidArtifact) || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got %v, want invalid_artifact with %q", name, err, want)
	}
}

type contribution = zkey.Contribution[gnark.G1Affine, gnark.G2Affine]

// TestForgedContribution makes a contribution whose hashes are right, and whose
// author doesn't know the secret.
func TestForgedContribution(t *testing.T) {
	t.Parallel()
	c := zkey.New(bn254.Suite())
	key := read(t, "bn128/fresh.zkey")
	f, err := zkey.Open(bytes.NewReader(key), int64(len(key)))
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		forge func(k *contribution)
		want  string
	}{
		"as it should be": {func(*contribution) {}, ""},
		"another delta":   {func(k *contribution) { k.Delta = c.G1.Add(&k.Delta, &k.Delta) }, "delta isn't the one before times the secret"},
		"another proof":   {func(k *contribution) { k.SPX = c.G2.Generator() }, "doesn't prove"},
		"both doubled": {func(k *contribution) {
			k.SPX, k.Delta = c.G2.Add(&k.SPX, &k.SPX), c.G1.Add(&k.Delta, &k.Delta)
		}, "doesn't prove"},
	} {
		h, err := c.Header(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		chain, err := c.Chain(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		x, s, err := c.RandomSecret(strings.NewReader(strings.Repeat("7", 64)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Extend(chain, h, &x, s, contribution{}); err != nil {
			t.Fatal(err)
		}
		tc.forge(&chain.Contributions[0])
		h.Delta1 = chain.Contributions[0].Delta
		_, err = c.Check(t.Context(), chain, h, zkey.CheckOptions{})
		if tc.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		wantRefused(t, name, err, tc.want)
	}
}

// TestTamperedKey alters what isn't the list of contributions.
func TestTamperedKey(t *testing.T) {
	t.Parallel()
	const points = 4 + 32 + 4 + 32 + 3*4 // of the header
	other := func(name string) string { return "the key's section of " + name + " isn't that of the circuit" }
	for name, tc := range map[string]struct {
		section uint32
		tampering
	}{
		"protocol":     {zkey.Protocol, tampering{at(0, 1, 0, 0), ""}}, // as it should be
		"no protocol":  {zkey.Protocol, tampering{func(b []byte) []byte { return b[:1] }, "doesn't name its protocol"}},
		"curve":        {zkey.HeaderSection, tampering{at(4+32+4, 2), "the key is on another curve than bn128"}},
		"variables":    {zkey.HeaderSection, tampering{at(points-12, 22), "the key is for another circuit: it has 22 variables"}},
		"public":       {zkey.HeaderSection, tampering{at(points-8, 3), "the key is for another circuit: "}},
		"domain":       {zkey.HeaderSection, tampering{at(points-4, 64), "the key is for another circuit: "}},
		"no domain":    {zkey.HeaderSection, tampering{at(points-4, 0), "impossible numbers"}},
		"alpha_1":      {zkey.HeaderSection, tampering{moved(points+g1, points, g1), "alpha_1 isn't that of the powers of tau"}},
		"beta_1":       {zkey.HeaderSection, tampering{moved(points, points+g1, g1), "beta_1 isn't that of the powers of tau"}},
		"beta_2":       {zkey.HeaderSection, tampering{moved(points+2*g1+g2, points+2*g1, g2), "beta_2 isn't that of the powers of tau"}},
		"gamma_2":      {zkey.HeaderSection, tampering{moved(points+2*g1, points+2*g1+g2, g2), "gamma_2 isn't the generator"}},
		"delta_1":      {zkey.HeaderSection, tampering{moved(points, points+2*g1+2*g2, g1), "delta_1 isn't that of the last contribution"}},
		"delta_2":      {zkey.HeaderSection, tampering{moved(points+2*g1, points+3*g1+2*g2, g2), "delta_2 isn't delta_1's"}},
		"cut header":   {zkey.HeaderSection, tampering{func(b []byte) []byte { return b[:len(b)-1] }, "the header has 659 bytes; 660 are wanted on bn128"}},
		"no header":    {zkey.HeaderSection, tampering{func([]byte) []byte { return nil }, "doesn't have exactly one section 2"}},
		"IC":           {zkey.IC, tampering{moved(0, g1, g1), other("IC")}},
		"a matrix":     {zkey.Coefficients, tampering{at(4, 1), other("coefficients")}},
		"a column":     {zkey.Coefficients, tampering{at(4+8, 3), other("coefficients")}},
		"a value":      {zkey.Coefficients, tampering{at(4+12, 3), other("coefficients")}},
		"a term less":  {zkey.Coefficients, tampering{func(b []byte) []byte { return b[:len(b)-44] }, "section 4 of the .zkey file has "}},
		"A":            {zkey.A, tampering{moved(0, 2*g1, g1), other("A")}},
		"B1":           {zkey.B1, tampering{moved(0, 5*g1, g1), other("B1")}},
		"B2":           {zkey.B2, tampering{moved(0, 5*g2, g2), other("B2")}},
		"C":            {zkey.C, tampering{moved(g1, 2*g1, g1), "the key's section of C isn't that of the circuit over delta"}},
		"H":            {zkey.H, tampering{moved(0, g1, g1), "the key's section of H isn't that of the circuit over delta"}},
		"a point of H": {zkey.H, tampering{at(0, 1), "H: "}},
		"a point less": {zkey.H, tampering{func(b []byte) []byte { return b[g1:] }, "section 9 of the .zkey file has "}},
	} {
		key := altered(t, read(t, "bn128/beaconed.zkey"), tc.section, tc.alter)
		_, err := Verify(t.Context(), tiny(t, "bn128"), section(key), Run{Threads: 1})
		if tc.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		wantRefused(t, name, err, tc.want)
	}
}

// TestSwappedSections gives the key's sections each other's numbers, or takes them
// from another step's key.
func TestSwappedSections(t *testing.T) {
	t.Parallel()
	key := read(t, "bn128/beaconed.zkey")
	f, err := zkey.Open(bytes.NewReader(key), int64(len(key)))
	if err != nil {
		t.Fatal(err)
	}
	ids := []uint32{zkey.IC, zkey.Coefficients, zkey.A, zkey.B1, zkey.B2, zkey.C, zkey.H}
	content := map[uint32][]byte{}
	for _, id := range ids {
		if content[id], err = f.Bytes(id, 1<<20); err != nil {
			t.Fatal(err)
		}
	}
	for i, a := range ids {
		for _, b := range ids[i+1:] {
			swapped := altered(t, key, a, func([]byte) []byte { return content[b] })
			swapped = altered(t, swapped, b, func([]byte) []byte { return content[a] })
			_, err := Verify(t.Context(), tiny(t, "bn128"), section(swapped), Run{Threads: 1})
			wantRefused(t, fmt.Sprintf("sections %d and %d", a, b), err, "check key: ")
		}
	}
	before := read(t, "bn128/contributed.zkey")
	for _, id := range []uint32{zkey.HeaderSection, zkey.C, zkey.H, zkey.Contributions} {
		mixed := altered(t, before, id, func([]byte) []byte {
			b, err := f.Bytes(id, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			return b
		})
		_, err := Verify(t.Context(), tiny(t, "bn128"), section(mixed), Run{Threads: 1})
		wantRefused(t, fmt.Sprintf("section %d of the key after", id), err, "check key: ")
	}
}

// TestTamperedPowers alters each section of the powers of tau.
func TestTamperedPowers(t *testing.T) {
	t.Parallel()
	const lagrange = 15 // index of the first polynomial of 16 points, tiny's domain
	const prepared = "the Lagrange polynomials aren't those of the powers"
	for name, tc := range map[string]struct {
		section uint32
		tampering
	}{
		"the generator":               {2, tampering{moved(g1, 0, g1), "powers of tau in G1: the first isn't the generator"}},
		"tau":                         {2, tampering{moved(2*g1, g1, g1), "powers of tau in G1: they aren't the powers of one tau"}},
		"a power of tau":              {2, tampering{moved(g1, 9*g1, g1), "powers of tau in G1: they aren't the powers of one tau"}},
		"the last power that is used": {2, tampering{moved(g1, 31*g1, g1), "powers of tau in G1: they aren't the powers of one tau"}},
		"the generator of G2":         {3, tampering{moved(g2, 0, g2), "powers of tau in G2: the first isn't the generator"}},
		"a power in G2":               {3, tampering{moved(g2, 9*g2, g2), "powers of tau in G2: they aren't the powers of one tau"}},
		"alpha":                       {4, tampering{moved(g1, 0, g1), "times alpha: they aren't the powers of one tau"}},
		"a power times alpha":         {4, tampering{moved(g1, 7*g1, g1), "times alpha: they aren't the powers of one tau"}},
		"beta":                        {5, tampering{moved(g1, 0, g1), "times beta: they aren't the powers of one tau"}},
		"beta_2":                      {6, tampering{func(b []byte) []byte { return bn254.Suite().G2.Memory([]gnark.G2Affine{bn254.Suite().G2.Generator()}) }, "times beta: "}},
		"Lagrange":                    {12, tampering{moved(lagrange*g1, (lagrange+3)*g1, g1), "powers of tau in G1: " + prepared}},
		"Lagrange of twice the size":  {12, tampering{moved(32*g1, 36*g1, g1), "of the quotient: " + prepared}},
		"Lagrange in G2":              {13, tampering{moved(lagrange*g2, (lagrange+3)*g2, g2), "powers of tau in G2: " + prepared}},
		"Lagrange times alpha":        {14, tampering{moved(lagrange*g1, (lagrange+3)*g1, g1), "times alpha: " + prepared}},
		"Lagrange times beta":         {15, tampering{moved(lagrange*g1, (lagrange+3)*g1, g1), "times beta: " + prepared}},
		"infinity":                    {2, tampering{at(5*g1, make([]byte, g1)...), "tau: point 5 is infinity"}},
		"a point off the curve":       {14, tampering{at((lagrange+1)*g1, 1), "alpha·tau in Lagrange form: "}},
		"a section cut":               {13, tampering{func(b []byte) []byte { return b[:100] }, "section 13 of the .ptau file has 100 bytes"}},
		"no section":                  {4, tampering{func([]byte) []byte { return nil }, "doesn't have exactly one section 4"}},
		"half prepared":               {14, tampering{func([]byte) []byte { return nil }, "doesn't have exactly one section 14"}},
		"another power":               {1, tampering{at(36, 6, 0, 0, 0, 6), "section 2 of the .ptau file has "}},
		"a power without bounds":      {1, tampering{at(36, 0xff, 0xff, 0xff, 0xff), "powers of 2^4294967295 "}},
		"another field":               {1, tampering{at(4, 1, 2, 3), ""}},
		"a cut header":                {1, tampering{func(b []byte) []byte { return b[:40] }, "header of 40 bytes; 44 are wanted"}},
	} {
		powers := altered(t, read(t, "bn128/bn128.ptau"), tc.section, tc.alter)
		in := Circuit{section(read(t, "bn128/tiny.r1cs")), section(powers)}
		_, err := New(t.Context(), in, Run{Threads: 1}, new(bytes.Buffer))
		if tc.want == "" {
			if !fault.Is(err, fault.Unsupported) {
				t.Errorf("%s: got %v, want unsupported", name, err)
			}
			continue
		}
		wantRefused(t, name, err, tc.want)
		_, err = Verify(t.Context(), in, section(read(t, "bn128/beaconed.zkey")), Run{Threads: 1})
		wantRefused(t, "verify: "+name, err, tc.want)
	}
}

// TestOtherSubgroup takes points of the curve, but not of the group of the order that
// proofs are made in.
func TestOtherSubgroup(t *testing.T) {
	t.Parallel()
	const size = 96
	var p gnark381.G1Affine
	for x := uint64(1); p.X.IsZero() || p.IsInSubGroup(); x++ {
		var square, four fp.Element
		p.X.SetUint64(x)
		square.Square(&p.X).Mul(&square, &p.X).Add(&square, four.SetUint64(4))
		if p.Y.Sqrt(&square) == nil {
			p = gnark381.G1Affine{}
		}
	}
	point := bls12381.Suite().G1.Memory([]gnark381.G1Affine{p})
	if !p.IsOnCurve() || len(point) != size {
		t.Fatal("the point isn't what the test needs")
	}
	key := altered(t, read(t, "bls12381/contributed.zkey"), zkey.Contributions, at(first, point...))
	_, err := Verify(t.Context(), tiny(t, "bls12381"), section(key), Run{Threads: 1})
	wantRefused(t, "contribution", err, "contribution 1: delta: ")
	powers := altered(t, read(t, "bls12381/bls12381.ptau"), 2, at(3*size, point...))
	_, err = New(t.Context(), Circuit{section(read(t, "bls12381/tiny.r1cs")), section(powers)}, Run{Threads: 1}, new(bytes.Buffer))
	wantRefused(t, "powers of tau", err, "tau: ")
}

// TestCutFiles cuts each file everywhere.
func TestCutFiles(t *testing.T) {
	t.Parallel()
	whole := map[string][]byte{"r1cs": read(t, "bn128/tiny.r1cs"), "ptau": read(t, "bn128/bn128.ptau"), "zkey": read(t, "bn128/beaconed.zkey")}
	for kind, b := range whole {
		for n := 0; n < len(b); n += 1 + len(b)/150 {
			files := map[string][]byte{"r1cs": whole["r1cs"], "ptau": whole["ptau"], "zkey": whole["zkey"]}
			files[kind] = b[:n]
			_, err := Verify(t.Context(), Circuit{section(files["r1cs"]), section(files["ptau"])}, section(files["zkey"]), Run{Threads: 1})
			wantRefused(t, fmt.Sprintf(".%s cut to %d", kind, n), err, "")
		}
	}
}

// TestAlteredBits alters single bits all over a key. Only names are nowhere signed
// for: not by snarkjs, and so not here.
func TestAlteredBits(t *testing.T) {
	t.Parallel()
	key := read(t, "bn128/beaconed.zkey")
	names := [][]byte{[]byte("\x01\x03two"), []byte("\x01\x05final")}
	for i := 12; i < len(key); i += 1 + len(key)/120 {
		named := false
		for _, n := range names {
			start := bytes.Index(key, n) + 2
			named = named || i >= start && i < start+len(n)-2
		}
		b := bytes.Clone(key)
		b[i] ^= 1
		_, err := Verify(t.Context(), tiny(t, "bn128"), section(b), Run{Threads: 1})
		if named != (err == nil) || err != nil && !fault.Is(err, fault.InvalidArtifact) && !fault.Is(err, fault.Unsupported) {
			t.Errorf("bit of byte %d: got %v", i, err)
		}
	}
	renamed := bytes.Replace(key, names[0], []byte("\x01\x03owt"), 1)
	report, err := Verify(t.Context(), tiny(t, "bn128"), section(renamed), Run{Threads: 1})
	if err != nil || report.Contributions[0].Name != "owt" {
		t.Errorf("another name: got %+v, %v", report, err)
	}
}

// TestOtherSize verifies a key with powers of the same tau that were prepared for more
// points: the polynomials that H is made of lack no power there.
func TestOtherSize(t *testing.T) {
	t.Parallel()
	with := func(power int) Circuit {
		return Circuit{section(read(t, "bn128/tiny.r1cs")), section(powersOfTau(t, bn254.Suite(), power))}
	}
	var key bytes.Buffer
	if _, err := New(t.Context(), with(4), Run{Threads: 1}, &key); err != nil {
		t.Fatal(err)
	}
	_, err := Verify(t.Context(), with(6), section(key.Bytes()), Run{Threads: 1})
	wantRefused(t, "more points", err, "that of H depends on the size of the .ptau file")
}

// TestOtherCircuit verifies a key with circuits that differ from its own in one
// coefficient, in one wire, or in everything.
func TestOtherCircuit(t *testing.T) {
	t.Parallel()
	const constraints = 2
	for name, tc := range map[string]struct {
		alter func([]byte) []byte
		want  string
	}{
		// A's first term: u32 count, u32 wire, the coefficient.
		"a coefficient": {func(b []byte) []byte { copy(b[8:], append([]byte{7}, make([]byte, 31)...)); return b }, "the key's section of "},
		"a wire":        {func(b []byte) []byte { binary.LittleEndian.PutUint32(b[4:], 1); return b }, "the key's section of "},
	} {
		circuit := altered(t, read(t, "bn128/tiny.r1cs"), constraints, tc.alter)
		_, err := Verify(t.Context(), Circuit{section(circuit), tiny(t, "bn128").Powers}, section(read(t, "bn128/beaconed.zkey")), Run{Threads: 1})
		wantRefused(t, name, err, tc.want)
	}
	_, err := Verify(t.Context(), Circuit{section(read(t, "bn128/bus.r1cs")), tiny(t, "bn128").Powers}, section(read(t, "bn128/beaconed.zkey")), Run{Threads: 1})
	wantRefused(t, "another circuit", err, "the key is for another circuit: it has ")
	fresh := altered(t, read(t, "bn128/fresh.zkey"), zkey.Contributions, at(0, 0))
	_, err = Verify(t.Context(), tiny(t, "bn128"), section(fresh), Run{Threads: 1})
	wantRefused(t, "hash of the circuit", err, "the circuit's hash differs")
}
