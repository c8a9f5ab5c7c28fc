package wire

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"slices"
	"strings"

	"provery/internal/curve"
	"provery/internal/fault"
)

// ZoKrates's JSON (verification.key, proof.json): coordinates as 0x and
// big-endian hexadecimal digits of fixed width, [x, y] in G1, [[c0, c1],
// [c0, c1]] in G2, or [x, y] where G2 lies over the base field; two spaces of
// indentation and no newline at the end. Infinity has no form.

// maxJSON bounds the documents that are parsed, in bytes.
const maxJSON = 64 << 20

// CheckNames compares a document's scheme and curve with the backend's.
// Others are fault.InvalidArtifact.
func (b *Base[S, A1, A2]) CheckNames(scheme, curve string) error {
	if scheme != b.name {
		return fault.New(fault.InvalidArtifact, "scheme isn't %s", b.name)
	}
	if curve != b.Curve().String() {
		return fault.New(fault.InvalidArtifact, "curve isn't %v", b.Curve())
	}
	return nil
}

// EncodePoint sets dst to the JSON of a finite point. Infinity is
// fault.Internal.
func EncodePoint[S, A any](g curve.Group[S, A], p *curve.Params, dst *json.RawMessage, point *A) error {
	if g.IsInfinity(point) {
		return fault.New(fault.Internal, "infinity has no form in ZoKrates's files")
	}
	buf := make([]byte, g.Bytes())
	g.Encode(buf, []A{*point})
	words := hexEach(buf, p.BaseBytes)
	var form any = words
	if len(words) == 4 {
		form = [2][]string{words[:2], words[2:]}
	}
	var err error
	*dst, err = json.Marshal(form)
	return err
}

// EncodePoints returns the JSON of finite points, as EncodePoint does.
func EncodePoints[S, A any](g curve.Group[S, A], p *curve.Params, points []A) ([]json.RawMessage, error) {
	out := make([]json.RawMessage, len(points))
	for i := range points {
		if err := EncodePoint(g, p, &out[i], &points[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ParsePoint sets dst to a finite point and checks that it is in its group:
// fault.InvalidArtifact if not. The errors call it name.
func ParsePoint[S, A any](g curve.Group[S, A], p *curve.Params, name string, raw json.RawMessage, dst *A) error {
	var words []string
	err := json.Unmarshal(raw, &words)
	if g.Bytes() == 4*p.BaseBytes {
		var pairs [][]string
		words, err = nil, json.Unmarshal(raw, &pairs)
		for _, pair := range pairs {
			if len(pair) != 2 {
				return fault.New(fault.InvalidArtifact, "%s: not a point", name)
			}
			words = append(words, pair...)
		}
	}
	if err != nil || len(words) != g.Bytes()/p.BaseBytes {
		return fault.New(fault.InvalidArtifact, "%s: not a point", name)
	}
	buf, err := unhexEach(words, p.BaseBytes)
	if err != nil {
		return fault.Wrap(err, fault.InvalidArtifact, "%s", name)
	}
	return takeFinite(g, name, buf, dst)
}

// takeFinite sets dst to the finite point that buf encodes, and checks it.
func takeFinite[S, A any](g curve.Group[S, A], name string, buf []byte, dst *A) error {
	points := make([]A, 1)
	if err := g.Decode(points, buf); err != nil {
		return fault.Wrap(err, fault.InvalidArtifact, "%s", name)
	}
	if g.IsInfinity(&points[0]) {
		return fault.New(fault.InvalidArtifact, "%s: coordinate isn't below the field's order", name)
	}
	*dst = points[0]
	return fault.Wrap(g.Check(context.Background(), points, 1), fault.InvalidArtifact, "%s", name)
}

// ParsePoints reads a list of at least one finite point, as ParsePoint does.
func ParsePoints[S, A any](g curve.Group[S, A], p *curve.Params, name string, raw []json.RawMessage) ([]A, error) {
	if len(raw) == 0 {
		return nil, fault.New(fault.InvalidArtifact, "%s is empty", name)
	}
	out := make([]A, len(raw))
	for i := range raw {
		if err := ParsePoint(g, p, name, raw[i], &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// hexEach writes each little-endian group of size bytes as 0x and big-endian digits.
func hexEach(b []byte, size int) []string {
	out := make([]string, 0, len(b)/size)
	for lo := 0; lo < len(b); lo += size {
		group := slices.Clone(b[lo : lo+size])
		slices.Reverse(group)
		out = append(out, "0x"+hex.EncodeToString(group))
	}
	return out
}

// unhexEach is the inverse of hexEach. It insists on the width.
func unhexEach(words []string, size int) ([]byte, error) {
	out := make([]byte, len(words)*size)
	for i, w := range words {
		digits, prefixed := strings.CutPrefix(w, "0x")
		group := out[i*size : (i+1)*size]
		if !prefixed || len(digits) != 2*size {
			return nil, fault.New(fault.InvalidArtifact, "value %d isn't 0x and %d hexadecimal digits", i, 2*size)
		}
		if _, err := hex.Decode(group, []byte(digits)); err != nil {
			return nil, fault.New(fault.InvalidArtifact, "value %d isn't 0x and %d hexadecimal digits", i, 2*size)
		}
		slices.Reverse(group)
	}
	return out, nil
}

// Indented returns v as JSON in ZoKrates's formatting.
func Indented(v any) ([]byte, error) {
	out, err := json.MarshalIndent(v, "", "  ")
	return out, fault.Wrap(err, fault.Internal, "encode JSON")
}

// Unmarshal reads exactly one JSON value of at most 64 MiB into v. Its errors
// don't repeat the input.
func Unmarshal(data []byte, v any) error {
	if len(data) > maxJSON {
		return fault.New(fault.TooLarge, "more than %d bytes", maxJSON)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(v); err != nil {
		return fault.New(fault.InvalidArtifact, "not JSON of the expected form")
	}
	if _, err := d.Token(); err != io.EOF {
		return fault.New(fault.InvalidArtifact, "data after the JSON value")
	}
	return nil
}
