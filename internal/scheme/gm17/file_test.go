package gm17

import (
	"bytes"
	"encoding/binary"
	"testing"

	"provery/internal/curve"
	"provery/internal/curve/bw6761"
	"provery/internal/fault"
	"provery/internal/r1cs"
	"provery/internal/scheme"
)

func TestOpenRefusesDamage(t *testing.T) {
	t.Parallel()
	b := onBN254()
	pk, sys, _ := setUp(t, b, 1, shape{public: 1, constraints: 9, unused: 2})
	good := fileOf(t, pk)
	refuse := func(name string, b scheme.Backend, file []byte) {
		t.Helper()
		if _, err := b.OpenProvingKey(file); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("%s: got %v, want invalid_artifact", name, err)
		}
	}
	for i := 0; i < len(good); i += 41 {
		refuse("cut", b, bytes.Clone(good[:i]))
	}
	refuse("another curve", newBackend(bw6761.Suite()), good)
	refuse("not a container", b, []byte("not a key"))
	refuseHeaders(t, b, sys, good)
	pk.a.Columns[1] = pk.a.Columns[0]
	refuse("column twice", b, fileOf(t, pk))
	pk.a.Columns[1] = 1 << 31
	refuse("column out of range", b, fileOf(t, pk))
	pk.a.Columns[1] = 1
	if _, err := b.OpenProvingKey(fileOf(t, pk)); err != nil {
		t.Errorf("mended: %v", err)
	}
	pk.c1.Columns[0] = 0
	refuse("column of the instance among the others", b, fileOf(t, pk))
	pk.c1.Columns[0] = 4
	b.Field.SetUint64(&pk.work.Omega, 2)
	refuse("other root", b, fileOf(t, pk))
}

// refuseHeaders sets each word of the header of a good file to odd values.
func refuseHeaders(t *testing.T, b *bn254Backend, sys *r1cs.System, good []byte) {
	t.Helper()
	pattern := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, 2), uint64(curve.BN128))
	header := bytes.Index(good, pattern)
	for word := range 6 {
		for _, v := range []uint64{0, 7, 1 << 20, 1 << 29, 1 << 39, 1<<64 - 1} {
			damaged := bytes.Clone(good)
			binary.LittleEndian.PutUint64(damaged[header+8*word:], v)
			key, err := b.OpenProvingKey(damaged)
			if err == nil {
				err = key.Fits(sys) // more variables than points is no contradiction in itself
			}
			if !fault.Is(err, fault.InvalidArtifact) {
				t.Errorf("header word %d set to %d: got %v, want invalid_artifact", word, v, err)
			}
		}
	}
}
