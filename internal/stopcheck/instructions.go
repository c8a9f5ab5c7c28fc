package stopcheck

// Bytes of WebAssembly's binary format that stop checks are made of or put at.
const (
	opUnreachable  = 0x00
	opLoop         = 0x03
	opIf           = 0x04
	opEnd          = 0x0b
	opCall         = 0x10
	opCallIndirect = 0x11
	opDrop         = 0x1a
	opGlobalGet    = 0x23
	opGlobalSet    = 0x24
	opMemoryGrow   = 0x40
	opI32Const     = 0x41
	opI32Eqz       = 0x45
	opI32Sub       = 0x6b
	opMisc         = 0xfc
	opVector       = 0xfd

	typeNone = 0x40 // of a block
	typeI32  = 0x7f

	kindFunction = 0 // of an import or export
	kindGlobal   = 3
)

// reader reads the parts of a module exactly as wazero does, or sets bad.
// If the two could read a part differently, a module could hide a loop.
type reader struct {
	b   []byte
	pos int
	bad bool
}

func (r *reader) more() bool  { return !r.bad && r.pos < len(r.b) }
func (r *reader) whole() bool { return !r.bad && r.pos == len(r.b) }

func (r *reader) byte() byte {
	if !r.more() {
		r.bad = true
		return 0
	}
	r.pos++
	return r.b[r.pos-1]
}

// one reads a byte that has to be among those of want.
func (r *reader) one(want ...byte) {
	b := r.byte()
	for _, w := range want {
		if b == w {
			return
		}
	}
	r.bad = true
}

func (r *reader) take(n uint32) []byte {
	if r.bad || uint64(n) > uint64(len(r.b)-r.pos) {
		r.bad = true
		return nil
	}
	r.pos += int(n)
	return r.b[r.pos-int(n) : r.pos]
}

func (r *reader) skip(n uint32) { r.take(n) }

