package signer

import (
	"crypto/sha512"
	"encoding/binary"
	"encoding/json"
	"fmt"
)

// Statement is one signed message with its signer's key: what main.zok checks.
type Statement struct {
	Key       Point
	Message   Message
	Signature Signature
}

// Generate returns the index-th valid statement of a seed, each with a key and
// a message of its own. Equal arguments give equal statements on every machine.
func Generate(seed string, index int) Statement {
	h := sha512.New()
	fmt.Fprintf(h, "provery eddsa statement %d of %q", index, seed)
	random := h.Sum(nil)
	key := NewKey([SeedSize]byte(random[:SeedSize]))
	message := Message(sha512.Sum512(random[SeedSize:]))
	return Statement{Key: key.Public(), Message: message, Signature: key.Sign(message)}
}

// Valid reports whether the signature is one of the message under the key; see
// Verify.
func (s Statement) Valid() bool { return Verify(s.Key, s.Message, s.Signature) }

// Arguments returns the ABI argument list for a program that takes R, S, A, M0,
// M1 of each statement in turn: main.zok for one, main2.zok for two. Field
// elements are decimal strings; each word of the message is a string such as
// "0x0000002a".
func Arguments(statements ...Statement) (json.RawMessage, error) {
	list := make([]any, 0, 5*len(statements))
	for i, s := range statements {
		if !s.complete() {
			return nil, fmt.Errorf("arguments: statement %d has a missing coordinate or response", i)
		}
		list = append(list,
			s.Signature.R.strings(), s.Signature.S.String(), s.Key.strings(),
			words(s.Message[:32]), words(s.Message[32:]))
	}
	return json.Marshal(list)
}

func (s Statement) complete() bool {
	return s.Signature.R.X != nil && s.Signature.R.Y != nil && s.Signature.S != nil && s.Key.X != nil && s.Key.Y != nil
}

func (p Point) strings() [2]string { return [2]string{p.X.String(), p.Y.String()} }

// words returns 32 bytes as eight big-endian words.
func words(b []byte) [8]string {
	var out [8]string
	for i := range out {
		out[i] = fmt.Sprintf("0x%08x", binary.BigEndian.Uint32(b[4*i:]))
	}
	return out
}
