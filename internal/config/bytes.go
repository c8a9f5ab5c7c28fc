package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"provery/internal/fault"
)

// Bytes is a size. Its text is a number of bytes, or a whole number with one
// of the units KiB, MiB, GiB and TiB, such as "16MiB".
type Bytes int64

var units = [...]struct {
	suffix string
	size   Bytes
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// String returns the size in the largest unit that holds it in whole numbers.
func (b Bytes) String() string {
	for _, u := range units {
		if b != 0 && b%u.size == 0 {
			return strconv.FormatInt(int64(b/u.size), 10) + u.suffix
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// MarshalText returns String's text.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText parses a size.
func (b *Bytes) UnmarshalText(text []byte) error {
	s, size := strings.TrimSpace(string(text)), Bytes(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(s, u.suffix); ok {
			s, size = strings.TrimSpace(rest), u.size
			break
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/int64(size) {
		return fault.New(fault.InvalidRequest, "want a size such as 65536 or 16MiB")
	}
	*b = Bytes(n) * size
	return nil
}

// UnmarshalYAML parses a size, and names the line of what isn't one.
func (b *Bytes) UnmarshalYAML(node *yaml.Node) error {
	if err := b.UnmarshalText([]byte(node.Value)); err != nil {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %q: %v", node.Line, node.Value, err)}}
	}
	return nil
}
