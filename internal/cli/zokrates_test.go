package cli_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provery/api"
	"provery/internal/cli"
	"provery/internal/config"
	"provery/internal/daemon"
)

// program is a directory of ZoKrates's files in testdata.
func program(name, curve string, file ...string) string {
	return filepath.Join(append([]string{"../../testdata/zokrates", name, curve}, file...)...)
}

// service runs a service until the test ends and returns its address.
func service(t *testing.T) string {
	t.Helper()
	cfg := config.Default()
	cfg.Listen, cfg.DataDir = "127.0.0.1:0", t.TempDir()
	d, err := daemon.New(t.Context(), &cfg, daemon.Build{Version: "test"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	stopped := make(chan error, 1)
	go func() { stopped <- d.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return "http://" + d.Addr()
}

// provery runs one command.
func provery(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = cli.Main(t.Context(), cli.System{Args: args, Version: "test", Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs})
	return status, out.String(), errs.String()
}

// succeed runs a command that must succeed, and returns its output.
func succeed(t *testing.T, args ...string) string {
	t.Helper()
	status, stdout, stderr := provery(t, args...)
	if status != 0 {
		t.Fatalf("%q: got status %d and %s%s", args, status, stdout, stderr)
	}
	return stdout
}

// zokratesDir copies files to a directory as the ZoKrates command line leaves
// it: name in the directory, path of the source.
func zokratesDir(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "payments")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, source := range files {
		b, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// left are the files that ZoKrates leaves of a program.
func left(name, curve, backend string) map[string]string {
	return map[string]string{
		"out": program(name, curve, "out"), "abi.json": program(name, curve, "abi.json"), "witness": program(name, curve, "witness"),
		"proving.key": program(name, curve, backend, "proving.key"), "verification.key": program(name, curve, backend, "verification.key"),
		"proof.json": program(name, curve, backend, "proof.json"),
	}
}

func TestImportZoKrates(t *testing.T) {
	t.Parallel()
	server := service(t)
	out := succeed(t, "--server", server, "import", "zokrates", zokratesDir(t, left("mixed", "bn128", "ark-g16")))
	for _, want := range []string{
		"constraints on bn128", "abi.json          belongs to it", "groth16, layout ark, every point checked, self-test",
		"belongs to the proving key", "witness           proven, and the proof verified", "proof.json        valid", "names             payments:latest",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("got\n%s, want %q in it", out, want)
		}
	}
	args := program("mixed", "args.json")
	proof := filepath.Join(t.TempDir(), "proof.json")
	succeed(t, "--server", server, "prove", "payments", "--arguments", args, "--out", proof)
	if out := succeed(t, "verify", "--verifying-key", program("mixed", "bn128", "ark-g16", "verification.key"), "--proof", proof); out != "valid\n" {
		t.Errorf("got %q, want valid", out)
	}
	var report struct {
		Circuit api.Circuit
		Existed bool
		Witness string
	}
	again := succeed(t, "--server", server, "--json", "import", "zokrates", "--name", "other:v2", zokratesDir(t, left("mixed", "bn128", "bellman-g16")))
	if err := json.Unmarshal([]byte(again), &report); err != nil {
		t.Fatal(err)
	}
	if !report.Existed || len(report.Circuit.KeySets) != 2 || !strings.Contains(strings.Join(report.Circuit.Tags, " "), "other:v2") || report.Witness == "" {
		t.Errorf("got %s, want the circuit with another key set and tag", again)
	}
}

// TestImportZoKratesAPIDirectory imports what ZoKrates-API keeps of a program:
// the facade finds it under its hash.
func TestImportZoKratesAPIDirectory(t *testing.T) {
	t.Parallel()
	server := service(t)
	files := left("mul", "bn128", "ark-g16")
	files["program.zok"] = program("mul", "main.zok")
	delete(files, "witness")
	dir := zokratesDir(t, files)
	source, err := os.ReadFile(files["program.zok"])
	if err != nil {
		t.Fatal(err)
	}
	hash := fmt.Sprintf("%x", sha256.Sum256(source))
	byHash := filepath.Join(filepath.Dir(dir), strings.ToUpper(hash))
	if err := os.Rename(dir, byHash); err != nil {
		t.Fatal(err)
	}
	out := succeed(t, "--server", server, "import", "zokrates", byHash)
	if want := "names             zokrates-api:" + hash + "-bn128\n"; !strings.Contains(out, want) {
		t.Errorf("got\n%s, want %q: the facade's tag, and no name of the directory's", out, want)
	}
}

// TestImportZoKratesAlone imports a program without any of the other files.
func TestImportZoKratesAlone(t *testing.T) {
	t.Parallel()
	server := service(t)
	out := succeed(t, "--server", server, "import", "zokrates", zokratesDir(t, map[string]string{"out": program("mul", "bn128", "out")}))
	for _, want := range []string{"flat lists of field elements", "There is no proving.key", "payments:latest"} {
		if !strings.Contains(out, want) {
			t.Errorf("got\n%s, want %q in it", out, want)
		}
	}
}

func TestImportZoKratesRefuses(t *testing.T) {
	t.Parallel()
	server := service(t)
	for _, tc := range []struct {
		name   string
		change map[string]string // "" removes
		args   []string
		want   []string
	}{
		{"no program", map[string]string{"out": ""}, nil, []string{"no file \"out\"", "zokrates compile"}},
		{"not a program", map[string]string{"out": program("mul", "main.zok")}, nil, []string{"out:"}},
		{"ABI of another program", map[string]string{"abi.json": program("mixed", "bn128", "abi.json")}, nil, []string{"out with abi.json"}},
		{"keys and witness of another program", map[string]string{
			"verification.key": program("mixed", "bn128", "ark-g16", "verification.key"),
			"proving.key":      program("mixed", "bn128", "ark-g16", "proving.key"),
			"witness":          program("square", "bn128", "witness"),
		}, nil, []string{"nothing was registered", "verification.key: it is for", "proving.key: it is for", "witness:", "zokrates setup"}},
		{"keys of another curve", map[string]string{
			"verification.key": program("mul", "bls12_381", "ark-g16", "verification.key"),
			"proving.key":      program("mul", "bls12_381", "ark-g16", "proving.key"),
		}, nil, []string{"verification.key: it is for the curve bls12_381, and the program is for bn128", "proving.key: it is for the curve bls12_381"}},
		{"not a verification key", map[string]string{"verification.key": program("mul", "bn128", "abi.json")}, nil, []string{"verification.key: not a verification key"}},
		{"verification key of another setup", map[string]string{"verification.key": program("mul", "bn128", "bellman-g16", "verification.key")}, nil,
			[]string{"proving.key:", "belongs to another proving key", "without a name"}},
		{"damaged proving key", map[string]string{"proving.key": program("mul", "bn128", "witness")}, nil, []string{"proving.key:", "without a name"}},
		{"name", nil, []string{"--name", "Not/A/Name"}, []string{"--name"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			files := left("mul", "bn128", "ark-g16")
			for name, source := range tc.change {
				if files[name] = source; source == "" {
					delete(files, name)
				}
			}
			args := append([]string{"--server", server, "import", "zokrates", zokratesDir(t, files)}, tc.args...)
			status, _, stderr := provery(t, args...)
			if status != 1 {
				t.Fatalf("got status %d, want 1", status)
			}
			for _, want := range tc.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("got\n%s, want %q in it", stderr, want)
				}
			}
		})
	}
	t.Cleanup(func() { // after the parallel ones
		if status, _, _ := provery(t, "--server", server, "circuits", "show", "payments"); status == 0 {
			t.Error("the name points to a circuit that was refused")
		}
	})
}

// TestWitnessCommand computes witnesses by a service and from files, and
// proves the files.
func TestWitnessCommand(t *testing.T) {
	t.Parallel()
	server := service(t)
	succeed(t, "--server", server, "circuits", "add", "mul", program("mul", "bn128", "out"), "--abi", program("mul", "bn128", "abi.json"),
		"--key", program("mul", "bn128", "ark-g16", "proving.key"))
	args := program("mul", "args.json")
	remote := []string{"--server", server, "witness", "mul", "--arguments", args}
	local := []string{"witness", "--program", program("mul", "bn128", "out"), "--abi", program("mul", "bn128", "abi.json"), "--arguments", args}
	theirs, err := os.ReadFile(program("mul", "bn128", "witness"))
	if err != nil {
		t.Fatal(err)
	}
	for where, base := range map[string][]string{"service": remote, "files": local} {
		if out := succeed(t, base...); out != "satisfied\noutputs    \"15\"\n" {
			t.Errorf("%s: got %q", where, out)
		}
		file := filepath.Join(t.TempDir(), "witness")
		if err := os.WriteFile(file, []byte("an older one, which anybody can read"), 0o644); err != nil {
			t.Fatal(err)
		}
		succeed(t, append(base, "--out", file, "--format", "zokrates32")...)
		got, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(got, theirs) {
			t.Errorf("%s: the witness isn't that of zokrates-js (%v)", where, err)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got mode %v, %v, want one for the owner alone", where, info.Mode(), err)
		}
		succeed(t, append(base, "--out", file)...) // words of 8 bytes
		proof := filepath.Join(t.TempDir(), "proof.json")
		succeed(t, "--server", server, "prove", "mul", "--witness", file, "--out", proof)
		succeed(t, "--server", server, "verify", "mul", "--proof", proof)
		succeed(t, "prove", "--program", program("mul", "bn128", "out"), "--key", program("mul", "bn128", "ark-g16", "proving.key"), "--witness", file, "--out", proof)
		succeed(t, "--server", server, "verify", "mul", "--proof", proof)
	}
}

func TestWitnessCommandTells(t *testing.T) {
	t.Parallel()
	logs := succeed(t, "witness", "--program", program("logs", "bn128", "out"), "--abi", program("logs", "bn128", "abi.json"),
		"--arguments", program("logs", "args.json"), "--logs")
	if want := `log        hello "4" "0x00000007" true`; !strings.HasPrefix(logs, want) {
		t.Errorf("got %q, want %q first", logs, want)
	}
	bad := filepath.Join(t.TempDir(), "args.json")
	if err := os.WriteFile(bad, []byte(`["4","5"]`), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "witness")
	status, stdout, _ := provery(t, "witness", "--program", program("assertmsg", "bn128", "out"), "--abi", program("assertmsg", "bn128", "abi.json"),
		"--arguments", bad, "--out", file)
	if status != 1 || !strings.Contains(stdout, "NOT SATISFIED") || !strings.Contains(stdout, "values differ") || !strings.Contains(stdout, "main.zok:1:") {
		t.Errorf("got %d %q, want the failed assertion with its place", status, stdout)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("a file was written without a witness")
	}
	for _, args := range [][]string{
		{"witness", "--arguments", bad},
		{"witness", "mul", "--program", program("mul", "bn128", "out"), "--arguments", bad},
		{"prove", "mul"},
		{"prove", "mul", "--arguments", bad, "--witness", bad},
	} {
		if status, _, stderr := provery(t, args...); status != 2 || !strings.Contains(stderr, "give") {
			t.Errorf("%q: got %d %q, want what to give", args, status, stderr)
		}
	}
}
