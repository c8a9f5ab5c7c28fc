package ceremony

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"testing"

	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/zkey"
)

// TestDifference compares with what g1m_subAffine, g1m_batchToAffine and
// g1m_batchLEMtoU of ffjavascript 0.3.1, snarkjs's arithmetic, make of numbers that
// are coordinates of no point, less the generator.
func TestDifference(t *testing.T) {
	t.Parallel()
	testDifference(t, zkey.New(bn254.Suite()), map[string]string{
		"bytes":  "01b78baa9b7cc93a05df05773209bcfdeef668248502c0494295e0b285ebdc0f2780bf7247ef19533ea4af6fda8ae7306d3cfa59c7b487a28c438b18dc0166aa",
		"ones":   "0cd47a52d1e9f5f559e892e644703398db03572140958a1d01c1ba6062396c9f2a6d5e825df4c7045e98f0b6ed4a340c58c2ac5a23d81bbc46c6b0c7fe79473f",
		"header": "0f07196a0c4b2f984c04f837e8a479e5e804337168b6c87ca8dac671146557b518d3f8589954acb38297b2d3598c93cf8f3a83c1b47e0329a7e347091676d416",
		"same x": hex.EncodeToString(make([]byte, 64)),
		"zero":   "000000000000000000000000000000000000000000000000000000000000000130644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd45",
	})
	testDifference(t, zkey.New(bls12381.Suite()), map[string]string{
		"bytes": "0697b0c249f5e817f01f35f95a2d260108ef2424f0f3cacf487efaac002ba813620e2b0f476e00fb51c0d0cf02d6e19b" +
			"08c4ec82aa0002cf58183326c33e6d57cecdb5dcc97be17ef32473c4b06b6ef9b9ea4856df8c22a5afa1fdea6d034095",
		"ones": "0f70a1ff6a9d21fc8b67c8ac07adfd99fb0f8e73d8a36649c75f5141a9dde5769d2497710ea2dec1b362c200d54cc4f4" +
			"0b43d498dcddd6abdb12932fe49120e05d15611526b80693f6434ce3348f38c4e2b243064c42afe5570b599a7de5084a",
		"header": "0c1690b6952f56fcdf14aa20c1b58dba2d97c7e16dac9fe4e87036b6a2379b4d9beb1b369fce4f317ffe1000d2090e86" +
			"061448eec02d68f1b3597b95e52a3c71103d0e3bda76a0888e2bf782c52bd8f4fc4c1d28202eda932c36bbabbcd7c11f",
		"same x": hex.EncodeToString(make([]byte, 96)),
		"zero": "17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb" +
			"114d1d6855d545a8aa7d76c8cf2e21f267816aef1db507c96655b9d5caac42364e6f38ba0ecb751bad54dcd6b939c2ca",
	})
}

func testDifference[S, A1, A2 any](t *testing.T, c zkey.Codec[S, A1, A2], want map[string]string) {
	t.Helper()
	g := c.G1.Generator()
	point := c.G1.Memory([]A1{g})
	size := len(point)
	numbers := map[string][]byte{"bytes": make([]byte, size), "ones": bytes.Repeat([]byte{255}, size), "zero": make([]byte, size)}
	for i := range size {
		numbers["bytes"][i] = byte(255 - 7*i)
	}
	// What follows in a file: the head of the section of points in G2, and the first.
	header := []byte{3, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0}
	numbers["header"] = append(header, c.G2.Memory([]A2{c.G2.Generator()})[:size-len(header)]...)
	numbers["same x"] = append(bytes.Clone(point[:size/2]), numbers["ones"][size/2:]...)
	for name, b := range numbers {
		if got := hex.EncodeToString(difference(c, b, g)); got != want[name] {
			t.Errorf("%v, %s: got %s, want %s", c.Params.ID, name, got, want[name])
		}
	}
	// For points of the curve it is their difference.
	var k S
	c.Field.SetUint64(&k, 1234567)
	p := c.G1.Mul(&g, &k)
	minus := c.G1.Neg(&g)
	sum := c.G1.Add(&p, &minus)
	if got := difference(c, c.G1.Memory([]A1{p}), g); !bytes.Equal(got, zkey.Uncompressed(c.G1, sum)) {
		t.Errorf("%v: the difference of two points: got %x", c.Params.ID, got)
	}
}

// TestLooseField checks that numbers below the order are added, subtracted and
// multiplied as they should be.
func TestLooseField(t *testing.T) {
	t.Parallel()
	f := newLooseField(big.NewInt(97), 1)
	for a := range int64(97) {
		for b := range int64(97) {
			x, y := big.NewInt(a), big.NewInt(b)
			product := new(big.Int).Mul(f.mul(x, y), f.r)
			if f.add(x, y).Int64() != (a+b)%97 || f.sub(x, y).Int64() != (a+97-b)%97 || product.Mod(product, f.p).Int64() != a*b%97 {
				t.Fatalf("%d and %d: got %v, %v, %v", a, b, f.add(x, y), f.sub(x, y), f.mul(x, y))
			}
		}
	}
}
