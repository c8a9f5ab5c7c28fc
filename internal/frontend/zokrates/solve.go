package zokrates

import (
	"context"
	"math/big"

	"provery/internal/fault"
)

// scratch is the memory of a run that isn't part of its result.
type scratch[S any] struct {
	rows      []S // values of the pool's rows; those below run.done are valid; nil after a success
	auxiliary []S // likewise of the auxiliary rows
	inputs    []S
	outputs   []S
	trace     bitTrace
	integers  []*big.Int
}

// run is one execution of a program.
type run[S any] struct {
	*scratch[S]
	p          *program[S]
	z          []S
	done       int // rows evaluated
	doneAux    int
	constraint int
	tick       int
	t, u       S // temporaries; here, since locals would escape to the heap
	logs       bool
	logLines   []string
	logBytes   int
}

func (p *program[S]) newRun(z []S, logs bool) *run[S] {
	s, _ := p.scratch.Get().(*scratch[S])
	if s == nil {
		s = &scratch[S]{auxiliary: make([]S, p.code.auxiliary.NumRows())}
	}
	if s.rows == nil { // they went with the result of an earlier run
		s.rows = make([]S, p.system.Rows.NumRows())
	}
	return &run[S]{scratch: s, p: p, z: z, logs: logs}
}

// release overwrites the run's scratch, which held private values, and puts it
// back for another run.
func (p *program[S]) release(r *run[S]) {
	s := r.scratch
	clear(s.rows[:r.done])
	clear(s.auxiliary[:r.doneAux])
	clear(s.inputs[:cap(s.inputs)])
	clear(s.outputs[:cap(s.outputs)])
	clear(s.trace[:cap(s.trace)])
	for _, v := range s.integers {
		clear(v.Bits()[:cap(v.Bits())])
	}
	p.scratch.Put(s)
}

// ticksPerCheck is how many steps pass between two looks at the context. Most
// take about a tenth of a microsecond.
const (
	ticksPerCheck = 2048
	codePerTick   = 64 // bytes of a function that cost as much as a step
)

func (r *run[S]) canceled(ctx context.Context, steps int) error {
	if r.tick += steps; r.tick < ticksPerCheck {
		return nil
	}
	r.tick = 0
	return ctx.Err()
}

// steps executes the program.
func (r *run[S]) steps(ctx context.Context) error {
	for steps := r.p.code.steps; len(steps) > 0; {
		op, argument := steps[0]&opMask, steps[0]>>opBits
		steps = steps[1:]
		var err error
		cost := 1
		switch op {
		case opCheck:
			err = r.check(ctx, int(argument))
		case opAssign:
			r.assign(argument)
		case opDirective:
			in, out := int(steps[0]), int(steps[1])
			words := steps[2 : 2+2*in+out]
			steps = steps[2+2*in+out:]
			cost += len(r.p.solvers.list[argument].code) / codePerTick
			err = r.directive(argument, words[:2*in], words[2*in:])
		case opLog:
			rows := steps[1 : 1+steps[0]]
			steps = steps[1+steps[0]:]
			err = r.log(argument, rows)
		}
		if err != nil {
			return err
		}
		if err := r.canceled(ctx, cost); err != nil {
			return err
		}
	}
	return nil
}

// evaluate brings the pool's rows below limit to their values. Rows are
// numbered in the order in which steps read them.
func (r *run[S]) evaluate(limit int) {
	if r.done >= limit {
		return
	}
	r.p.field.Combine(r.rows[r.done:limit], &r.p.system.Rows, r.done, limit, r.p.table, r.z)
	r.done = limit
}

// row returns the value of a row that a directive or a log names.
func (r *run[S]) row(row uint32) *S {
	if row&auxiliary == 0 {
		r.evaluate(int(row) + 1)
		return &r.rows[row]
	}
	row &^= auxiliary
	if limit := int(row) + 1; r.doneAux < limit {
		r.p.field.Combine(r.scratch.auxiliary[r.doneAux:limit], &r.p.code.auxiliary, r.doneAux, limit, r.p.table, r.z)
		r.doneAux = limit
	}
	return &r.scratch.auxiliary[row]
}

// assign gives the variable at place the product of the next constraint.
func (r *run[S]) assign(place uint32) {
	s, i := r.p.system, r.constraint
	row := int(s.C[i])
	r.evaluate(row)
	v := &r.rows[row]
	r.p.field.Mul(v, &r.rows[s.A[i]], &r.rows[s.B[i]])
	r.z[place] = *v
	r.done = row + 1
	r.constraint++
}

// check verifies the next n constraints.
func (r *run[S]) check(ctx context.Context, n int) error {
	for n > 0 {
		part := min(n, ticksPerCheck)
		if err := r.checkPart(r.constraint, r.constraint+part); err != nil {
			return err
		}
		if err := r.canceled(ctx, part); err != nil {
			return err
		}
		r.constraint += part
		n -= part
	}
	return nil
}

func (r *run[S]) checkPart(lo, hi int) error {
	s, f := r.p.system, r.p.field
	limit := uint32(0)
	for i := lo; i < hi; i++ {
		limit = max(limit, s.A[i], s.B[i], s.C[i])
	}
	r.evaluate(int(limit) + 1)
	for i := lo; i < hi; i++ {
		f.Mul(&r.t, &r.rows[s.A[i]], &r.rows[s.B[i]])
		if !f.Equal(&r.t, &r.rows[s.C[i]]) {
			return r.p.unsatisfied(i)
		}
	}
	return nil
}

// unsatisfied describes the failure of constraint i.
func (c *code) unsatisfied(i int) error {
	why := c.failures.at(i)
	if why.kind == failureNone {
		return fault.New(fault.UnsatisfiedWitness, "constraint %d isn't satisfied", i)
	}
	return why.fault()
}

// takeRows returns the values of all rows, as a part of the run's result.
func (r *run[S]) takeRows() []S {
	r.evaluate(len(r.rows))
	rows := r.rows
	r.rows, r.done = nil, 0
	return rows
}

// log appends a line of text if logs are wanted.
func (r *run[S]) log(number uint32, rows []uint32) error {
	if !r.logs {
		return nil
	}
	if r.logBytes > maxLogOutput {
		return fault.New(fault.TooLarge, "log statements wrote more than %d bytes", maxLogOutput)
	}
	s := &r.p.code.logs[number]
	line := []byte(s.Parts[0])
	next := func() *big.Int {
		v := r.integer(0)
		r.p.field.Big(v, r.row(rows[0]))
		rows = rows[1:]
		return v
	}
	for i, ty := range r.p.logTypes[number] {
		var err error
		if line, err = ty.appendValue(line, next); err != nil {
			return fault.Wrap(err, fault.InvalidArtifact, "write log")
		}
		line = append(line, s.Parts[i+1]...)
	}
	r.logBytes += len(line)
	r.logLines = append(r.logLines, string(line))
	return nil
}

const maxLogOutput = 16 << 20 // bytes of all log lines of a run

// integer returns the i-th reusable integer.
func (r *run[S]) integer(i int) *big.Int {
	for len(r.integers) <= i {
		r.integers = append(r.integers, new(big.Int))
	}
	return r.integers[i]
}
