package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"provery/internal/fault"
)

// ring returns a ring of fixed keys, one for each byte.
func ring(fill ...byte) *Ring {
	var r Ring
	for _, b := range fill {
		r.keys = append(r.keys, newKey([keySize]byte(bytes.Repeat([]byte{b}, keySize))))
	}
	return &r
}

// counter yields 0, 1, 2, ... as randomness.
type counter struct{ n byte }

func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = c.n
		c.n++
	}
	return len(p), nil
}

// knownSealed is "attack at dawn" sealed with key 0x01.., counter randomness,
// job "prf_1", purpose "arguments". It pins the format: stored jobs depend on
// it.
const knownSealed = "50565301de9d8f9d924f5779202122232425262728292a2bb3f82aec22bb8d3b0c9c68e790deb3569ab4601da2bb0244650b" +
	"b104c341a3990e07bdfaaddcbbec248982e1f54908a72c2d2e2f30313233343536373389517701fac4ad42e8f9874c8df53f4eb31561f948ee09fac5066a416a"

func TestKnownAnswer(t *testing.T) {
	t.Parallel()
	r := ring(1)
	got := r.seal(&counter{}, "prf_1", "arguments", []byte("attack at dawn"))
	want := byHand(r.keys[0], "prf_1", "arguments", []byte("attack at dawn"))
	if !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
	if hex.EncodeToString(got) != knownSealed {
		t.Errorf("got %x, want %s: the stored format has changed", got, knownSealed)
	}
	if len(got) != len("attack at dawn")+Overhead {
		t.Errorf("got %d bytes, want content and Overhead", len(got))
	}
}

// byHand builds the message from the description in the package comment.
func byHand(k key, job, purpose string, content []byte) []byte {
	random := make([]byte, 56)
	(&counter{}).Read(random)
	aad := func(layer string) []byte {
		out := []byte("PVS\x01")
		for _, s := range []string{layer, string(k.id[:]), job, purpose} {
			out = append(binary.BigEndian.AppendUint32(out, uint32(len(s))), s...)
		}
		return out
	}
	encrypt := func(secret, nonce, content, aad []byte) []byte {
		b, _ := aes.NewCipher(secret)
		g, _ := cipher.NewGCM(b)
		return g.Seal(nil, nonce, content, aad)
	}
	data, n1, n2 := random[:32], random[32:44], random[44:56]
	return bytes.Join([][]byte{
		[]byte("PVS\x01"), k.id[:], n1, encrypt(k.secret[:], n1, data, aad("wrap")), n2, encrypt(data, n2, content, aad("data")),
	}, nil)
}

func TestOpenRefusesEveryAlteration(t *testing.T) {
	t.Parallel()
	r := ring(1, 2)
	content := []byte("the private arguments")
	sealed := r.Seal("prf_1", "arguments", content)
	if got, err := r.Open("prf_1", "arguments", sealed); err != nil || !bytes.Equal(got, content) {
		t.Fatalf("got %q, %v, want the content", got, err)
	}
	for i := range sealed {
		for _, bit := range []byte{1, 0x80} {
			bad := bytes.Clone(sealed)
			bad[i] ^= bit
			if got, err := r.Open("prf_1", "arguments", bad); err == nil {
				t.Fatalf("byte %d altered: got %q, want an error", i, got)
			}
		}
	}
	for n := range sealed {
		if _, err := r.Open("prf_1", "arguments", sealed[:n]); !fault.Is(err, fault.InvalidArtifact) {
			t.Fatalf("cut to %d bytes: got %v, want invalid artifact", n, err)
		}
	}
}

func TestOpenRefusesAnotherContext(t *testing.T) {
	t.Parallel()
	r := ring(1)
	sealed := r.Seal("prf_1", "arguments", []byte("x"))
	tests := []struct {
		name, job, purpose string
		ring               *Ring
		code               fault.Code
	}{
		{"another job", "prf_2", "arguments", r, fault.InvalidArtifact},
		{"another purpose", "prf_1", "result", r, fault.InvalidArtifact},
		{"parts shifted", "prf_1a", "rguments", r, fault.InvalidArtifact},
		{"another ring", "prf_1", "arguments", ring(2), fault.Internal},
	}
	for _, tc := range tests {
		_, err := tc.ring.Open(tc.job, tc.purpose, sealed)
		if !fault.Is(err, tc.code) {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.code)
		}
		if tc.code == fault.Internal && !strings.Contains(err.Error(), r.Primary().String()) {
			t.Errorf("%s: got %v, want the key's id in it", tc.name, err)
		}
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	old := ring(1)
	sealed := old.Seal("prf_1", "arguments", []byte("x"))
	rotated := ring(2, 1)
	if _, err := rotated.Open("prf_1", "arguments", sealed); err != nil {
		t.Errorf("got %v, want the old key to open", err)
	}
	if rotated.Primary() == old.Primary() || rotated.Keys()[1] != old.Primary() {
		t.Error("the new key must seal")
	}
	if _, err := old.Open("prf_1", "arguments", rotated.Seal("prf_1", "arguments", nil)); !fault.Is(err, fault.Internal) {
		t.Errorf("got %v, want internal", err)
	}
}

func TestSealsDiffer(t *testing.T) {
	t.Parallel()
	r := ring(1)
	a, b := r.Seal("j", "p", []byte("same")), r.Seal("j", "p", []byte("same"))
	if bytes.Equal(a, b) || bytes.Equal(a[len(magic)+idSize:headSize], b[len(magic)+idSize:headSize]) {
		t.Error("two seals share randomness")
	}
}

func FuzzOpen(f *testing.F) {
	r := ring(1)
	f.Add(r.Seal("j", "p", []byte("x")))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if _, err := r.Open("other", "p", sealed); err == nil {
			t.Error("opened a message that was never sealed for this job")
		}
	})
}
