package hosting

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"syscall"

	"provery/internal/fault"
)

// childHeap is how much Go's own heap in the child may take once the module is
// loaded: the request, and what the host functions pass on.
const childHeap = 512 << 20

// Child is the main function of the process that compiles: it reads one
// request from stdin, compiles it, writes the response to stdout and returns.
// Source that doesn't compile is a response, not an error. When stdin ends
// before that, the process that asked is gone, and Child ends its own process.
func Child(ctx context.Context, stdin io.Reader, stdout io.Writer, languages []Language) error {
	h, sources, err := readRequest(stdin)
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		os.Exit(1) // without a word: there is nobody to hear it
	}()
	if err := limitProcess(h.Job.Memory, h.Most); err != nil {
		return err
	}
	for _, l := range languages {
		if l.Name() == h.Language {
			return serve(ctx, l, &Job{header: h.Job, Sources: sources, out: stdout})
		}
	}
	return fmt.Errorf("no compiler for %q", h.Language)
}

// serve compiles and writes the response.
func serve(ctx context.Context, l Language, job *Job) error {
	var answer reply
	if err := l.Compile(ctx, job); err != nil {
		if errors.Is(err, syscall.EFBIG) {
			err = fault.Wrap(err, fault.TooLarge, "a file of the compiled program is too large")
		}
		answer.Failure = newFailure(err)
	}
	answer.Size, answer.Memory = job.size, peakMemory()
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return writeFrame(job.out, frameReply, text)
}

// Job is a compilation as the child sees it.
type Job struct {
	header
	Sources map[string]string // by path

	out     io.Writer
	size    int64 // of the outputs
	writing bool
}

// header is the part of a job that isn't source.
type header struct {
	Toolchain   string `json:"toolchain"` // directory
	Main        string `json:"main"`
	Curve       string `json:"curve"`
	Memory      int64  `json:"memory"` // of the module, in bytes
	ImportDepth int    `json:"import_depth"`
	// Scratch is a directory of this compilation alone, which is removed at its
	// end.
	Scratch string `json:"scratch"`
	Options
}

// Compiling tells that the compiler is loaded and compiles from now on.
func (j *Job) Compiling() error { return writeFrame(j.out, frameStage, []byte(StageCompile)) }

// Output returns what the bytes of the program's file of a role are written to.
// The file begins with the first Write, if that is of no bytes, too. Outputs are
// written one after the other.
func (j *Job) Output(role string) io.Writer { return &outputWriter{j: j, role: role} }

// outputWriter writes bytes of an output as frames.
type outputWriter struct {
	j     *Job
	role  string
	begun bool
}

// Write writes b as any number of frames.
func (w *outputWriter) Write(b []byte) (int, error) {
	if !w.begun {
		w.begun = true
		if err := w.j.begin(w.role); err != nil {
			return 0, err
		}
	}
	for done := 0; done < len(b); done += maxChunk {
		chunk := b[done:min(done+maxChunk, len(b))]
		if err := writeFrame(w.j.out, frameBytes, chunk); err != nil {
			return done, err
		}
		w.j.size += int64(len(chunk))
	}
	return len(b), nil
}

func (j *Job) begin(role string) error {
	if !j.writing {
		j.writing = true
		if err := writeFrame(j.out, frameStage, []byte(StageWrite)); err != nil {
			return err
		}
	}
	return writeFrame(j.out, frameOutput, []byte(role))
}

// Settle collects garbage, and then lets it lie unless the heap grows large. A
// compiler calls it once its module is loaded. The collector waits for the
// module's code, which knows no safe points, and everything waits for the
// collector: the goroutine that notices an orphaned process too.
func Settle() {
	debug.FreeOSMemory()
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(childHeap)
	runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0)))
}
