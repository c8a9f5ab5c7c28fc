package ceremony

import (
	"bufio"
	"context"
	"io"
	"unicode"
	"unicode/utf8"

	"provery/internal/fault"
	"provery/internal/iden3"
	"provery/internal/zkey"
)

// maxValue bounds a beacon's value: its length has one byte.
const maxValue = 255

func (in *Contribution) validate() error {
	bad := func(format string, args ...any) error { return fault.New(fault.InvalidRequest, format, args...) }
	switch b := in.Beacon; {
	case utf8.RuneCountInString(in.Name) > zkey.MaxName || len(in.Name) > maxValue || !printable(in.Name):
		return bad("the name of a contribution has up to %d printable characters", zkey.MaxName)
	case b == nil:
		return nil
	case len(b.Value) == 0 || len(b.Value) > maxValue:
		return bad("the value of a beacon has 1 to %d bytes; this one has %d", maxValue, len(b.Value))
	case b.Exponent < zkey.MinExponent || b.Exponent > zkey.MaxExponent:
		return bad("the exponent of a beacon's iterations is %d to %d: 10 stands for 1,024 times SHA-256", zkey.MinExponent, zkey.MaxExponent)
	}
	return nil
}

func printable(s string) bool {
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

func contribute[S, A1, A2 any](ctx context.Context, c zkey.Codec[S, A1, A2], f *iden3.File, in Contribution, run Run, w io.Writer) (*Receipt, error) {
	h, chain, err := readState(ctx, c, f, run)
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, "read key")
	}
	if len(chain.Contributions) >= zkey.MaxContributions {
		return nil, fault.New(fault.TooLarge, "the key has %d contributions; there can't be more", len(chain.Contributions))
	}
	if _, err := c.Check(ctx, chain, h, zkey.CheckOptions{}); err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, "check key")
	}
	secret := make([]S, 1)
	defer clear(secret)
	var point A1
	if in.Beacon != nil {
		secret[0], point, err = c.BeaconSecret(ctx, in.Beacon, func(n, of uint64) { run.progress("iterating the beacon", int64(n), int64(of)) })
	} else {
		secret[0], point, err = c.RandomSecret(in.Rand, in.Entropy)
	}
	if err != nil {
		return nil, err
	}
	var named zkey.Contribution[A1, A2]
	named.SetParams(in.Name, in.Beacon)
	hash, err := c.Extend(chain, h, &secret[0], point, named)
	if err != nil {
		return nil, err
	}
	inverse := make([]S, 1)
	defer clear(inverse)
	c.Field.Inverse(&inverse[0], &secret[0])
	k := &divider[S, A1, A2]{c, ctx, f, run, &inverse[0]}
	if err := k.write(w, h, chain); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "write the key")
	}
	all := report(chain, make([]zkey.Hash, len(chain.Contributions)))
	return &Receipt{chain.Circuit, hash, len(chain.Contributions), all.Open()}, nil
}

// readState reads what a contribution changes, but for the points that delta
// divides.
func readState[S, A1, A2 any](ctx context.Context, c zkey.Codec[S, A1, A2], f *iden3.File, run Run) (*zkey.Header[A1, A2], *zkey.Chain[A1, A2], error) {
	run.progress("checking the contributions", 0, 0)
	h, err := c.Header(ctx, f)
	if err != nil {
		return nil, nil, err
	}
	chain, err := c.Chain(ctx, f)
	return h, chain, err
}

// divider writes a key whose C and H are those of another, times a factor.
type divider[S, A1, A2 any] struct {
	zkey.Codec[S, A1, A2]
	ctx    context.Context
	file   *iden3.File
	run    Run
	factor *S
}

// write writes the key with the header and the chain.
func (k *divider[S, A1, A2]) write(w io.Writer, h *zkey.Header[A1, A2], chain *zkey.Chain[A1, A2]) error {
	sections := k.Head(h)
	for _, id := range []uint32{zkey.IC, zkey.Coefficients, zkey.A, zkey.B1, zkey.B2} {
		section, err := k.file.Section(id)
		if err != nil {
			return err
		}
		sections = append(sections, iden3.Section{ID: id, Length: section.Size(), Write: func(w io.Writer) error {
			k.run.progress("copying the points that stay", 0, 0)
			_, err := io.Copy(w, section)
			return err
		}})
	}
	for _, s := range []struct {
		id   uint32
		name string
		n    int
	}{{zkey.C, "C", h.Private()}, {zkey.H, "H", h.Domain}} {
		size := int64(s.n) * int64(k.G1.Bytes())
		section, err := k.file.Sized(s.id, size)
		if err != nil {
			return err
		}
		sections = append(sections, iden3.Section{ID: s.id, Length: size, Write: func(w io.Writer) error {
			return k.scale(w, section, s.name, s.n)
		}})
	}
	sections = append(sections, iden3.Data(zkey.Contributions, k.Encode(chain)))
	out := bufio.NewWriterSize(w, 1<<16)
	if err := iden3.Write(out, zkey.Kind, zkey.Version, sections); err != nil {
		return err
	}
	return out.Flush()
}

// scale writes n points of a section, each times the factor.
func (k *divider[S, A1, A2]) scale(w io.Writer, section io.ReaderAt, name string, n int) error {
	const block = 1 << 12
	for lo := 0; lo < n; lo += block {
		k.run.progress("multiplying "+name, int64(lo), int64(n))
		points, err := k.OfG1(k.run.Threads).Read(k.ctx, name, section, lo, min(block, n-lo))
		if err != nil {
			return err
		}
		if points, err = k.G1.Scale(k.ctx, points, k.factor, k.run.Threads); err != nil {
			return err
		}
		if _, err := w.Write(k.G1.Memory(points)); err != nil {
			return err
		}
	}
	k.run.progress("multiplying "+name, int64(n), int64(n))
	return nil
}
