package zokrates

var zirTaggedNames = []string{"FieldElement", "Boolean", "Uint"}

// readTagged reads an expression that tells its type, which must be want.
func (r *zirReader) readTagged(want zirType) zirExpr {
	v := r.variant(zirTaggedNames)
	if v.index < 0 || v.index != int(min(want, zirU8)) {
		r.fail("expression of another type than its place in a solver wants")
		return zirExpr{}
	}
	r.newtype(v)
	e := r.readExpr(want)
	r.endVariant(v)
	if r.err == nil && e.ty != want {
		r.fail("expression of another type than its place in a solver wants")
	}
	return e
}

// readExpr reads an expression of the type ty, where zirU8 and above stand
// for an unsigned integer of any width: the result tells which.
func (r *zirReader) readExpr(ty zirType) (e zirExpr) {
	if !r.enter() {
		return e
	}
	defer r.leave()
	if !ty.isUint() {
		e.ty = ty
		r.readOperation(&e)
		return e
	}
	known := false
	r.structure(&zirUintFields, func(field int) {
		if field == 0 {
			e.ty, known = r.readWidth(), true
			return
		}
		if !known {
			r.fail("unsigned expression names its width after its value")
			return
		}
		r.readOperation(&e)
	})
	return e
}

// readOperation reads the operation of e, whose type is set.
func (r *zirReader) readOperation(e *zirExpr) {
	family := min(e.ty, zirU8)
	v := r.variant(zirFormNames[family])
	if v.index < 0 {
		r.fail("unknown expression in a solver")
		return
	}
	r.newtype(v)
	form := zirForms[family][v.index]
	e.op = form.op
	switch form.op {
	case zirValue:
		r.literal(e)
	case zirIdentifier:
		r.readReference(e)
	case zirSelect:
		r.readSelect(e)
	case zirConditional:
		r.readConditional(e)
	case zirNot:
		e.args = make([]zirExpr, 1)
		r.structure(&zirUnaryFields, func(int) { e.args[0] = r.readExpr(e.ty) })
	default:
		e.args = make([]zirExpr, 2)
		r.structure(&zirBinaryFields, func(field int) {
			e.args[field] = r.readExpr([2]zirType{form.left, form.right}[field])
		})
	}
	r.endVariant(v)
	r.checkWidths(e, form)
}

// checkWidths fails unless unsigned operands have the widths that the
// operation wants.
func (r *zirReader) checkWidths(e *zirExpr, form zirForm) {
	if r.err != nil || form.left != zirU8 {
		return
	}
	left, right := e.args[0].ty, e.args[len(e.args)-1].ty
	shift := form.op == zirLeftShift || form.op == zirRightShift
	if e.ty.isUint() && left != e.ty || left != right && !shift {
		r.fail("unsigned operands of different widths")
	}
}

func (r *zirReader) readReference(e *zirExpr) {
	r.structure(&zirIdentifierFields, func(int) {
		slot, ok := r.slots[r.readIdentifier()]
		if r.err == nil && (!ok || r.f.variables[slot] != e.ty) {
			r.fail("solver reads a variable that isn't defined, or of another type")
			return
		}
		e.slot = slot
	})
}

func (r *zirReader) readSelect(e *zirExpr) {
	e.args = make([]zirExpr, 1)
	r.structure(&zirSelectFields, func(field int) {
		if field == 1 {
			e.args[0] = r.readExpr(zirU8)
			return
		}
		it := r.array()
		for r.more(&it) {
			e.args = append(e.args, r.readExpr(e.ty))
		}
	})
	r.checkAlternatives(e)
}

func (r *zirReader) readConditional(e *zirExpr) {
	e.args = make([]zirExpr, 3)
	r.structure(&zirConditionFields, func(field int) {
		e.args[field] = r.readExpr([3]zirType{zirBool, e.ty, e.ty}[field])
	})
	r.checkAlternatives(e)
}

func (r *zirReader) checkAlternatives(e *zirExpr) {
	for i := range e.args[1:] {
		if r.err == nil && e.args[1+i].ty != e.ty {
			r.fail("unsigned alternatives of different widths")
		}
	}
}
