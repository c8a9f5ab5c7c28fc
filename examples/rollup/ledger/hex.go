package ledger

import (
	"encoding/hex"
	"fmt"
)

// decodeHex fills out from its length's hex, with or without 0x.
func decodeHex(out, text []byte) error {
	if len(text) >= 2 && text[0] == '0' && text[1] == 'x' {
		text = text[2:]
	}
	if len(text) != 2*len(out) {
		return fmt.Errorf("want %d bytes in hex", len(out))
	}
	_, err := hex.Decode(out, text)
	return err
}

func encodeHex[T [32]byte | [64]byte](in T) []byte {
	return fmt.Appendf(nil, "%x", in)
}
