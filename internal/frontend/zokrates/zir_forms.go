package zokrates

// zirForm says how one operation is written: its name, the operation, and the
// types of its operands, where zirU8 stands for any unsigned integer.
type zirForm struct {
	name        string
	op          zirOp
	left, right zirType
}

// The first four forms of every type have shapes of their own; the rest are
// binary expressions, except for Not.
var zirForms = map[zirType][]zirForm{
	zirField: {
		{"Value", zirValue, 0, 0}, {"Identifier", zirIdentifier, 0, 0}, {"Select", zirSelect, 0, 0}, {"Conditional", zirConditional, 0, 0},
		{"Add", zirAdd, zirField, zirField}, {"Sub", zirSub, zirField, zirField}, {"Mult", zirMul, zirField, zirField},
		{"Div", zirDiv, zirField, zirField}, {"Pow", zirPow, zirField, zirU8},
		{"And", zirAnd, zirField, zirField}, {"Or", zirOr, zirField, zirField}, {"Xor", zirXor, zirField, zirField},
		{"LeftShift", zirLeftShift, zirField, zirU8}, {"RightShift", zirRightShift, zirField, zirU8},
	},
	zirBool: {
		{"Value", zirValue, 0, 0}, {"Identifier", zirIdentifier, 0, 0}, {"Select", zirSelect, 0, 0}, {"Conditional", zirConditional, 0, 0},
		{"FieldLt", zirLess, zirField, zirField}, {"FieldLe", zirLessEqual, zirField, zirField}, {"FieldEq", zirEqual, zirField, zirField},
		{"UintLt", zirLess, zirU8, zirU8}, {"UintLe", zirLessEqual, zirU8, zirU8}, {"UintEq", zirEqual, zirU8, zirU8},
		{"BoolEq", zirEqual, zirBool, zirBool}, {"And", zirAnd, zirBool, zirBool}, {"Or", zirOr, zirBool, zirBool},
		{"Not", zirNot, zirBool, zirBool},
	},
	zirU8: {
		{"Value", zirValue, 0, 0}, {"Identifier", zirIdentifier, 0, 0}, {"Select", zirSelect, 0, 0}, {"Conditional", zirConditional, 0, 0},
		{"Add", zirAdd, zirU8, zirU8}, {"Sub", zirSub, zirU8, zirU8}, {"Mult", zirMul, zirU8, zirU8},
		{"Div", zirDiv, zirU8, zirU8}, {"Rem", zirRem, zirU8, zirU8},
		{"And", zirAnd, zirU8, zirU8}, {"Or", zirOr, zirU8, zirU8}, {"Xor", zirXor, zirU8, zirU8},
		{"LeftShift", zirLeftShift, zirU8, zirU8}, {"RightShift", zirRightShift, zirU8, zirU8},
		{"Not", zirNot, zirU8, zirU8},
	},
}

var zirFormNames = func() map[zirType][]string {
	out := map[zirType][]string{}
	for ty, forms := range zirForms {
		for _, f := range forms {
			out[ty] = append(out[ty], f.name)
		}
	}
	return out
}()

var (
	zirFunctionFields   = allOf("solver", "arguments", "statements", "signature")
	zirArgumentFields   = allOf("solver argument", "id", "private")
	zirVariableFields   = allOf("solver variable", "id", "ty")
	zirSignatureFields  = fields{"solver signature", []string{"inputs", "outputs", "generics"}, 2}
	zirDefinitionFields = allOf("definition", "assignee", "rhs")
	zirIfElseFields     = allOf("if-else statement", "condition", "consequence", "alternative")
	zirAssertionFields  = allOf("assertion", "expression", "error")
	zirReturnFields     = allOf("return statement", "inner")
	zirLiteralFields    = allOf("literal", "value")
	zirIdentifierFields = fields{"identifier", []string{"id", "ty"}, 1}
	zirSelectFields     = allOf("select expression", "array", "index")
	zirBinaryFields     = fields{"binary expression", []string{"left", "right", "operator", "output"}, 2}
	zirUnaryFields      = fields{"unary expression", []string{"inner", "operator", "output"}, 1}
	zirConditionFields  = allOf("conditional expression", "condition", "consequence", "alternative")
	zirUintFields       = fields{"unsigned expression", []string{"bitwidth", "inner", "metadata"}, 2}
)
