// Package cli is Provery's command line.
package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"provery/api"
	"provery/client"
	"provery/internal/bench"
	"provery/internal/fault"
	"provery/internal/frontend/hosting"
)

// System is what a command has of the outside world.
type System struct {
	Args    []string
	Environ []string
	Version string
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
}

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1 // the command failed, or a proof isn't valid
	exitUsage  = 2 // the command line is wrong
)

// Process runs the process's own command line and returns its exit status. An
// interrupt or a request to terminate ends the command's context; a second one
// ends the process, but for the service, which hands back its jobs first.
func Process(version string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer context.AfterFunc(ctx, stop)()
	return Main(ctx, System{
		Args: os.Args[1:], Environ: os.Environ(), Version: version,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	})
}

type commands struct {
	Server  string           `help:"Address of the service for commands that use one." env:"PROVERY_SERVER" default:"http://127.0.0.1:8080" placeholder:"URL"`
	APIKey  string           `help:"API key for the service." env:"PROVERY_API_KEY" placeholder:"KEY"`
	JSON    bool             `help:"Print JSON instead of text."`
	Version kong.VersionFlag `help:"Print the version and exit."`

	Serve     serveCommand     `cmd:"" help:"Run the service: API, queue and worker in one process, or one of them (--role)."`
	Drain     drainCommand     `cmd:"" help:"Let a process on this machine finish its jobs, or hand them back, and stop."`
	Backup    backupCommand    `cmd:"" help:"Copy the records of a running service from its NATS servers."`
	Restore   restoreCommand   `cmd:"" help:"Make the records of a service anew from such a copy."`
	Circuits  circuitsCommand  `cmd:"" help:"Register and look at circuits."`
	Keys      keysCommand      `cmd:"" help:"Add and export the keys of circuits."`
	Prove     proveCommand     `cmd:"" help:"Make a proof, by the service or from files."`
	Witness   witnessCommand   `cmd:"" help:"Try arguments: outputs, log lines or the failed assertion; and write witness files."`
	Verify    verifyCommand    `cmd:"" help:"Verify a proof, by the service or from files."`
	Proofs    proofsCommand    `cmd:"" help:"Look at proofs, follow, cancel and delete them."`
	Batch     batchCommand     `cmd:"" help:"Prove many arguments of one circuit under one id."`
	Jobs      jobsCommand      `cmd:"" help:"Operate the queue: jobs of every kind, dead letters."`
	Workers   workersCommand   `cmd:"" help:"List the processes that prove."`
	Inspect   inspectCommand   `cmd:"" help:"Say what a file of ZoKrates, Circom or snarkjs is."`
	Ceremony  ceremonyCommand  `cmd:"" help:"Make Groth16 keys of several parties' secrets, together with snarkjs's users."`
	Import    importCommand    `cmd:"" help:"Register what other tools left behind."`
	Demo      demoCommand      `cmd:"" help:"Run the service on an example, end to end."`
	Bench     benchCommand     `cmd:"" help:"Measure registration, witness, proof and the service's own overhead; compare reports."`
	Toolchain toolchainCommand `cmd:"" help:"Install the compiler of a circuit language."`
	Config    configCommand    `cmd:"" help:"Print a configuration file with every setting and its default."`
	SealKeys  sealKeysCommand  `cmd:"" name:"sealkeys" help:"Make and rotate the keys that private arguments are sealed with."`
	Keygen    keygenCommand    `cmd:"" help:"Make an API key and its hash for the configuration."`
	Health    healthCommand    `cmd:"" help:"Exit with 0 if the service is ready, for container health checks."`
}

// env is what commands run with.
type env struct {
	System
	server, apiKey string
	json           bool
}

// Main runs one command and returns the process's exit status.
func Main(ctx context.Context, sys System) int {
	if len(sys.Args) > 0 && sys.Args[0] == hosting.ChildCommand {
		return compileChild(ctx, sys)
	}
	if len(sys.Args) > 0 && sys.Args[0] == bench.ChildCommand {
		return benchChild(ctx, sys)
	}
	var c commands
	status := -1
	parser, err := kong.New(&c,
		kong.Name("provery"),
		kong.Description("Proofs as a service: register a circuit once, then send arguments and get zk-SNARK proofs."),
		kong.UsageOnError(), kong.Writers(sys.Stdout, sys.Stderr), kong.Vars{"version": sys.Version},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.Exit(func(n int) { status = n }),
	)
	if err != nil {
		fmt.Fprintln(sys.Stderr, "provery:", err)
		return exitUsage
	}
	if len(sys.Args) == 0 {
		sys.Args = []string{"--help"}
	}
	parsed, err := parser.Parse(sys.Args)
	if status >= 0 { // --help or --version has printed its text
		return status
	}
	if err != nil {
		command := "provery"
		var wrong *kong.ParseError
		if errors.As(err, &wrong) && wrong.Context.Selected() != nil {
			command = "provery " + wrong.Context.Selected().Path()
		}
		return misused(sys, command, err)
	}
	e := &env{System: sys, server: c.Server, apiKey: c.APIKey, json: c.JSON}
	parsed.BindTo(ctx, (*context.Context)(nil))
	err = parsed.Run(e)
	var wrong *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &wrong):
		return misused(sys, "provery "+parsed.Selected().Path(), err)
	}
	e.report(err)
	return exitFailed
}

