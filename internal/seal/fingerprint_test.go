package seal

import (
	"encoding/hex"
	"testing"
)

func TestFingerprint(t *testing.T) {
	t.Parallel()
	r := ring(1)
	got := r.Fingerprint("request", []byte("content"))
	// Computed by hand with another implementation of HMAC. It pins the
	// derivation: stored idempotency keys depend on it.
	const known = "e80596096bf675a6de56f974f0a02b870e3e05debdd786e1094e34e6f92544a9"
	if hex.EncodeToString(got[:]) != known {
		t.Errorf("got %x, want %s", got, known)
	}
	for _, tc := range []struct {
		name    string
		ring    *Ring
		purpose string
		content string
		same    bool
	}{
		{"again", ring(1), "request", "content", true},
		{"after a rotation", ring(2, 1), "request", "content", true},
		{"after two rotations", ring(3, 2, 1), "request", "content", true},
		{"without the oldest key", ring(3, 2), "request", "content", false},
		{"another purpose", r, "requests", "content", false},
		{"another content", r, "request", "content ", false},
		{"parts shifted", r, "requestc", "ontent", false},
	} {
		if same := tc.ring.Fingerprint(tc.purpose, []byte(tc.content)) == got; same != tc.same {
			t.Errorf("%s: got the same fingerprint: %v, want %v", tc.name, same, tc.same)
		}
	}
}
