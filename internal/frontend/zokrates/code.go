package zokrates

import (
	"encoding/json"

	"provery/internal/curve"
	"provery/internal/frontend"
	"provery/internal/r1cs"
)

// code is a compiled program in compact form, without what depends on the
// field's element type. Its arrays may be views into a mapped file.
type code struct {
	system *r1cs.System
	// places counts z's columns and, after them, the variables that occur
	// in no constraint.
	places int
	// ids are the variables' numbers in the program file, by place.
	ids []int32
	// parameters are the places of the arguments' leaves, in order.
	parameters []uint32
	outputs    int
	directives int
	// steps is the solver's instruction stream.
	steps []uint32
	// auxiliary holds the linear combinations of directives and logs that
	// read variables beyond the columns. The rest are in system's pool.
	auxiliary curve.Sparse
	solvers   *solverTable
	failures  failureTable
	logs      []logStatement
	logTypes  [][]*abiType
	abi       *abi
	abiJSON   json.RawMessage
	size      int64 // of the compact form
}

// statistics returns the program's counts.
func (c *code) statistics() frontend.Statistics {
	s := c.system
	return frontend.Statistics{
		Constraints:  s.NumConstraints(),
		Variables:    s.NumVariables,
		PublicInputs: s.NumPublic,
		Outputs:      c.outputs,
		Arguments:    len(c.parameters),
		Rows:         s.Rows.NumRows() + c.auxiliary.NumRows(),
		Terms:        s.Rows.NumTerms() + c.auxiliary.NumTerms(),
		Coefficients: len(s.Table) / max(c.solvers.params.ScalarBytes, 1),
		Directives:   c.directives,
		CompactBytes: c.size,
	}
}

// firstOutput returns the place of output 0; the others follow.
func (c *code) firstOutput() int { return c.system.NumPublic + 1 - c.outputs }

// prepare parses the types of log statements.
func (c *code) prepare() error {
	c.logTypes = make([][]*abiType, len(c.logs))
	for i, s := range c.logs {
		if len(s.Parts) != len(s.Types)+1 {
			return damaged("log statement is inconsistent")
		}
		for _, text := range s.Types {
			ty, err := parseType(text)
			if err != nil {
				return err
			}
			c.logTypes[i] = append(c.logTypes[i], ty)
		}
	}
	return nil
}

// validate checks everything that solving relies on: afterwards no index of c
// is out of range. system and failures have been checked already.
func (c *code) validate() error {
	s := c.system
	switch {
	case c.places < s.NumVariables || c.places > 2*maxIndex || len(c.ids) != c.places:
		return damaged("number of variables is inconsistent")
	case c.outputs < 0 || c.outputs > s.NumPublic:
		return damaged("number of outputs is inconsistent")
	case len(c.parameters) != c.abi.inputs.leaves || c.outputs != c.abi.output.leaves:
		return damaged("ABI doesn't match the program")
	}
	for _, p := range c.parameters {
		if int(p) >= s.NumVariables || p == 0 {
			return damaged("parameter is out of range")
		}
	}
	if err := c.validateAuxiliary(); err != nil {
		return err
	}
	return newStepChecker(c).run()
}

func (c *code) validateAuxiliary() error {
	m := &c.auxiliary
	if (m.Coef16 == nil) != (c.system.Rows.Coef16 == nil) || len(m.Coef16)+len(m.Coef32) != len(m.Columns) {
		return damaged("auxiliary rows have a wrong length")
	}
	if len(m.Start) == 0 || m.Start[0] != 0 || int(m.Start[len(m.Start)-1]) != len(m.Columns) {
		return damaged("auxiliary rows have a wrong length")
	}
	for i := 1; i < len(m.Start); i++ {
		if m.Start[i] < m.Start[i-1] {
			return damaged("auxiliary rows overlap")
		}
	}
	coefs := len(c.system.Table) / c.solvers.params.ScalarBytes
	for k, p := range m.Columns {
		if int(p) >= c.places || m.Coef(k) >= coefs {
			return damaged("auxiliary term is out of range")
		}
	}
	return nil
}

