// Package wire_test tests what the schemes have in common, through them.
package wire_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"provery/internal/container"
	"provery/internal/curve"
	"provery/internal/curve/bn254"
	"provery/internal/fault"
	"provery/internal/r1cs"
	"provery/internal/scheme"
	"provery/internal/scheme/gm17"
	"provery/internal/scheme/groth16"
	"provery/internal/scheme/wire"
)

// backends returns both schemes on the curve, with their folders' names.
func backends(t testing.TB, id curve.ID) map[string]scheme.Backend {
	t.Helper()
	g16, err1 := groth16.New(id)
	gm, err2 := gm17.New(id)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return map[string]scheme.Backend{"ark-g16": g16, "ark-gm17": gm}
}

// read returns a file of the program mul.
func read(t testing.TB, id curve.ID, folder, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../../../testdata/zokrates/mul", id.String(), folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// square returns the system x·x = y with public x and y, over bn128.
func square() *r1cs.System {
	f := bn254.NewField()
	table := f.Memory(parsed(f, 1, -1))
	return &r1cs.System{
		Curve: curve.BN128, NumPublic: 2, NumVariables: 3, A: []uint32{1}, B: []uint32{1}, C: []uint32{2},
		Rows:  curve.Sparse{Start: []uint32{0, 0, 1, 2}, Columns: []uint32{1, 2}, Coef16: []uint16{0, 0}},
		Table: table,
	}
}

// parsed returns the scalars of small values.
func parsed[S any](f curve.Field[S], values ...int64) []S {
	out := make([]S, len(values))
	for i, v := range values {
		f.SetBig(&out[i], big.NewInt(v))
	}
	return out
}

// TestSchemesRefuseEachOther gives each scheme the documents, keys and proofs
// of the other.
func TestSchemesRefuseEachOther(t *testing.T) {
	t.Parallel()
	all := backends(t, curve.BN128)
	for mine, other := range map[string]string{"ark-g16": "ark-gm17", "ark-gm17": "ark-g16"} {
		t.Run(other+" given to "+mine, func(t *testing.T) {
			t.Parallel()
			refuseDocuments(t, all[mine], all[other], mine, other)
			refuseKeys(t, all[mine], all[other])
		})
	}
}

func refuseDocuments(t *testing.T, b, theirs scheme.Backend, mine, other string) {
	t.Helper()
	proof, public, err := theirs.ParseProof(read(t, curve.BN128, other, "proof.json"))
	if err != nil {
		t.Fatal(err)
	}
	vk, err := b.ParseVerifyingKey(read(t, curve.BN128, mine, "verification.key"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.ParseVerifyingKey(read(t, curve.BN128, other, "verification.key"))
	refused(t, "verification.key", err, fault.InvalidArtifact)
	_, _, err = b.ParseProof(read(t, curve.BN128, other, "proof.json"))
	refused(t, "proof.json", err, fault.InvalidRequest)
	_, err = b.EncodeProof(proof, public)
	refused(t, "proof to encode", err, fault.Internal)
	refused(t, "proof to verify", b.Verify(vk, proof, public), fault.InvalidRequest)
	refused(t, "key to verify with", theirs.Verify(vk, proof, public), fault.InvalidRequest)
}

func refuseKeys(t *testing.T, b, theirs scheme.Backend) {
	t.Helper()
	sys := square()
	w := r1cs.Erase(curve.BN128, r1cs.Assignment[bn254Element]{Z: parsed(bn254.NewField(), 1, 3, 9)})
	key, err := theirs.Setup(context.Background(), scheme.SetupInput{System: sys, Rand: counting{}, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	own, err := b.Setup(context.Background(), scheme.SetupInput{System: sys, Rand: counting{}, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	var file, ark bytes.Buffer
	if err := errors.Join(key.WriteFile(&file), key.Export(&ark, nil)); err != nil {
		t.Fatal(err)
	}
	_, err = b.OpenProvingKey(file.Bytes())
	refused(t, "own file", err, fault.InvalidArtifact)
	_, err = b.ImportProvingKey(context.Background(), scheme.ImportInput{
		System: sys, Data: bytes.NewReader(ark.Bytes()), Size: int64(ark.Len()), Threads: 1,
	})
	refused(t, "ark key", err, fault.InvalidArtifact)
	in := scheme.ProveInput{Key: key, System: sys, Witness: w, Threads: 1, Rand: counting{}}
	_, err = b.Prove(context.Background(), in)
	refused(t, "key to prove with", err, fault.Internal)
	if in.Key = own; own.VerifyingKey().Equal(key.VerifyingKey()) {
		t.Error("keys of two schemes are equal")
	}
	proof, err := b.Prove(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	public := curve.NewVector(curve.BN128, parsed(bn254.NewField(), 3, 9))
	if err := b.Verify(own.VerifyingKey(), proof, public); err != nil {
		t.Errorf("own key: %v", err)
	}
}

func refused(t *testing.T, name string, err error, want fault.Code) {
	t.Helper()
	if !fault.Is(err, want) || errors.Is(err, scheme.ErrInvalidProof) {
		t.Errorf("%s: got %v, want %s", name, err, want)
	}
}

// TestDescribeTellsSchemesApart gives each scheme's description the keys of both.
func TestDescribeTellsSchemesApart(t *testing.T) {
	t.Parallel()
	for _, id := range curve.All() {
		for folder, describe := range map[string]func(io.ReaderAt, int64) (wire.KeyInfo, error){
			"ark-g16": groth16.DescribeProvingKey, "ark-gm17": gm17.DescribeProvingKey,
		} {
			for of := range backends(t, id) {
				key := read(t, id, of, "proving.key")
				info, err := describe(bytes.NewReader(key), int64(len(key)))
				if of == folder && (err != nil || info.Curve != id) || of != folder && !fault.Is(err, fault.InvalidArtifact) {
					t.Errorf("%v: key of %s described as %s: got %+v, %v", id, of, folder, info, err)
				}
			}
		}
	}
}

// TestPublicInputs reads and writes public inputs for both schemes on all
// curves.
func TestPublicInputs(t *testing.T) {
	t.Parallel()
	orders := map[curve.ID]*big.Int{curve.BN128: bn254.NewField().Params().ScalarModulus}
	for _, id := range curve.All() {
		for name, b := range backends(t, id) {
			t.Run(name+" on "+id.String(), func(t *testing.T) { testPublicInputs(t, b, orders[id]) })
		}
	}
}

func testPublicInputs(t *testing.T, b scheme.Backend, order *big.Int) {
	t.Parallel()
	v, err := b.ParsePublicInputs([]string{"0", "0x0", "7", "0xA", "000012"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.PublicInputs(v)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := b.ParsePublicInputs(got); err != nil || again.Len() != 5 {
		t.Errorf("own form: got %v", err)
	}
	for i, want := range []int64{0, 0, 7, 10, 12} {
		if x, ok := new(big.Int).SetString(got[i], 0); !ok || x.Int64() != want || len(got[i]) != len(got[0]) {
			t.Errorf("input %d: got %s, want %d", i, got[i], want)
		}
	}
	refused := []string{"", "0x", "-1", "+1", " 1", "1_0", "0b1", "1e3", "0xg", "x", strings.Repeat("9", 200), "0x" + strings.Repeat("f", 100)}
	if order != nil {
		refused = append(refused, order.String())
		if _, err := b.ParsePublicInputs([]string{new(big.Int).Sub(order, big.NewInt(1)).String()}); err != nil {
			t.Errorf("r-1: got %v", err)
		}
	}
	for _, bad := range refused {
		_, err := b.ParsePublicInputs([]string{"1", bad})
		var f *fault.Error
		if !fault.Is(err, fault.InvalidRequest) || !errors.As(err, &f) || f.Path != "/1" {
			t.Errorf("%q: got %v, want invalid_request at /1", bad, err)
		}
	}
}

func TestQuery(t *testing.T) {
	t.Parallel()
	s := bn254.Suite()
	g, inf := s.G1.Generator(), s.G1.Infinity()
	for _, tc := range []struct {
		name    string
		finite  []bool
		columns []uint32 // nil if they follow one another
	}{
		{"none", []bool{}, nil}, {"all", []bool{true, true, true}, nil},
		{"some", []bool{false, true, false, true}, []uint32{6, 8}}, {"all infinite", []bool{false, false}, []uint32{}},
	} {
		points := make([]bn254Point, len(tc.finite))
		for i, finite := range tc.finite {
			if points[i] = inf; finite {
				points[i] = g
			}
		}
		var want, got bytes.Buffer
		if err := wire.WriteVector(&want, s.G1, slices.Clone(points)); err != nil {
			t.Fatal(err)
		}
		q := wire.DropInfinity(s.G1, points, 5)
		if !slices.Equal(q.Columns, tc.columns) || (q.Columns == nil) != (tc.columns == nil) || q.First != 5 && q.Columns == nil {
			t.Errorf("%s: got columns %v from %d, want %v", tc.name, q.Columns, q.First, tc.columns)
		}
		if err := wire.WriteQuery(&got, s.G1, &q, 5, len(tc.finite)); err != nil || !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("%s: a query doesn't survive dropping infinity (%v)", tc.name, err)
		}
		for _, j := range q.AllColumns() {
			if !tc.finite[j-5] {
				t.Errorf("%s: column %d has a point", tc.name, j)
			}
		}
	}
}

func TestOpenQueryRefuses(t *testing.T) {
	t.Parallel()
	s := bn254.Suite()
	g := s.G1.Generator()
	for _, tc := range []struct {
		name    string
		points  int
		columns []uint32
		ok      bool
	}{
		{"all", 4, nil, true}, {"some", 2, []uint32{3, 5}, true}, {"none", 0, nil, true},
		{"too few", 3, nil, false}, {"too many", 5, nil, false}, {"more points than columns", 3, []uint32{3, 5}, false},
		{"before the first", 2, []uint32{1, 5}, false}, {"at the limit", 2, []uint32{3, 6}, false},
		{"descending", 2, []uint32{4, 3}, false}, {"twice", 2, []uint32{4, 4}, false},
	} {
		var file bytes.Buffer
		points := make([]bn254Point, tc.points)
		for i := range points {
			points[i] = g
		}
		if _, err := container.Write(&file, "TEST", 1, []container.Section{
			{ID: 1, Data: s.G1.Memory(points)}, {ID: 2, Data: container.Bytes(tc.columns)},
		}); err != nil {
			t.Fatal(err)
		}
		f, err := container.Open(file.Bytes(), "TEST", 1)
		if err != nil {
			t.Fatal(err)
		}
		q, err := wire.OpenQuery(f, 1, 2, s.G1.FromMemory, 2, 6)
		if tc.ok && (err != nil || len(q.Points) != tc.points) || !tc.ok && !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("%s: got %d points and %v", tc.name, len(q.Points), err)
		}
		if _, err := wire.OpenQuery(f, 1, 3, s.G1.FromMemory, 2, 6); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("%s: no section: got %v, want invalid_artifact", tc.name, err)
		}
	}
}

// counting is a poor source of randomness that never dries up.
type counting struct{}

func (counting) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i + 1)
	}
	return len(p), nil
}
