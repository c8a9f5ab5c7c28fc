package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"text/tabwriter"
	"time"

	"provery/api"
	"provery/client"
	"provery/internal/frontend/zokrates/compiler"
)

// SourceReport is the way from source to the first proof over the API, on a
// service that has just been started: the source is compiled and registered, its
// key uploaded and checked, and a proof made. The compiler's machine code is
// there, as after an installation; nothing of the program is.
type SourceReport struct {
	Workload string `json:"workload"`
	Compile  Cost   `json:"compile"` // and register
	Key      Cost   `json:"key"`     // upload and check, with the test proof
	Proof    Cost   `json:"proof"`
	Total    Cost   `json:"total"`
}

// Source measures a ZoKrates workload from its source file. toolchains is where
// the compiler's npm package is installed.
func (l *Lab) Source(ctx context.Context, w Workload, file, toolchains string) (_ *SourceReport, err error) {
	m, err := l.material(w)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(l.Cache, "zokrates-js")
	l.say("from source: preparing the compiler, half a minute the first time")
	if err := compiler.Language().Prepare(ctx, filepath.Join(toolchains, "zokrates", "node_modules", "zokrates-js"), dir); err != nil {
		return nil, err
	}
	cl, stop, err := serve(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	return l.fromSource(ctx, cl, &m, w, client.Sources{Name: "source", Files: map[string][]byte{"main.zok": text}})
}

func (l *Lab) fromSource(ctx context.Context, cl *client.Client, m *material, w Workload, in client.Sources) (*SourceReport, error) {
	out := &SourceReport{Workload: w.Name}
	watch := startWatch()
	l.say("from source: compiling %s", w.Name)
	job, err := cl.SubmitSources(ctx, in, client.SubmitOptions{})
	if err != nil {
		return nil, err
	}
	circuit, err := cl.FinishCompilation(ctx, job)
	if err != nil {
		return nil, err
	}
	out.Compile = watch.lap()
	l.say("from source: uploading its key")
	key, err := os.Open(m.Key)
	if err != nil {
		return nil, err
	}
	defer key.Close()
	if _, _, err := cl.AddKeys(ctx, circuit.ID, client.KeyUpload{ProvingKey: key}); err != nil {
		return nil, fmt.Errorf("the key of the compiled workload isn't one for its source: %w", err)
	}
	out.Key = watch.lap()
	l.say("from source: proving")
	if _, err := cl.Prove(ctx, api.ProofRequest{Circuit: circuit.ID, Arguments: m.Arguments[0]}); err != nil {
		return nil, err
	}
	out.Proof = watch.lap()
	for _, c := range []Cost{out.Compile, out.Key, out.Proof} {
		out.Total.CPU, out.Total.Wall = out.Total.CPU+c.CPU, out.Total.Wall+c.Wall
	}
	return out, nil
}

// watch measures one part after the other, with what children took that have
// ended.
type watch struct {
	wall time.Time
	cpu  time.Duration
}

func startWatch() *watch { return &watch{time.Now(), familyCPU()} }

// lap returns what was taken since the last call.
func (w *watch) lap() Cost {
	now, cpu := time.Now(), familyCPU()
	c := Cost{Wall: now.Sub(w.wall).Seconds(), CPU: (cpu - w.cpu).Seconds()}
	w.wall, w.cpu = now, cpu
	return c
}

// familyCPU returns the processor time of this process and its ended children.
func familyCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u); err != nil {
		return processCPU()
	}
	return processCPU() + time.Duration(u.Utime.Nano()+u.Stime.Nano())
}

// text writes a table.
func (s *SourceReport) text(w io.Writer) {
	fmt.Fprintf(w, "%s, from source to the first proof over the API\n", s.Workload)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  step\tCPU\twall")
	for _, step := range s.steps() {
		fmt.Fprintf(t, "  %s\t%s\t%s\n", step.name, seconds(step.cost.CPU), seconds(step.cost.Wall))
	}
	_ = t.Flush()
}

func (s *SourceReport) markdown(w io.Writer) {
	table(w, s.Workload+", from source to the first proof over the API:", "step", "CPU", "wall")
	for _, step := range s.steps() {
		row(w, step.name, seconds(step.cost.CPU), seconds(step.cost.Wall))
	}
}

type step struct {
	name string
	cost Cost
}

func (s *SourceReport) steps() []step {
	return []step{{"compile and register", s.Compile}, {"upload and check the key", s.Key}, {"prove", s.Proof}, {"together", s.Total}}
}
