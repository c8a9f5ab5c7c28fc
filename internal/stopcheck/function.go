package stopcheck

import "provery/internal/wasmcode"

// functionCode is a function's entry in the code section.
type functionCode struct {
	wasmcode.Reader
	globals    uint32 // that the module has
	step, poll []byte // instructions to put in
	// callee returns the bytes of code that a call of a function counts for.
	callee func(index uint32) int

	locals uint64
	blocks uint64 // of the entry as it was read or written
}

// rewrite appends the entry with steps and polls to out. It returns nil if that
// has more than limit bytes, or the function too many local variables.
func (f *functionCode) rewrite(out []byte, limit int) []byte {
	f.readLocals()
	if f.locals > maxLocals {
		return nil
	}
	if f.isShort() {
		return append(out, f.Bytes...)
	}
	f.blocks = 1
	out = append(append(out, f.Bytes[:f.Pos]...), f.step...)
	last := f.Pos // where the last step was put
	for f.More() && len(out) <= limit {
		from := f.Pos
		i := f.instruction()
		switch i.Op { // for what it calls, if that is short
		case wasmcode.OpCall:
			last -= f.callee(i.Index)
		case wasmcode.OpCallIndirect:
			last -= callBytes
		}
		switch {
		case i.Long:
			out, last = append(out, f.poll...), from
		case f.Pos-last > straightStep:
			out, last = append(out, f.step...), from
			f.blocks++
		}
		out = append(out, f.Bytes[from:f.Pos]...)
		f.count(i)
		if i.Op == wasmcode.OpLoop {
			out, last = append(out, f.step...), f.Pos
			f.blocks++
		}
	}
	if len(out) > limit {
		return nil
	}
	return out
}

// readLocals reads the declarations of local variables.
func (f *functionCode) readLocals() {
	f.Items(func() {
		f.locals += uint64(f.U32())
		f.ValueType()
	})
}

// count counts an instruction that begins a block, or divides one.
func (f *functionCode) count(i wasmcode.Instruction) {
	switch i.Op {
	case wasmcode.OpBlock, wasmcode.OpLoop, wasmcode.OpIf, wasmcode.OpElse, wasmcode.OpBr, wasmcode.OpBrIf, wasmcode.OpBrTable, wasmcode.OpReturn:
		f.blocks++
	}
}

// work estimates what wazero's translation takes, which grows with the square of
// the blocks, and with what the variables hold in each.
func (f *functionCode) work() uint64 { return f.blocks * (f.blocks + 32*f.locals) }

// isShort reads the code of a function ahead, and reports whether it ends soon
// whatever it does: it has little code, no loop, no call, and no instruction that
// takes long. Such functions, which field arithmetic is made of, have no steps of
// their own; their callers count more for a call.
func (f *functionCode) isShort() bool {
	ahead := *f
	if len(ahead.Bytes) > shortBytes {
		return false
	}
	for ahead.More() {
		i := ahead.instruction()
		if i.Long {
			return false
		}
		ahead.count(i)
		switch i.Op {
		case wasmcode.OpLoop, wasmcode.OpCall, wasmcode.OpCallIndirect, wasmcode.OpMemoryGrow:
			return false
		}
	}
	f.blocks = ahead.blocks
	return !ahead.Bad
}

// instruction reads one.
func (f *functionCode) instruction() wasmcode.Instruction {
	i := f.Instruction()
	if (i.Op == wasmcode.OpGlobalGet || i.Op == wasmcode.OpGlobalSet) && i.Index >= f.globals { // one of those that are added
		f.Bad = true
	}
	if i.Op == wasmcode.OpMisc && i.Misc == wasmcode.MiscTableGrow { // beyond what tables may begin with
		f.Bad = true
	}
	return i
}
