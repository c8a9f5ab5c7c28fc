package wasmcode

// Bytes of the binary format that its users look for or write.
const (
	OpUnreachable  = 0x00
	OpBlock        = 0x02
	OpLoop         = 0x03
	OpIf           = 0x04
	OpElse         = 0x05
	OpEnd          = 0x0b
	OpBr           = 0x0c
	OpBrIf         = 0x0d
	OpBrTable      = 0x0e
	OpReturn       = 0x0f
	OpCall         = 0x10
	OpCallIndirect = 0x11
	OpDrop         = 0x1a
	OpLocalGet     = 0x20
	OpGlobalGet    = 0x23
	OpGlobalSet    = 0x24
	OpTableGet     = 0x25
	OpTableSet     = 0x26
	OpMemoryGrow   = 0x40
	OpI32Const     = 0x41
	OpI32Eqz       = 0x45
	OpI32Sub       = 0x6b
	OpRefFunc      = 0xd2
	OpMisc         = 0xfc
	OpVector       = 0xfd

	MiscTableGrow = 15 // behind OpMisc

	TypeNone        = 0x40 // of a block
	TypeI32         = 0x7f
	TypeFunctionRef = 0x70
	TypeFunction    = 0x60 // of an entry of the type section

	KindFunction = 0 // of an import or export
	KindGlobal   = 3
)

// Instruction is one instruction of a function.
type Instruction struct {
	Op    byte   // the first byte
	Index uint32 // of call, ref.func, global.get and global.set
	Misc  uint32 // what follows OpMisc
	// Long says that the operands decide how long it takes.
	Long bool
}

// Instruction reads one.
func (r *Reader) Instruction() Instruction {
	i := Instruction{Op: r.Byte()}
	switch i.Op {
	case OpCall, OpRefFunc, OpGlobalGet, OpGlobalSet:
		i.Index = r.U32()
	case OpMisc:
		i.Misc, i.Long = r.misc()
	case OpVector:
		r.vector()
	default:
		r.immediates(i.Op)
	}
	return i
}

// immediates reads what follows an opcode, except for those with a prefix.
func (r *Reader) immediates(op byte) {
	switch {
	case op <= 0x01, op == 0x05, op == OpEnd, op == 0x0f, op == OpDrop, op == 0x1b, op == 0xd1,
		op >= OpI32Eqz && op <= 0xc4:
	case op >= 0x02 && op <= OpIf:
		r.blockType()
	case op == 0x0c, op == 0x0d, op == OpCall, op >= 0x20 && op <= 0x26, op == 0xd2:
		r.U32()
	case op == 0x0e: // br_table
		r.Items(r.Index)
		r.U32()
	case op == 0x11: // call_indirect
		r.U32()
		r.U32()
	case op == 0x1c: // select with a type
		r.one(1)
		r.ValueType()
	case op >= 0x28 && op <= 0x3e: // loads and stores
		r.U32()
		r.U32()
	case op == 0x3f, op == OpMemoryGrow:
		r.one(0)
	case op == OpI32Const:
		r.signed(5)
	case op == 0x42:
		r.signed(10)
	case op == 0x43:
		r.Skip(4)
	case op == 0x44:
		r.Skip(8)
	case op == 0xd0: // ref.null
		r.one(0x70, 0x6f)
	default:
		r.Bad = true
	}
}

// blockType reads the type of a block: an index, or the code of none or of one
// result's type, all as one signed number.
func (r *Reader) blockType() {
	switch v := r.signed(5); {
	case v >= 0, v == -64, v >= -5, v == -16, v == -17:
	default:
		r.Bad = true
	}
}

// misc reads what follows the prefix of conversions and of instructions on
// whole ranges. It returns which it is, and whether it is one of the latter.
func (r *Reader) misc() (op uint32, long bool) {
	switch op = r.U32(); op {
	case 0, 1, 2, 3, 4, 5, 6, 7: // saturating conversions
		return op, false
	case 8: // memory.init
		r.U32()
		r.one(0)
	case 10: // memory.copy
		r.one(0)
		r.one(0)
	case 11: // memory.fill
		r.one(0)
	case 12, 14: // table.init, table.copy
		r.U32()
		r.U32()
	case 9, 13, 15, 16, 17: // data.drop, elem.drop, table.grow, table.size, table.fill
		r.U32()
	default:
		r.Bad = true
	}
	return op, true
}

// vector reads what follows the prefix of vector instructions. wazero takes one
// byte as the opcode and reads the second one, which is 1 in every opcode that
// has two, as a nop; anything else in its place is an instruction.
func (r *Reader) vector() {
	switch op := r.Byte(); {
	case op >= 0x80:
		if r.More() && r.Bytes[r.Pos] == 1 {
			r.Pos++
		}
	case op <= 0x0b, op == 0x5c, op == 0x5d: // loads and stores
		r.U32()
		r.U32()
	case op >= 0x54 && op <= 0x5b: // loads and stores of lanes
		r.U32()
		r.U32()
		r.Skip(1)
	case op == 0x0c, op == 0x0d: // const, shuffle
		r.Skip(16)
	case op >= 0x15 && op <= 0x22: // extract_lane, replace_lane
		r.Skip(1)
	}
}