// usageError is a command line that contradicts itself.
type usageError struct{ text string }

// Error returns what is wrong.
func (e *usageError) Error() string { return e.text }

func usage(text string) error { return &usageError{text} }

// flagged are the commands that take a file by a flag, where one may expect an
// argument.
var flagged = map[string]string{
	"provery prove": "--arguments FILE", "provery witness": "--arguments FILE", "provery batch submit": "--arguments FILE",
	"provery verify": "--proof FILE", "provery keys add": "--key FILE",
}

// misused says what is wrong with the command line.
func misused(sys System, command string, err error) int {
	text := strings.Replace(err.Error(), `one of "",`, "one of ", 1) // the empty value of a flag that isn't given
	if flag := flagged[command]; flag != "" && strings.HasPrefix(text, "unexpected argument") {
		text += "; a file is given with " + flag
	}
	fmt.Fprintf(sys.Stderr, "provery: %s\nTry '%s --help'.\n", text, command)
	return exitUsage
}

// errSaid is returned by commands that have already printed why they fail.
var errSaid = errors.New("cli: said")

// report prints an error for a person.
func (e *env) report(err error) {
	if errors.Is(err, errSaid) {
		return
	}
	var remote *client.Error
	if errors.As(err, &remote) {
		e.reportProblem(err, &remote.Problem)
		return
	}
	var f *fault.Error
	text := err.Error()
	if errors.As(err, &f) {
		text = f.Error()
		if f.Position != nil {
			text += " (" + f.Position.String() + ")"
		}
	}
	if errors.Is(err, io.ErrClosedPipe) { // an upload that nobody took
		text = "the connection to the service broke while sending"
	}
	fmt.Fprintln(e.Stderr, "provery:", text)
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, io.ErrClosedPipe) {
		fmt.Fprintf(e.Stderr, "Is the service running? Start it with 'provery serve', or name another with --server (now %s).\n", e.server)
	}
}

// reportProblem prints err, which holds the problem p and perhaps says more.
func (e *env) reportProblem(err error, p *api.Problem) {
	text := p.Error()
	if _, bare := err.(*client.Error); !bare {
		text = err.Error()
	}
	fmt.Fprintln(e.Stderr, "provery:", text)
	switch {
	case p.RetryAfter > 0:
		fmt.Fprintf(e.Stderr, "Try again in %d s.\n", p.RetryAfter)
	case p.Code == api.CodeNotFound && strings.HasPrefix(p.Detail, "no circuit"):
		fmt.Fprintln(e.Stderr, "'provery circuits list' lists the registered ones.")
	case p.Code == api.CodeUnauthenticated:
		fmt.Fprintln(e.Stderr, "Give an API key with --api-key or PROVERY_API_KEY.")
	case p.Incident != "":
		fmt.Fprintf(e.Stderr, "The service's log knows more under %s.\n", p.Incident)
	}
}

func (e *env) client() (*client.Client, error) {
	return client.New(e.server, client.WithAPIKey(e.apiKey))
}

// print writes v as JSON if that is asked for, and by text otherwise.
func (e *env) print(v any, text func(w io.Writer)) error {
	if !e.json {
		text(e.Stdout)
		return nil
	}
	enc := json.NewEncoder(e.Stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// open opens a file for reading, "-" being standard input.
func (e *env) open(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(e.Stdin), nil
	}
	return openFile(name)
}

// openFile opens a regular file, or whatever else can be read.
func openFile(name string) (*os.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, unreadable(name, err)
	}
	if info, err := f.Stat(); err != nil || info.IsDir() {
		_ = f.Close()
		return nil, unreadable(name, cmp.Or(err, error(syscall.EISDIR)))
	}
	return f, nil
}

// unreadable says which file can't be read, and why.
func unreadable(name string, err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return fault.New(fault.InvalidRequest, "%s: %v", name, err)
}

// read reads a whole file of at most limit bytes.
func (e *env) read(name string, limit int64) ([]byte, error) {
	f, err := e.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, unreadable(name, err)
	}
	if int64(len(b)) > limit {
		return nil, fault.New(fault.TooLarge, "%s has more than %d bytes", name, limit)
	}
	return b, nil
}
