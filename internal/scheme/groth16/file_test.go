package groth16

import (
	"bytes"
	"encoding/binary"
	"testing"

	"provery/internal/curve"
	"provery/internal/curve/bw6761"
	"provery/internal/fault"
	"provery/internal/r1cs"
)

func TestOpenRefusesDamage(t *testing.T) {
	t.Parallel()
	b := onBN254()
	pk, sys, _ := setUp(t, b, 1, shape{public: 1, constraints: 9, unused: 2})
	good := fileOf(t, pk)
	for i := 0; i < len(good); i += 41 {
		if _, err := b.OpenProvingKey(bytes.Clone(good[:i])); !fault.Is(err, fault.InvalidArtifact) {
			t.Fatalf("cut at %d: got %v, want invalid_artifact", i, err)
		}
	}
	if _, err := newBackend(bw6761.Suite()).OpenProvingKey(good); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("another curve: got %v, want invalid_artifact", err)
	}
	refuseHeaders(t, b, sys, good)
	pk.a.Columns[1] = pk.a.Columns[0]
	if _, err := b.OpenProvingKey(fileOf(t, pk)); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("column twice: got %v, want invalid_artifact", err)
	}
	pk.a.Columns[1] = 1 << 31
	if _, err := b.OpenProvingKey(fileOf(t, pk)); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("column out of range: got %v, want invalid_artifact", err)
	}
	b.Field.SetUint64(&pk.work.Omega, 2)
	if _, err := b.OpenProvingKey(fileOf(t, pk)); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("other root: got %v, want invalid_artifact", err)
	}
	if _, err := b.OpenProvingKey([]byte("not a key")); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("not a container: got %v, want invalid_artifact", err)
	}
}

// refuseHeaders sets each word of the header of a good file to odd values.
func refuseHeaders(t *testing.T, b *bn254Backend, sys *r1cs.System, good []byte) {
	t.Helper()
	header := bytes.Index(good, binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, 1), uint64(curve.BN128)))
	for word := range 6 {
		for _, v := range []uint64{0, 7, 1 << 20, 1 << 39, 1<<64 - 1} {
			damaged := bytes.Clone(good)
			if binary.LittleEndian.Uint64(damaged[header+8*word:]) == v {
				continue
			}
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
