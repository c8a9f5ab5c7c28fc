package zokrates

import (
	"context"
	"encoding/json"
	"math"

	"provery/internal/curve"
	"provery/internal/r1cs"
)

// The operations of the step stream: the low bits of a word. The rest of the
// word is the operation's argument.
const (
	opCheck     = iota // argument: number of constraints to check
	opAssign           // argument: place in z that the next constraint defines
	opDirective        // argument: solver; then counts of inputs and outputs, two rows for each input, the outputs' places
	opLog              // argument: log statement; then the count of its rows, the rows
	opBits      = 2
	opMask      = 1<<opBits - 1
)

// auxiliary marks a row of the auxiliary pool in the step stream.
const auxiliary = 1 << 31

// compiler turns the statements of a program into matrices and steps.
type compiler struct {
	*decoder
	params     *curve.Params
	variables  *variables
	pool       *r1cs.Pool
	solvers    *solverTable
	failures   *failureBuilder
	a, b, c    []uint32
	steps      []uint32
	logs       []logStatement
	directives int
	checks     int // index in steps of the current run of checks, or -1

	left, right, lin r1cs.Combination // scratch of the statement being read
	inputs, outputs  []uint32
}

var statementNames = []string{"Constraint", "Directive", "Log"}

// run reads all statements.
func (c *compiler) run(ctx context.Context) error {
	c.checks = -1
	for n := 0; c.err == nil && !c.done(); n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		v := c.variant(statementNames)
		c.newtype(v)
		switch v.index {
		case 0:
			c.constraint()
		case 1:
			c.directive()
		case 2:
			c.log()
		default:
			c.fail("unknown statement")
		}
		c.endVariant(v)
		if max(len(c.steps), len(c.variables.ids), len(c.a), len(c.failures.table.texts.bytes)) > maxIndex {
			c.fail("program is too large")
		}
	}
	return c.err
}

var (
	constraintFields  = allOf("constraint", "quad", "lin", "error")
	quadraticFields   = allOf("quadratic combination", "left", "right")
	combinationFields = allOf("linear combination", "value")
	directiveFields   = allOf("directive", "inputs", "outputs", "solver")
)

// constraint reads left·right = lin. The constraint defines the variable of
// lin if that is a single one with coefficient 1 and without a value so far.
func (c *compiler) constraint() {
	var why description
	c.structure(&constraintFields, func(field int) {
		switch field {
		case 0:
			c.quadratic()
		case 1:
			c.combination(&c.lin)
		case 2:
			why = readDescription(c.decoder)
		}
	})
	if c.err != nil {
		return
	}
	for _, lc := range []*r1cs.Combination{&c.left, &c.right, &c.lin} {
		for _, slot := range lc.Columns {
			if err := c.variables.place(slot); err != nil {
				c.failWith(err)
				return
			}
		}
	}
	defines := len(c.lin.Columns) == 1 && c.lin.Terms[0] == r1cs.CoefOne && !c.variables.assigned[c.lin.Columns[0]]
	slot := uint32(0)
	if defines {
		slot = c.lin.Columns[0]
	} else {
		c.mustBeAssigned(&c.lin)
	}
	c.a = append(c.a, c.row(&c.left))
	c.b = append(c.b, c.row(&c.right))
	if defines {
		c.variables.assigned[slot] = true
		c.emit(opAssign, slot)
	} else if c.checks >= 0 {
		c.steps[c.checks] += 1 << opBits
	} else {
		c.checks = len(c.steps)
		c.steps = append(c.steps, opCheck|1<<opBits)
	}
	c.c = append(c.c, c.row(&c.lin))
	c.failures.add(why)
}

// emit appends an operation and ends the current run of checks.
func (c *compiler) emit(op, argument uint32) {
	c.checks = -1
	c.steps = append(c.steps, op|argument<<opBits)
}

// row returns the pool's row for a combination whose variables have values.
func (c *compiler) row(lc *r1cs.Combination) uint32 {
	c.mustBeAssigned(lc)
	if c.pool.Full(lc) {
		c.fail("program is too large")
	}
	if c.err != nil {
		return 0
	}
	return c.pool.Add(lc)
}

func (c *compiler) mustBeAssigned(lc *r1cs.Combination) {
	for _, slot := range lc.Columns {
		if !c.variables.assigned[slot] {
			c.fail("statement reads variable %d, which has no value at this point", c.variables.ids[slot])
			return
		}
	}
}

func (c *compiler) quadratic() {
	c.structure(&quadraticFields, func(field int) {
		c.combination([2]*r1cs.Combination{&c.left, &c.right}[field])
	})
}