// stepChecker walks a step stream as the solver does.
type stepChecker struct {
	*code
	constraint int
	rows       uint32 // of the pool that are evaluated so far
	directives int
	err        error
}

func newStepChecker(c *code) *stepChecker { return &stepChecker{code: c} }

func (k *stepChecker) run() error {
	for steps := k.steps; len(steps) > 0 && k.err == nil; {
		argument := int(steps[0] >> opBits)
		op := steps[0] & opMask
		steps = steps[1:]
		switch op {
		case opCheck:
			k.check(argument)
		case opAssign:
			k.assign(argument)
		case opDirective:
			steps = k.directive(argument, steps)
		case opLog:
			steps = k.log(argument, steps)
		}
	}
	if k.err == nil && (k.constraint != k.system.NumConstraints() || k.directives != k.code.directives) {
		k.fail("steps don't cover the constraints")
	}
	return k.err
}

func (k *stepChecker) fail(text string) {
	if k.err == nil {
		k.err = damaged(text)
	}
}

func (k *stepChecker) check(n int) {
	if n == 0 || n > k.system.NumConstraints()-k.constraint {
		k.fail("steps have more constraints than the program")
		return
	}
	for i := k.constraint; i < k.constraint+n; i++ {
		k.rows = max(k.rows, k.system.A[i]+1, k.system.B[i]+1, k.system.C[i]+1)
	}
	k.constraint += n
}

// assign checks the order of rows on which the solver relies: that of the
// product is the first that isn't evaluated, once its factors are.
func (k *stepChecker) assign(place int) {
	if k.constraint >= k.system.NumConstraints() || place >= k.places {
		k.fail("steps assign out of range")
		return
	}
	i := k.constraint
	row := k.system.C[i]
	if row < k.rows || row <= k.system.A[i] || row <= k.system.B[i] {
		k.fail("steps are out of order")
	}
	k.rows = row + 1
	k.constraint++
}

// row checks a row of a directive or a log.
func (k *stepChecker) row(row uint32, evaluated bool) {
	switch {
	case row&auxiliary != 0:
		if int(row&^auxiliary) >= k.code.auxiliary.NumRows() {
			k.fail("step reads an auxiliary row out of range")
		}
	case int(row) >= k.system.Rows.NumRows():
		k.fail("step reads a row out of range")
	case evaluated:
		k.rows = max(k.rows, row+1)
	}
}

func (k *stepChecker) directive(number int, words []uint32) []uint32 {
	if number >= len(k.solvers.list) || len(words) < 2 {
		k.fail("directive is cut off, or its solver out of range")
		return nil
	}
	in, out := k.solvers.list[number].signature()
	if int(words[0]) != in || int(words[1]) != out || len(words)-2 < 2*in+out {
		k.fail("directive doesn't match its solver")
		return nil
	}
	words = words[2:]
	for _, row := range words[:2*in] {
		k.row(row, true)
	}
	for _, place := range words[2*in : 2*in+out] {
		if int(place) >= k.places {
			k.fail("directive assigns out of range")
		}
	}
	k.directives++
	return words[2*in+out:]
}

func (k *stepChecker) log(number int, words []uint32) []uint32 {
	if number >= len(k.logs) || len(words) == 0 || int(words[0]) > len(words)-1 {
		k.fail("log statement is cut off or out of range")
		return nil
	}
	leaves := 0
	for _, ty := range k.logTypes[number] {
		leaves += ty.leaves
	}
	if leaves != int(words[0]) {
		k.fail("log statement doesn't match its types")
		return nil
	}
	for _, row := range words[1 : 1+leaves] {
		k.row(row, false)
	}
	return words[1+leaves:]
}
