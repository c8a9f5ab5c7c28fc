package compiler

import (
	"errors"
	"fmt"
)

// The functions of this file are JavaScript's Uint8Array, as far as the module
// uses it: to hand out the compiled program.

func length(c *call) uint32 {
	switch v := c.heap.at(c.args[0]).(type) {
	case view:
		return v.len
	case *stream:
		return v.len
	}
	panic(errors.New("the compiler asked for the length of something else than bytes"))
}

// setArray appends a part of memory to an array. The program is the only one
// that the compiler fills; so that it isn't held twice, its bytes go straight to
// their destination.
func setArray(c *call) uint32 {
	s, ok := c.heap.at(c.args[0]).(*stream)
	v, ok2 := c.heap.at(c.args[1]).(view)
	if !ok || !ok2 || c.program == nil || c.args[2] != s.written || v.len > s.len-s.written {
		panic(errors.New("the compiler filled an array in an unexpected way"))
	}
	if _, err := c.program.Write(c.bytes(v.ptr, v.len)); err != nil {
		panic(fmt.Errorf("write the program: %w", err))
	}
	s.written += v.len
	return 0
}
