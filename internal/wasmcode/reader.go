// Package wasmcode reads WebAssembly modules, which somebody uploaded, exactly as
// far as it takes to change them before they are translated: their sections, and
// their code instruction by instruction.
package wasmcode

// Sections of a module, by id.
const (
	SectionCustom    = 0
	SectionType      = 1
	SectionImport    = 2
	SectionFunction  = 3
	SectionTable     = 4
	SectionMemory    = 5
	SectionGlobal    = 6
	SectionExport    = 7
	SectionStart     = 8
	SectionElement   = 9
	SectionCode      = 10
	SectionDataCount = 12
)

// Header is what a module begins with.
const Header = "\x00asm\x01\x00\x00\x00"

// Section is one section of a module.
type Section struct {
	ID   byte
	Body []byte
}

// Sections returns a module's sections in their order, which share its storage.
// It reports false if they don't fill the module, or one but a custom one is
// there twice.
func Sections(module []byte) ([]Section, bool) {
	r := &Reader{Bytes: module}
	if string(r.Take(uint32(len(Header)))) != Header {
		return nil, false
	}
	var sections []Section
	seen := map[byte]bool{}
	for r.More() {
		s := Section{ID: r.Byte()}
		s.Body = r.Take(r.U32())
		if s.ID > SectionDataCount || s.ID != SectionCustom && seen[s.ID] {
			return nil, false
		}
		seen[s.ID] = true
		sections = append(sections, s)
	}
	return sections, !r.Bad
}

// AppendSection appends a section to a module.
func AppendSection(module []byte, id byte, body []byte) []byte {
	return append(AppendULEB(append(module, id), uint32(len(body))), body...)
}

// Reader reads the parts of a module exactly as wazero does, or sets Bad.
// If the two could read a part differently, a module could hide a loop.
type Reader struct {
	Bytes []byte
	Pos   int
	Bad   bool
}

// More reports whether there are bytes left.
func (r *Reader) More() bool { return !r.Bad && r.Pos < len(r.Bytes) }

// Whole reports whether everything was read, and nothing wrong with it.
func (r *Reader) Whole() bool { return !r.Bad && r.Pos == len(r.Bytes) }

// Byte reads a byte.
func (r *Reader) Byte() byte {
	if !r.More() {
		r.Bad = true
		return 0
	}
	r.Pos++
	return r.Bytes[r.Pos-1]
}

// one reads a byte that has to be among those of want.
func (r *Reader) one(want ...byte) {
	b := r.Byte()
	for _, w := range want {
		if b == w {
			return
		}
	}
	r.Bad = true
}

// Take reads n bytes, which it shares with the module.
func (r *Reader) Take(n uint32) []byte {
	if r.Bad || uint64(n) > uint64(len(r.Bytes)-r.Pos) {
		r.Bad = true
		return nil
	}
	r.Pos += int(n)
	return r.Bytes[r.Pos-int(n) : r.Pos]
}

// Skip reads n bytes.
func (r *Reader) Skip(n uint32) { r.Take(n) }

// U32 reads an unsigned LEB128 number.
func (r *Reader) U32() uint32 {
	var v uint32
	for shift := 0; shift < 35; shift += 7 {
		b := r.Byte()
		if shift == 28 && b > 0x0f {
			break
		}
		v |= uint32(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	r.Bad = true
	return 0
}

// signed reads a signed LEB128 number of at most n bytes.
func (r *Reader) signed(n int) int64 {
	var v int64
	for i := range n {
		b := r.Byte()
		v |= int64(b&0x7f) << (7 * i)
		if b < 0x80 {
			unused := max(0, 64-7*(i+1))
			return v << unused >> unused
		}
	}
	r.Bad = true
	return 0
}

// AppendULEB appends an unsigned number in LEB128.
func AppendULEB(b []byte, v uint32) []byte {
	for ; v >= 0x80; v >>= 7 {
		b = append(b, byte(v)|0x80)
	}
	return append(b, byte(v))
}

// Items reads a vector and returns its length.
func (r *Reader) Items(item func()) uint32 {
	n := r.U32()
	for i := uint32(0); i < n && !r.Bad; i++ {
		item()
	}
	return n
}

// Index reads an index.
func (r *Reader) Index() { r.U32() }

// Name reads a name.
func (r *Reader) Name() string { return string(r.Take(r.U32())) }

// ValueType reads the type of a value.
func (r *Reader) ValueType() { r.one(0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f) }

// FunctionType reads a function's type.
func (r *Reader) FunctionType() {
	r.one(0x60)
	r.Items(r.ValueType)
	r.Items(r.ValueType)
}

// ImportedFunction reads an import, which has to be of a function.
func (r *Reader) ImportedFunction() {
	r.Name()
	r.Name()
	r.one(KindFunction)
	r.U32()
}

// Global reads a global's type and its constant expression.
func (r *Reader) Global() {
	r.ValueType()
	r.one(0, 1)
	for !r.Bad {
		switch op := r.Byte(); op {
		case OpEnd:
			return
		case OpI32Const, 0x42, 0x43, 0x44, 0xd0, 0xd2: // constants, ref.null, ref.func
			r.immediates(op)
		case OpVector:
			r.one(0x0c) // v128.const
			r.Skip(16)
		default: // global.get could only be of an import
			r.Bad = true
		}
	}
}
