package verify

import (
	"encoding/json"
	"testing"

	"provery/internal/scheme"
)

func TestSchemeOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]scheme.ID{
		`{"scheme":"g16","curve":"bn128"}`: scheme.Groth16, `{"scheme":"gm17","curve":"bn128"}`: scheme.GM17,
		`{"scheme":"plonk","curve":"bn128"}`: "", `{"curve":"bn128"}`: "", `[]`: "", ``: "",
	} {
		if got := SchemeOf(json.RawMessage(text)); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}
