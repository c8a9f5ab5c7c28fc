package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"provery/api"
	"provery/client"
	"provery/internal/fault"
)

// archives are what the names of archives of source files end in.
var archives = []string{".zip", ".tar", ".tar.gz", ".tgz"}

// isSource reports whether a file is one to compile: source, a folder or an
// archive. Compiled programs have no extension, or another.
func isSource(name string) bool {
	if languageOfFile(name) != nil {
		return true
	}
	for _, a := range archives {
		if strings.HasSuffix(name, a) {
			return true
		}
	}
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

var badInName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// nameOf returns the name that a circuit gets from its source: that of the
// file, or of the folder of a file called main.
func nameOf(file string) (string, error) {
	base := filepath.Base(file)
	if l := languageOfFile(base); l != nil {
		base = strings.TrimSuffix(base, l.Extension())
	}
	for _, ending := range archives {
		base = strings.TrimSuffix(base, ending)
	}
	if base == "main" || base == "." || base == ".." {
		abs, err := filepath.Abs(file)
		if err != nil {
			return "", err
		}
		if base == "main" {
			abs = filepath.Dir(abs)
		}
		base = filepath.Base(abs)
	}
	name := strings.Trim(badInName.ReplaceAllString(base, "-"), "-._")
	if name == "" {
		return "", usage("give the circuit a name: circuits add NAME " + file)
	}
	return name, nil
}

// compile has the service compile what Program names, and returns the circuit.
func (c *circuitsAdd) compile(ctx context.Context, e *env, cl *client.Client) (*api.Circuit, error) {
	if c.ABI != "" {
		return nil, usage("--abi belongs to a compiled program; the compiler makes that of source")
	}
	set, err := sourcesAt(c.Program, c.Frontend, c.Include)
	if err != nil {
		return nil, err
	}
	defer set.close()
	in := client.Sources{
		Files: set.files, Main: set.main, Curve: c.Curve, Debug: c.Debug, Optimize: c.Optimize, Include: set.include, Frontend: set.language.Name(),
	}
	if c.Main != "" {
		in.Main = path.Join(set.base, filepath.ToSlash(c.Main))
	}
	if set.archive != nil {
		in.Archive = set.archive
	}
	in.Name, in.Tag, _ = strings.Cut(c.Name, ":")
	out, err := cl.SubmitSources(ctx, in, client.SubmitOptions{})
	if err == nil && out.Job != nil {
		err = e.follow(ctx, cl, out)
	}
	if err != nil {
		return nil, e.explain(err, set)
	}
	if out.Existed {
		fmt.Fprintln(e.Stderr, "The same sources were compiled before.")
	}
	return out.Circuit, nil
}

// cancelTimeout bounds the cancelling of a job after an interrupt.
const cancelTimeout = 5 * time.Second

// follow waits for the end of a compilation. It says on a terminal how far it
// is, and anywhere under which id if it takes its time. An interrupt cancels
// the job.
func (e *env) follow(ctx context.Context, cl *client.Client, out *client.Compilation) error {
	said, late := "", time.Now().Add(patience)
	for id := out.Job.ID; !out.Job.State.Terminal(); {
		job, err := cl.Job(ctx, id, time.Second)
		if ctx.Err() != nil {
			quick, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelTimeout)
			defer stop()
			if _, err := cl.CancelJob(quick, id); err != nil {
				return fmt.Errorf("the compilation %s goes on: %w", id, err)
			}
			return fault.New(fault.Canceled, "the compilation was cancelled")
		}
		if err != nil {
			return err
		}
		out.Job = job
		if !late.IsZero() && !job.State.Terminal() && time.Now().After(late) {
			late = time.Time{} // once
			fmt.Fprintf(e.Stderr, "accepted as %s, %s\n", id, job.State)
			if job.State == api.StateQueued {
				e.nobody(ctx, cl, api.KindCompile)
			}
		}
		if doing := cmp.Or(job.Stage, string(job.State)); doing != said && e.terminal() {
			said = doing
			fmt.Fprintf(e.Stderr, "compilation: %s\n", doing)
		}
	}
	circuit, err := cl.FinishCompilation(ctx, out)
	if err == nil {
		out.Circuit, out.Existed = circuit, out.Job.Existed
	}
	return err
}

// explain prints all errors in the source, with the paths of the files here,
// and returns what is left to say.
func (e *env) explain(err error, set *sourceSet) error {
	var refused *client.Error
	if !errors.As(err, &refused) || len(refused.Errors) == 0 {
		return err
	}
	for _, bad := range refused.Errors {
		if _, ours := set.files[bad.File]; ours {
			bad.File = filepath.Join(set.root, filepath.FromSlash(bad.File))
		}
		fmt.Fprintln(e.Stderr, bad.Error())
	}
	switch n := len(refused.Errors); n {
	case 1:
		fmt.Fprintln(e.Stderr, "provery: 1 error in the source")
	default:
		fmt.Fprintf(e.Stderr, "provery: %d errors in the source\n", n)
	}
	return errSaid
}