// u32 reads an unsigned LEB128 number.
func (r *reader) u32() uint32 {
	var v uint32
	for shift := 0; shift < 35; shift += 7 {
		b := r.byte()
		if shift == 28 && b > 0x0f {
			break
		}
		v |= uint32(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	r.bad = true
	return 0
}

// signed reads a signed LEB128 number of at most n bytes.
func (r *reader) signed(n int) int64 {
	var v int64
	for i := range n {
		b := r.byte()
		v |= int64(b&0x7f) << (7 * i)
		if b < 0x80 {
			unused := max(0, 64-7*(i+1))
			return v << unused >> unused
		}
	}
	r.bad = true
	return 0
}

// appendULEB appends an unsigned number in LEB128.
func appendULEB(b []byte, v uint32) []byte {
	for ; v >= 0x80; v >>= 7 {
		b = append(b, byte(v)|0x80)
	}
	return append(b, byte(v))
}

// items reads a vector and returns its length.
func (r *reader) items(item func()) uint32 {
	n := r.u32()
	for i := uint32(0); i < n && !r.bad; i++ {
		item()
	}
	return n
}

func (r *reader) index()       { r.u32() }
func (r *reader) name() string { return string(r.take(r.u32())) }
func (r *reader) valueType()   { r.one(0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f) }

func (r *reader) functionType() {
	r.one(0x60)
	r.items(r.valueType)
	r.items(r.valueType)
}

func (r *reader) importedFunction() {
	r.name()
	r.name()
	r.one(kindFunction)
	r.u32()
}

// global reads a global's type and its constant expression.
func (r *reader) global() {
	r.valueType()
	r.one(0, 1)
	for !r.bad {
		switch op := r.byte(); op {
		case opEnd:
			return
		case opI32Const, 0x42, 0x43, 0x44, 0xd0, 0xd2: // constants, ref.null, ref.func
			r.immediates(op)
		case opVector:
			r.one(0x0c) // v128.const
			r.skip(16)
		default: // global.get could only be of an import
			r.bad = true
		}
	}
}

// immediates reads what follows an opcode, except for those with a prefix.
func (r *reader) immediates(op byte) {
	switch {
	case op <= 0x01, op == 0x05, op == opEnd, op == 0x0f, op == opDrop, op == 0x1b, op == 0xd1,
		op >= opI32Eqz && op <= 0xc4:
	case op >= 0x02 && op <= opIf:
		r.blockType()
	case op == 0x0c, op == 0x0d, op == opCall, op >= 0x20 && op <= 0x26, op == 0xd2:
		r.u32()
	case op == 0x0e: // br_table
		r.items(r.index)
		r.u32()
	case op == 0x11: // call_indirect
		r.u32()
		r.u32()
	case op == 0x1c: // select with a type
		r.one(1)
		r.valueType()
	case op >= 0x28 && op <= 0x3e: // loads and stores
		r.u32()
		r.u32()
	case op == 0x3f, op == opMemoryGrow:
		r.one(0)
	case op == opI32Const:
		r.signed(5)
	case op == 0x42:
		r.signed(10)
	case op == 0x43:
		r.skip(4)
	case op == 0x44:
		r.skip(8)
	case op == 0xd0: // ref.null
		r.one(0x70, 0x6f)
	default:
		r.bad = true
	}
}

// blockType reads the type of a block: an index, or the code of none or of one
// result's type, all as one signed number.
func (r *reader) blockType() {
	switch v := r.signed(5); {
	case v >= 0, v == -64, v >= -5, v == -16, v == -17:
	default:
		r.bad = true
	}
}

// misc reads what follows the prefix of conversions and of instructions on
// whole ranges, and tells whether it is one of the latter.
func (r *reader) misc() (long bool) {
	switch op := r.u32(); op {
	case 0, 1, 2, 3, 4, 5, 6, 7: // saturating conversions
		return false
	case 8: // memory.init
		r.u32()
		r.one(0)
	case 10: // memory.copy
		r.one(0)
		r.one(0)
	case 11: // memory.fill
		r.one(0)
	case 12, 14: // table.init, table.copy
		r.u32()
		r.u32()
	case 9, 13, 15, 16, 17: // data.drop, elem.drop, table.grow, table.size, table.fill
		r.u32()
	default:
		r.bad = true
	}
	return true
}

// vector reads what follows the prefix of vector instructions. wazero takes one
// byte as the opcode and reads the second one, which is 1 in every opcode that
// has two, as a nop; anything else in its place is an instruction.
func (r *reader) vector() {
	switch op := r.byte(); {
	case op >= 0x80:
		if r.more() && r.b[r.pos] == 1 {
			r.pos++
		}
	case op <= 0x0b, op == 0x5c, op == 0x5d: // loads and stores
		r.u32()
		r.u32()
	case op >= 0x54 && op <= 0x5b: // loads and stores of lanes
		r.u32()
		r.u32()
		r.skip(1)
	case op == 0x0c, op == 0x0d: // const, shuffle
		r.skip(16)
	case op >= 0x15 && op <= 0x22: // extract_lane, replace_lane
		r.skip(1)
	}
}

// functionCode is a function's entry in the code section.
type functionCode struct {
	reader
	globals    uint32 // that the module has
	step, poll []byte // instructions to put in
}

// rewrite appends the entry with steps and polls to out. It returns nil if that
// has more than limit bytes, or the function too many local variables.
func (f *functionCode) rewrite(out []byte, limit int) []byte {
	locals := uint64(0)
	f.items(func() {
		locals += uint64(f.u32())
		f.valueType()
	})
	if locals > maxLocals {
		return nil
	}
	if f.isShort() {
		return append(out, f.b...)
	}
	out = append(append(out, f.b[:f.pos]...), f.step...)
	last := f.pos // where the last step was put
	for f.more() && len(out) <= limit {
		from := f.pos
		op, long := f.instruction()
		if op == opCall || op == opCallIndirect {
			last -= callBytes // for what it calls, if that is short
		}
		switch {
		case long:
			out, last = append(out, f.poll...), from
		case f.pos-last > straightStep:
			out, last = append(out, f.step...), from
		}
		out = append(out, f.b[from:f.pos]...)
		if op == opLoop {
			out, last = append(out, f.step...), f.pos
		}
	}
	if len(out) > limit {
		return nil
	}
	return out
}

// isShort reads the code of a function ahead, and reports whether it ends soon
// whatever it does: it has little code, no loop, no call, and no instruction that
// takes long. Such functions, which field arithmetic is made of, have no steps of
// their own; their callers count more for a call.
func (f *functionCode) isShort() bool {
	ahead := *f
	if len(ahead.b) > shortBytes {
		return false
	}
	for ahead.more() {
		switch op, long := ahead.instruction(); {
		case long, op == opLoop, op == opCall, op == opCallIndirect, op == opMemoryGrow:
			return false
		}
	}
	return !ahead.bad
}

// instruction reads one, and tells whether its operands decide how long it
// takes.
func (f *functionCode) instruction() (op byte, long bool) {
	switch op = f.byte(); op {
	case opGlobalGet, opGlobalSet:
		if f.u32() >= f.globals { // one of those that are added
			f.bad = true
		}
	case opMisc:
		long = f.misc()
	case opVector:
		f.vector()
	default:
		f.immediates(op)
	}
	return op, long
}
