package zokrates

import "math/big"

// A Zir solver is a small function that the compiler makes of the right-hand
// side of an assembly assignment (c <-- expression). The types here are its
// syntax tree; zir_read.go reads it, zir_eval.go runs it.

// zirType is the type of an expression or a variable.
type zirType uint8

const (
	zirField zirType = iota
	zirBool
	zirU8
	zirU16
	zirU32
	zirU64
)

// bits returns the width of an unsigned integer type.
func (t zirType) bits() uint { return 8 << (t - zirU8) }

// mask returns the largest value of an unsigned integer type.
func (t zirType) mask() uint64 { return ^uint64(0) >> (64 - t.bits()) }

func (t zirType) isUint() bool { return t >= zirU8 }

// zirOp is an operation. What it computes with is told by the type of its
// first operand.
type zirOp uint8

const (
	zirValue zirOp = iota
	zirIdentifier
	zirSelect      // args: index, then the elements
	zirConditional // args: condition, consequence, alternative
	zirNot
	zirAdd
	zirSub
	zirMul
	zirDiv
	zirRem
	zirPow
	zirAnd
	zirOr
	zirXor
	zirLeftShift
	zirRightShift
	zirLess
	zirLessEqual
	zirEqual
)

// zirExpr is an expression.
type zirExpr struct {
	op    zirOp
	ty    zirType
	slot  int      // zirIdentifier: index of the variable
	word  uint64   // zirValue of a boolean or unsigned integer
	field *big.Int // zirValue of a field element
	args  []zirExpr
}

// zirStatementKind tells the statements apart.
type zirStatementKind uint8

const (
	zirDefinition zirStatementKind = iota
	zirIfElse
	zirAssertion
	zirReturn
)

// zirStatement is a statement.
type zirStatement struct {
	kind        zirStatementKind
	slot        int         // zirDefinition: the variable
	expr        zirExpr     // definition's value, condition, or asserted expression
	failure     description // zirAssertion: what its failure means
	consequence []zirStatement
	alternative []zirStatement
	results     []zirExpr // zirReturn
}

// zirFunction is a whole solver. Its variables are numbered: the arguments
// come first.
type zirFunction struct {
	arguments  []zirType
	variables  []zirType // of all variables, arguments included
	outputs    int
	statements []zirStatement
}
