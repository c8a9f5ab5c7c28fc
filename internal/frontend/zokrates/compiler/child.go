package compiler

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"runtime"
	"runtime/debug"
)

// childHeap is how much Go's own heap in the child may take once the module is
// loaded: the request, and what the host functions pass on.
const childHeap = 512 << 20

// Child is the main function of the process that compiles: it reads one
// request from stdin, compiles it, writes the response to stdout and returns.
// Source that doesn't compile is a response, not an error. When stdin ends
// before that, the process that asked is gone, and Child ends its own process.
func Child(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	h, sources, err := readRequest(stdin)
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		os.Exit(1) // without a word: there is nobody to hear it
	}()
	if err := limitMemory(h.Memory); err != nil {
		return err
	}
	return serve(ctx, h, sources, stdout)
}

// serve compiles and writes the response.
func serve(ctx context.Context, h header, sources map[string]string, stdout io.Writer) error {
	var answer reply
	out, err := compile(ctx, h, sources, stdout)
	if err == nil {
		answer.ABI, answer.Constraints, answer.Size = json.RawMessage(out.abi), out.constraints, out.size
	} else {
		answer.Failure = newFailure(err)
	}
	answer.Memory = peakMemory()
	text, err := encodeJSON(answer) // the ABI as it is
	if err != nil {
		return err
	}
	return writeFrame(stdout, frameReply, []byte(text))
}

// compile writes the program, and what stage it has come to, to stdout.
func compile(ctx context.Context, h header, sources map[string]string, stdout io.Writer) (*outcome, error) {
	in, err := start(ctx, h)
	if err != nil {
		return nil, err
	}
	if err := writeFrame(stdout, frameStage, []byte(StageCompile)); err != nil {
		return nil, err
	}
	return in.compile(ctx, h, newResolver(sources, h.Main, h.ImportDepth), &programWriter{w: stdout})
}

// start loads the module. It is never unloaded: the process ends soon.
func start(ctx context.Context, h header) (*instance, error) {
	wasm, err := readModule(h.Toolchain)
	if err != nil {
		return nil, err
	}
	c, err := load(ctx, h.Toolchain, wasm, h.Memory)
	if err != nil {
		return nil, err
	}
	in, err := c.instantiate(ctx)
	if err != nil {
		return nil, err
	}
	// The garbage collector waits for the module's code, which knows no safe
	// points, and everything waits for the collector: the goroutine that
	// notices an orphaned process too. So collect now, then no more unless
	// the heap grows large.
	wasm = nil
	debug.FreeOSMemory()
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(childHeap)
	runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0)))
	return in, nil
}
