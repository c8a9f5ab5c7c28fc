package compiler

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"provery/internal/fault"
	"provery/internal/frontend/hosting"
)

const (
	// stackSize replaces the module's own stack of 8 MiB, which ends after
	// some hundred nested operations.
	stackSize = 64 << 20
	// canarySize is how much of the stack's end shows that it was left.
	canarySize = 1 << 20
	canary     = 0xa5
)

// instance is the module, loaded, with a fresh memory.
type instance struct {
	host   *host
	module api.Module
	memory int64  // the most it may have, in bytes
	stack  uint32 // address of the stack's end
}

// instantiate starts the module and gives it a larger stack. There is one
// instance at a time.
func instantiate(ctx context.Context, c *hosting.Loaded) (*instance, error) {
	h := &host{heap: newHeap()}
	if err := h.instantiate(ctx, c.Runtime, c.Module.ImportedFunctions()); err != nil {
		return nil, err
	}
	module, err := c.Runtime.InstantiateModule(hosting.WithAllocator(ctx), c.Module, wazero.NewModuleConfig().WithName("").WithStartFunctions("__wbindgen_start"))
	if err != nil {
		return nil, err
	}
	in := &instance{host: h, module: module, memory: c.Memory}
	return in, in.moveStack(ctx)
}

func (in *instance) moveStack(ctx context.Context) error {
	end, err := invoke(ctx, in.module, "__wbindgen_malloc", stackSize)
	if err != nil {
		return err
	}
	guard, ok := in.module.Memory().Read(end, canarySize)
	if !ok {
		return errors.New("the module allocated a stack outside its memory")
	}
	for i := range guard {
		guard[i] = canary
	}
	top, err := invoke(ctx, in.module, "__wbindgen_add_to_stack_pointer", 0)
	if err != nil {
		return err
	}
	in.stack = end
	_, err = invoke(ctx, in.module, "__wbindgen_add_to_stack_pointer", (end+stackSize)&^15-top)
	return err
}

// stackLeft reports whether the stack grew beyond its end, into other data.
func (in *instance) stackLeft() bool {
	guard, ok := in.module.Memory().Read(in.stack, canarySize)
	return !ok || bytes.Count(guard, []byte{canary}) != canarySize
}

// invoke calls an exported function and returns its result, 0 if it has none.
// The function object is a fresh one each time: one object isn't reentrant, and
// host functions call back into the module.
func invoke(ctx context.Context, m api.Module, name string, args ...uint32) (uint32, error) {
	f := m.ExportedFunction(name)
	if f == nil {
		return 0, fmt.Errorf("the module has no function %s", name)
	}
	wide := make([]uint64, len(args))
	for i, a := range args {
		wide[i] = uint64(a)
	}
	results, err := f.Call(ctx, wide...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	if len(results) == 0 {
		return 0, nil
	}
	return uint32(results[0]), nil
}

// compile compiles, writes the program's bytes, and returns the ABI.
func (in *instance) compile(ctx context.Context, job *hosting.Job, r *resolver, program io.Writer) (jsonText, error) {
	result, thrown, err := in.callCompile(ctx, job, r)
	switch {
	case err != nil:
		return "", in.crashed(err)
	case in.stackLeft():
		return "", tooNested(nil)
	case thrown != "":
		return "", refused(thrown, r)
	}
	in.host.program = program
	if _, err := in.object(ctx, "compilationresult_program", result); err != nil {
		return "", in.crashed(err)
	}
	in.host.program = nil
	abi, err := in.object(ctx, "compilationresult_abi", result)
	if err != nil {
		return "", in.crashed(err)
	}
	return abi, nil
}

// callCompile returns the address of the result, or the text that the compiler
// threw.
func (in *instance) callCompile(ctx context.Context, job *hosting.Job, r *resolver) (result uint32, thrown string, err error) {
	config, err := encodeJSON(struct {
		SnarkJS bool `json:"snarkjs"`
		Debug   bool `json:"debug"`
	}{Debug: job.Debug})
	if err != nil {
		return 0, "", err
	}
	resolve := callback(func(from, name string) (jsonText, error) {
		source, location, err := r.resolve(from, name)
		if err != nil {
			return "", err
		}
		return encodeJSON(map[string]string{"source": source, "location": location})
	})
	out, err := invoke(ctx, in.module, "__wbindgen_add_to_stack_pointer", ^uint32(15)) // 16 down
	if err != nil {
		return 0, "", err
	}
	heap := in.host.heap
	_, err = invoke(ctx, in.module, "compile", out,
		heap.add(r.sources[job.Main]), heap.add(path.Base(job.Main)), heap.borrow(resolve), heap.add(config), heap.add(job.Curve))
	if err != nil {
		return 0, "", err
	}
	words, ok := in.module.Memory().Read(out, 12)
	if !ok {
		return 0, "", errors.New("the result lies outside the module's memory")
	}
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(words[4*i:]) }
	if word(2) == 0 {
		return word(0), "", nil
	}
	text, ok := heap.take(word(1)).(string)
	if !ok || text == "" {
		return 0, "", errors.New("the compiler threw something else than a text")
	}
	return 0, text, nil
}

// object calls an accessor of the result.
func (in *instance) object(ctx context.Context, name string, result uint32) (jsonText, error) {
	i, err := invoke(ctx, in.module, name, result)
	if err != nil {
		return "", err
	}
	text, _ := in.host.heap.take(i).(jsonText)
	return text, nil
}

// crashed says what ended the module. A Rust panic has printed its text before
// the trap; a trap of the same kind without a text is an allocation that failed.
func (in *instance) crashed(err error) error {
	text := err.Error()
	panicked, _, _ := strings.Cut(in.host.panics.String(), "\n\nStack:")
	switch {
	case panicked != "":
		_, reason, found := strings.Cut(panicked, "\n")
		if !found {
			reason = panicked
		}
		return &fault.Error{
			Code:   fault.InvalidArtifact,
			Detail: "the compiler failed: " + hosting.Shorten(reason),
			Err:    fmt.Errorf("%s: %w", panicked, err),
		}
	case in.stackLeft(), strings.Contains(text, "stack overflow"):
		return tooNested(err)
	case strings.Contains(text, "unreachable"):
		return outOfMemory(in.memory, err)
	}
	return err
}

func tooNested(cause error) error {
	return &fault.Error{
		Code:   fault.Unsupported,
		Detail: "the compiler ran out of stack: an expression, a call or a type is nested too deeply",
		Err:    cause,
	}
}

// outOfMemory says what the limit means for ZoKrates programs.
func outOfMemory(limit int64, cause error) error {
	const per4GiB = 200_000 // constraints of hashes and signatures; sparse ones are more
	return hosting.OutOfMemory(limit, fmt.Sprintf("it needs 6 to 9 times the size of the compiled program, enough for about %d constraints of hashes and signatures",
		limit*per4GiB/hosting.MemoryMost), cause)
}
