package circom

import "testing"

func TestDeclaredPages(t *testing.T) {
	t.Parallel()
	module := func(sections ...byte) []byte { return append([]byte("\x00asm\x01\x00\x00\x00"), sections...) }
	for _, tc := range []struct {
		name string
		wasm []byte
		want int64
	}{
		{"nothing", nil, 0},
		{"no sections", module(), 0},
		{"memory", module(5, 3, 1, 0, 17), 17},
		{"with a maximum", module(5, 5, 1, 1, 0x80, 2, 9), 256},
		{"behind others", module(1, 4, 1, 0x60, 0, 0, 0, 2, 5, 5, 5, 3, 1, 0, 3), 3},
		{"too many", module(5, 7, 1, 0, 0xff, 0xff, 0xff, 0xff, 0xf), 1 << 16},
		{"cut off", module(5, 9, 1, 0), 0},
		{"no number", module(5), 0},
	} {
		if got := declaredPages(tc.wasm); got != tc.want {
			t.Errorf("%s: got %d, want %d", tc.name, got, tc.want)
		}
	}
}

// FuzzDeclaredPages expects any bytes to be read.
func FuzzDeclaredPages(f *testing.F) {
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x05\x03\x01\x00\x11"))
	f.Fuzz(func(t *testing.T, wasm []byte) {
		if n := declaredPages(wasm); n < 0 || n > 1<<16 {
			t.Errorf("got %d pages", n)
		}
	})
}
