package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Batch runs the commands in order in one process and returns one result for
// each. A command that fails does not stop those after it. The error is about the
// process itself.
func (t *Toolchain) Batch(ctx context.Context, commands ...Command) ([]Result, error) {
	input, err := encode(commands)
	if err != nil {
		return nil, fmt.Errorf("zokrates-js: encode batch: %w", err)
	}
	output, err := t.exec(ctx, input, "zokrates.mjs", "batch", "--stats")
	if err != nil {
		return nil, fmt.Errorf("zokrates-js: run batch: %w", err)
	}
	results, err := decode(output)
	if err != nil {
		return nil, fmt.Errorf("zokrates-js: read results: %w", err)
	}
	if len(results) != len(commands) {
		return nil, fmt.Errorf("zokrates-js: got %d results for %d commands", len(results), len(commands))
	}
	return results, nil
}

// Run runs one command and returns its result, or its error.
func (t *Toolchain) Run(ctx context.Context, command Command) (Result, error) {
	results, err := t.Batch(ctx, command)
	if err != nil {
		return Result{}, err
	}
	if e := results[0].Err; e != nil {
		return results[0], fmt.Errorf("zokrates-js %s: %w", command.name(), e)
	}
	return results[0], nil
}

// Proof is a proof to check: the contents of a verification.key and a proof.json.
type Proof struct {
	VK, Proof []byte
	Backend   string // default ark
}

// Verify checks the proofs in one process. The result holds, for each proof, nil
// if zokrates-js accepts it and the reason otherwise.
func (t *Toolchain) Verify(ctx context.Context, proofs ...Proof) ([]error, error) {
	dir, err := os.MkdirTemp("", "provery-peer-")
	if err != nil {
		return nil, fmt.Errorf("zokrates-js: %w", err)
	}
	defer os.RemoveAll(dir)
	commands := make([]Command, len(proofs))
	for i, p := range proofs {
		c := Verify{VK: filepath.Join(dir, fmt.Sprint(i, ".vk")), Proof: filepath.Join(dir, fmt.Sprint(i, ".proof")), Backend: p.Backend}
		for file, content := range map[string][]byte{c.VK: p.VK, c.Proof: p.Proof} {
			if err := os.WriteFile(file, content, 0o600); err != nil {
				return nil, fmt.Errorf("zokrates-js: %w", err)
			}
		}
		commands[i] = c
	}
	results, err := t.Batch(ctx, commands...)
	if err != nil {
		return nil, err
	}
	verdicts := make([]error, len(results))
	for i, r := range results {
		verdicts[i] = verdict(r)
	}
	return verdicts, nil
}

func verdict(r Result) error {
	var accepted bool
	if err := r.Decode(&accepted); err != nil {
		return err
	}
	if !accepted {
		return &Error{Kind: Rejected, Message: "the proof is not valid"}
	}
	return nil
}

// Build is an example program to compile and make keys for; see
// toolchain/zokrates/build.mjs.
type Build struct {
	Suite
	Dir     string // the example's folder, relative to the module's root
	Program string // the source's name without its ending; default main
	NoSetup bool   // compile only
}

// Build returns the folder that holds the example's out and abi.json, and its keys
// in a folder such as ark-g16 below that. What the cache already holds is not
// built again. The cache is the environment's PROVERY_CACHE, or build/cache below
// the module's root.
func (t *Toolchain) Build(ctx context.Context, b Build) (string, error) {
	args := []string{filepath.Join(t.root, filepath.FromSlash(b.Dir))}
	for _, option := range [][2]string{
		{"--program", b.Program}, {"--curve", b.Curve}, {"--backend", b.Backend}, {"--scheme", b.Scheme},
	} {
		if option[1] != "" {
			args = append(args, option[0], option[1])
		}
	}
	if b.NoSetup {
		args = append(args, "--no-setup")
	}
	output, err := t.exec(ctx, nil, "build.mjs", args...)
	if err != nil {
		return "", fmt.Errorf("build example %s: %w", b.Dir, err)
	}
	return strings.TrimSpace(string(output)), nil
}

// exec runs a script of the toolchain and returns its standard output. The error
// holds its standard error.
func (t *Toolchain) exec(ctx context.Context, input []byte, script string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, t.node, append([]string{t.file(script)}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // build.mjs then removes what is half done
	cmd.WaitDelay = 5 * time.Second
	cmd.Stdin = bytes.NewReader(input)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return stdout.Bytes(), nil
}

// encode returns the list that `zokrates.mjs batch` reads: each command's fields
// and its name.
func encode(commands []Command) ([]byte, error) {
	list := make([]map[string]any, len(commands))
	for i, c := range commands {
		fields, err := json.Marshal(c)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(fields, &list[i]); err != nil {
			return nil, err
		}
		list[i]["command"] = c.name()
	}
	return json.Marshal(list)
}

func decode(output []byte) ([]Result, error) {
	var results []Result
	for line := range bytes.Lines(output) {
		var r struct {
			Result json.RawMessage `json:"result"`
			Error  *Error          `json:"error"`
			Stats  Stats           `json:"stats"`
		}
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("line %q: %w", line, err)
		}
		results = append(results, Result{Value: r.Result, Err: r.Error, Stats: r.Stats})
	}
	return results, nil
}
