package compiler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// hostModule is the name that all of the module's imports are under.
const hostModule = "wbg"

// host is the outside world of one instance of the module.
type host struct {
	heap    *heap
	panics  strings.Builder // what the compiler printed before it gave up
	program io.Writer       // takes the bytes of the compiled program
}

// call is one call of a host function. A function that fails panics with an
// error, which becomes the error of the call into the module.
type call struct {
	*host
	ctx    context.Context
	module api.Module
	args   []uint32
}

// functions are the imports that compiling needs. The hashes in their names
// belong to the one version of the package that Prepare accepts.
var functions = map[string]func(c *call) uint32{
	"__wbindgen_object_drop_ref": func(c *call) uint32 { c.heap.take(c.args[0]); return 0 },
	"__wbindgen_is_null":         func(c *call) uint32 { return flag(c.heap.at(c.args[0]) == null{}) },
	"__wbindgen_is_undefined":    func(c *call) uint32 { return flag(c.heap.at(c.args[0]) == nil) },
	"__wbindgen_json_parse":      func(c *call) uint32 { return c.heap.add(jsonText(c.text(0))) },
	"__wbindgen_json_serialize":  serialize,
	"__wbindgen_string_new":      func(c *call) uint32 { return c.heap.add(c.text(0)) },
	"__wbindgen_string_get":      stringGet,

	"__wbg_new_693216e109162396":   func(c *call) uint32 { return c.heap.add(hostError{}) },
	"__wbg_stack_0ddaca5d1abfb52f": func(c *call) uint32 { c.giveString(""); return 0 },
	"__wbg_error_09919627ac0992f5": printError,
	"__wbg_call_8e1338b908441bd2":  resolveImport,
	"__wbindgen_throw":             func(c *call) uint32 { panic(fmt.Errorf("the compiler threw %q", c.text(0))) },

	"__wbindgen_memory":             func(c *call) uint32 { return c.heap.add(buffer{}) },
	"__wbg_buffer_de1150f91b23aa89": func(c *call) uint32 { return c.heap.add(buffer{}) },
	"__wbg_length_e09c0b925ab8de5d": length,
	"__wbg_set_a0172b213e2469e9":    setArray,
	"__wbg_newwithlength_e833b89f9db02732": func(c *call) uint32 {
		return c.heap.add(&stream{len: c.args[0]})
	},
	"__wbg_newwithbyteoffsetandlength_9ca61320599a2c84": func(c *call) uint32 {
		return c.heap.add(view{c.args[1], c.args[2]})
	},
}

// instantiate gives the runtime all functions that the module imports. Those
// that only other uses of the module need refuse to be called.
func (h *host) instantiate(ctx context.Context, r wazero.Runtime, imports []api.FunctionDefinition) error {
	builder := r.NewHostModuleBuilder(hostModule)
	for _, def := range imports {
		module, name, _ := def.Import()
		f := functions[name]
		if f == nil {
			f = func(*call) uint32 { panic(fmt.Errorf("the compiler called %s", name)) }
		}
		if module != hostModule {
			return fmt.Errorf("the module imports %s from %s", name, module)
		}
		params, results := len(def.ParamTypes()), len(def.ResultTypes())
		builder.NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(ctx context.Context, m api.Module, stack []uint64) {
			args := make([]uint32, params)
			for i := range args {
				args[i] = uint32(stack[i]) // the upper half is undefined
			}
			result := f(&call{host: h, ctx: ctx, module: m, args: args})
			if results > 0 {
				stack[0] = uint64(result)
			}
		}), def.ParamTypes(), def.ResultTypes()).Export(name)
	}
	_, err := builder.Instantiate(ctx)
	return err
}

func flag(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// bytes returns a part of the module's memory, valid until it is next called.
func (c *call) bytes(ptr, n uint32) []byte {
	b, ok := c.module.Memory().Read(ptr, n)
	if !ok {
		panic(errors.New("the compiler passed an address outside its memory"))
	}
	return b
}

// text copies the string whose address and length are the arguments from i on.
func (c *call) text(i int) string { return string(c.bytes(c.args[i], c.args[i+1])) }

// giveString stores a copy of s in the module's memory, and its address and
// length where the first argument points to.
func (c *call) giveString(s string) {
	ptr, err := invoke(c.ctx, c.module, "__wbindgen_malloc", uint32(len(s)))
	if err != nil {
		panic(err)
	}
	copy(c.bytes(ptr, uint32(len(s))), s)
	c.give(ptr, uint32(len(s)))
}

func (c *call) give(ptr, n uint32) {
	if m := c.module.Memory(); !m.WriteUint32Le(c.args[0], ptr) || !m.WriteUint32Le(c.args[0]+4, n) {
		panic(errors.New("the compiler passed an address outside its memory"))
	}
}

func serialize(c *call) uint32 {
	switch v := c.heap.at(c.args[1]).(type) {
	case jsonText:
		c.giveString(string(v))
	case string:
		text, err := encodeJSON(v)
		if err != nil {
			panic(err)
		}
		c.giveString(string(text))
	case nil, null:
		c.giveString("null")
	default:
		panic(fmt.Errorf("the compiler asked for the JSON of a %T", v))
	}
	return 0
}

// encodeJSON is json.Marshal that leaves <, > and & as they are.
func encodeJSON(v any) (jsonText, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return jsonText(strings.TrimSuffix(b.String(), "\n")), err
}

func stringGet(c *call) uint32 {
	if s, ok := c.heap.at(c.args[1]).(string); ok {
		c.giveString(s)
	} else {
		c.give(0, 0)
	}
	return 0
}

// printError takes the text of a Rust panic, which the module then frees.
func printError(c *call) uint32 {
	c.panics.WriteString(c.text(0))
	if _, err := invoke(c.ctx, c.module, "__wbindgen_free", c.args[0], c.args[1]); err != nil {
		panic(err)
	}
	return 0
}

// resolveImport calls the resolver with the importing file's location and the
// import's text. Its failure is thrown inside the module, which forgets why.
func resolveImport(c *call) uint32 {
	f, ok := c.heap.at(c.args[0]).(callback)
	from, _ := c.heap.at(c.args[2]).(string)
	name, _ := c.heap.at(c.args[3]).(string)
	if !ok {
		panic(errors.New("the compiler called something else than the resolver"))
	}
	found, err := f(from, name)
	if err == nil {
		return c.heap.add(found)
	}
	if _, err := invoke(c.ctx, c.module, "__wbindgen_exn_store", c.heap.add(hostError{err.Error()})); err != nil {
		panic(err)
	}
	return 0
}