func (c *compiler) combination(lc *r1cs.Combination) {
	lc.Reset()
	c.structure(&combinationFields, func(int) {
		it := c.array()
		for c.more(&it) {
			if !c.fastTerm(lc) {
				c.term(lc)
			}
		}
	})
}

// term reads [variable, coefficient].
func (c *compiler) term(lc *r1cs.Combination) {
	it := c.array()
	if !c.more(&it) {
		c.fail("term without a variable")
		return
	}
	id := readVariable(c.decoder)
	if !c.more(&it) {
		c.fail("term without a coefficient")
		return
	}
	c.append(lc, id, c.bytes())
	if c.more(&it) {
		c.fail("term of more than two items")
	}
}

func (c *compiler) append(lc *r1cs.Combination, id int32, value []byte) {
	if c.err == nil && len(value) != c.params.ScalarBytes {
		c.fail("coefficient of %d bytes", len(value))
	}
	if c.err != nil {
		return
	}
	coef, ok := c.pool.Coefs.Number(value)
	if !ok {
		c.fail("coefficient isn't below the modulus")
		return
	}
	lc.Columns = append(lc.Columns, c.variables.slot(id))
	lc.Terms = append(lc.Terms, coef)
}

// termPrefix is how the compiler writes a term up to the variable's number:
// an array of two with a map of one entry, "id".
const termPrefix = "\x82\xa1\x62id"

// fastTerm reads a term in the compiler's own form. It reads nothing and
// returns false if the next bytes aren't in that form.
func (c *compiler) fastTerm(lc *r1cs.Combination) bool {
	size := c.params.ScalarBytes
	longest := len(termPrefix) + 5 + 2 + size
	if c.end-c.pos < longest && (c.remaining() < int64(longest) || !c.refill(longest)) {
		return false
	}
	b := c.window[c.pos : c.pos+longest]
	if string(b[:len(termPrefix)]) != termPrefix {
		return false
	}
	i := len(termPrefix)
	head := b[i]
	n, info := uint32(head&31), head&31
	i++
	switch {
	case info < 24:
	case info == 24:
		n = uint32(b[i])
		i++
	case info == 25:
		n = uint32(b[i])<<8 | uint32(b[i+1])
		i += 2
	case info == 26:
		n = uint32(b[i])<<24 | uint32(b[i+1])<<16 | uint32(b[i+2])<<8 | uint32(b[i+3])
		i += 4
	default:
		return false
	}
	if head>>5 > majorNegative || n >= math.MaxInt32 || b[i] != majorBytes<<5|24 || int(b[i+1]) != size {
		return false
	}
	id := int32(n)
	if head>>5 == majorNegative {
		id = -1 - id
	}
	value := b[i+2 : i+2+size]
	c.pos += i + 2 + size
	c.append(lc, id, value)
	return true
}

// directive reads a solver's call.
func (c *compiler) directive() {
	c.inputs, c.outputs = c.inputs[:0], c.outputs[:0]
	number := uint32(0)
	c.structure(&directiveFields, func(field int) {
		it := items{}
		if field < 2 {
			it = c.array()
		}
		switch field {
		case 0:
			for c.more(&it) {
				c.quadratic()
				c.inputs = append(c.inputs, c.row(&c.left), c.row(&c.right))
			}
		case 1:
			for c.more(&it) {
				c.outputs = append(c.outputs, c.variables.slot(readVariable(c.decoder)))
			}
		case 2:
			number = c.solvers.read(c.decoder)
		}
	})
	if c.err != nil {
		return
	}
	in, out := c.solvers.list[number].signature()
	if 2*in != len(c.inputs) || out != len(c.outputs) {
		c.fail("directive of %d inputs and %d outputs for a solver of %d and %d", len(c.inputs)/2, len(c.outputs), in, out)
		return
	}
	for _, slot := range c.outputs {
		if c.variables.assigned[slot] {
			c.fail("directive assigns variable %d, which has a value", c.variables.ids[slot])
			return
		}
		c.variables.assigned[slot] = true
	}
	c.directives++
	c.emit(opDirective, number)
	c.steps = append(c.steps, uint32(in), uint32(out))
	c.steps = append(c.steps, c.inputs...)
	c.steps = append(c.steps, c.outputs...)
}

// logStatement is a log statement: its values stand between its parts.
type logStatement struct {
	Parts []string          `json:"parts"`
	Types []json.RawMessage `json:"types"` // of the values, as in an ABI
}
