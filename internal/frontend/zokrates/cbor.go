package zokrates

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"provery/internal/fault"
)

const (
	windowSize = 1 << 18 // bytes read at once; also the longest string
	maxDepth   = 128     // of nested items, as in the compiler's own decoder
)

// The major types of CBOR.
const (
	majorUint = iota
	majorNegative
	majorBytes
	majorText
	majorArray
	majorMap
	majorTag
	majorSimple
)

const (
	simpleFalse = 20
	simpleTrue  = 21
	breakByte   = 0xff
)

// decoder is a pull decoder for the CBOR that compiled programs hold. It reads
// one section through a window of fixed size, so that memory doesn't depend on
// the section's length.
//
// The first error sticks: every later call returns zeros and reads nothing, so
// that a caller may check err once for several calls. Loops must end when err
// is set; more sees to that.
type decoder struct {
	src    io.ReaderAt
	what   string // names the section in errors
	window []byte
	pos    int // window[pos:end] is read but not consumed
	end    int
	next   int64 // offset in src of what follows window[:end]
	limit  int64 // offset of the section's end
	depth  int
	err    error
}

// newDecoder reads the section of length bytes from offset on. window is the
// buffer to use, or nil.
func newDecoder(src io.ReaderAt, what string, offset, length int64, window []byte) *decoder {
	if window == nil {
		window = make([]byte, windowSize)
	}
	return &decoder{src: src, what: what, window: window, next: offset, limit: offset + length}
}

// offset returns the position in src of the next unread byte.
func (d *decoder) offset() int64 { return d.next - int64(d.end-d.pos) }

// done reports whether the section is used up.
func (d *decoder) done() bool { return d.offset() >= d.limit }

// remaining returns the number of unread bytes.
func (d *decoder) remaining() int64 { return d.limit - d.offset() }

// fail records an error unless there is one already.
func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fault.New(fault.InvalidArtifact, "read program: %s at byte %d: %s", d.what, d.offset(), fmt.Sprintf(format, args...))
	}
	d.stop()
}

// failWith records err as it is.
func (d *decoder) failWith(err error) {
	if d.err == nil && err != nil {
		d.err = err
	}
	d.stop()
}

func (d *decoder) stop() { d.pos, d.end, d.next = 0, 0, d.limit }

// need makes n bytes available in the window and reports whether it could.
func (d *decoder) need(n int) bool {
	return d.end-d.pos >= n || d.refill(n)
}

func (d *decoder) refill(n int) bool {
	if d.err != nil {
		return false
	}
	if int64(n) > d.remaining() {
		d.fail("section ends inside of an item")
		return false
	}
	if n > len(d.window) {
		d.fail("string of %d bytes is too long", n)
		return false
	}
	copy(d.window, d.window[d.pos:d.end])
	d.pos, d.end = 0, d.end-d.pos
	want := int(min(int64(len(d.window)-d.end), d.limit-d.next))
	got, err := d.src.ReadAt(d.window[d.end:d.end+want], d.next)
	if got < want {
		if err == io.EOF {
			d.fail("file ends inside of the section")
		} else {
			d.failWith(fault.Wrap(err, fault.Internal, "read program"))
		}
		return false
	}
	d.end += want
	d.next += int64(want)
	return true
}

// peek returns the next byte without consuming it.
func (d *decoder) peek() byte {
	if !d.need(1) {
		return 0
	}
	return d.window[d.pos]
}

// head reads the first bytes of an item: its major type and argument. open is
// true for an item of indefinite length.
func (d *decoder) head() (major byte, arg uint64, open bool) {
	if !d.need(1) {
		return 0, 0, false
	}
	b := d.window[d.pos]
	d.pos++
	major, info := b>>5, b&31
	if info < 24 {
		return major, uint64(info), false
	}
	if info == 31 && major >= majorBytes && major <= majorMap {
		return major, 0, true
	}
	if info > 27 {
		d.fail("malformed item")
		return 0, 0, false
	}
	size := 1 << (info - 24)
	if !d.need(size) {
		return 0, 0, false
	}
	p := d.window[d.pos : d.pos+size]
	d.pos += size
	switch size {
	case 1:
		arg = uint64(p[0])
	case 2:
		arg = uint64(binary.BigEndian.Uint16(p))
	case 4:
		arg = uint64(binary.BigEndian.Uint32(p))
	default:
		arg = binary.BigEndian.Uint64(p)
	}
	return major, arg, false
}

// items counts the items of an array, or the entries of a map, that are left.
type items struct {
	left uint64
	open bool
}

func (d *decoder) container(major byte, name string) items {
	got, n, open := d.head()
	if d.err == nil && got != major {
		d.fail("no %s where one is wanted", name)
	}
	if n > uint64(max(d.remaining(), 0)) {
		d.fail("%s of %d items is longer than the section", name, n)
	}
	return items{n, open}
}

func (d *decoder) array() items   { return d.container(majorArray, "array") }
func (d *decoder) mapping() items { return d.container(majorMap, "map") }

// more reports whether another item follows, and consumes the break after the
// last one of an indefinite length.
func (d *decoder) more(it *items) bool {
	switch {
	case d.err != nil:
		return false
	case it.open:
		if d.peek() == breakByte && d.err == nil {
			d.pos++
			return false
		}
		return d.err == nil
	case it.left == 0:
		return false
	}
	it.left--
	return true
}

// str reads a string of the major type. The result is a view that the next
// call overwrites.
func (d *decoder) str(major byte, name string) []byte {
	got, n, open := d.head()
	if d.err == nil && (got != major || open) {
		d.fail("no %s where one is wanted", name)
	}
	if n > math.MaxInt32 {
		d.fail("%s of %d bytes is too long", name, n)
	}
	if d.err != nil || !d.need(int(n)) {
		return nil
	}
	s := d.window[d.pos : d.pos+int(n)]
	d.pos += int(n)
	return s
}

func (d *decoder) text() []byte  { return d.str(majorText, "text") }
func (d *decoder) bytes() []byte { return d.str(majorBytes, "byte string") }

// uint reads an unsigned integer of at most limit.
func (d *decoder) uint(limit uint64) uint64 {
	major, n, _ := d.head()
	if d.err == nil && major != majorUint {
		d.fail("no unsigned integer where one is wanted")
	}
	if d.err == nil && n > limit {
		d.fail("integer is too large")
	}
	if d.err != nil {
		return 0
	}
	return n
}

// bool reads true or false.
func (d *decoder) bool() bool {
	major, n, _ := d.head()
	if d.err == nil && (major != majorSimple || n != simpleFalse && n != simpleTrue) {
		d.fail("no boolean where one is wanted")
	}
	return n == simpleTrue
}

// null consumes a null, if one is next, and reports whether it did.
func (d *decoder) null() bool {
	if d.peek() != majorSimple<<5|22 || d.err != nil {
		return false
	}
	d.pos++
	return true
}

// enter guards the recursion of a caller; leave undoes it.
func (d *decoder) enter() bool {
	if d.depth++; d.depth > maxDepth {
		d.fail("items are nested too deeply")
	}
	return d.err == nil
}

func (d *decoder) leave() { d.depth-- }
