package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"provery/examples/rollup/ledger"
	"provery/examples/rollup/proving/provingtest"
)

// asMain has the test's binary be the command.
const asMain = "ROLLUP_TEST_AS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// command is the command in a process of its own.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), asMain+"=1", "ETH_KEY=")
	return cmd
}

// sources are the flags that say where the contract and its compiler are.
var sources = []string{"--contract", "../../contract/Ledger.sol", "--compiler", "../../../../test/evm/compile.mjs"}

// process is a command that runs until the test ends.
type process struct {
	cmd    *exec.Cmd
	found  chan []string // the groups of the pattern, for each line that has it
	ended  chan struct{}
	output strings.Builder // to read when ended is closed
}

// start starts a command and looks for a pattern in the lines that it prints.
func start(t *testing.T, cmd *exec.Cmd, pattern string) *process {
	t.Helper()
	p := &process{cmd: cmd, found: make(chan []string, 8), ended: make(chan struct{})}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		wanted := regexp.MustCompile(pattern)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.output.WriteString(lines.Text() + "\n")
			if m := wanted.FindStringSubmatch(lines.Text()); m != nil {
				p.found <- m[1:]
			}
		}
		_ = cmd.Wait()
	}()
	t.Cleanup(p.kill)
	return p
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// next waits for the next line with the pattern.
func (p *process) next(t *testing.T) []string {
	t.Helper()
	select {
	case groups := <-p.found:
		return groups
	case <-p.ended:
	case <-time.After(patience):
		p.kill()
	}
	t.Fatalf("%v ended, or took too long:\n%s", p.cmd.Args[1:], &p.output)
	return nil
}

// patience is how long a test waits for what has to happen.
const patience = 3 * time.Minute

// serving is the line with which an operator says its address and its contract.
const serving = `msg=serving address=(\S+) .*contract=(\S+)`

// with adds a variable to a command's environment.
func with(cmd *exec.Cmd, variable string) *exec.Cmd {
	cmd.Env = append(cmd.Env, variable)
	return cmd
}

// says runs a command, which must end well or not, and looks for a part of what it
// prints.
func says(t *testing.T, well bool, part string, cmd *exec.Cmd) string {
	t.Helper()
	text, err := cmd.CombinedOutput()
	if (err == nil) != well || !strings.Contains(string(text), part) {
		t.Errorf("%v: got %q, %v, want %q", cmd.Args[1:], text, err, part)
	}
	return strings.TrimSpace(string(text))
}

// TestReadme does what README.md says under "Run it yourself", and makes mistakes.
func TestReadme(t *testing.T) {
	t.Parallel()
	service, _ := provingtest.Start(t)
	chain := start(t, command(t, "chain", "--listen", "127.0.0.1:0", "--block", "50ms"), `^chain 1337 at (\S+),|export (ETH_KEY=\w+)`)
	node, funds := chain.next(t)[0], chain.next(t)[1]
	dir := t.TempDir()
	alice, bob := filepath.Join(dir, "alice.key"), filepath.Join(dir, "bob.key")
	genesis := fmt.Sprintf(`[{"key": "%s", "balance": "100"}, {"key": "%s", "balance": "0"}]`,
		says(t, true, "", command(t, "wallet", "new", alice)), says(t, true, "", command(t, "wallet", "new", bob)))
	if err := os.WriteFile(filepath.Join(dir, "genesis.json"), []byte(genesis), 0o600); err != nil {
		t.Fatal(err)
	}
	operator := append([]string{
		"operator", "--listen", "127.0.0.1:0", "--database", filepath.Join(dir, "ledger.db"), "--circuit", provingtest.Circuit(t), "--proving", service.URL,
		"--rpc", node, "--chain-id", "1337", "--linger", "100ms", "--poll", "20ms",
	}, sources...)
	says(t, false, "who pays", command(t, operator...))
	operator = append(operator, "--key-env", "ETH_KEY")
	says(t, false, "ETH_KEY is not set", command(t, operator...))
	says(t, false, "the database has no ledger", with(command(t, operator...), funds))
	serves := start(t, with(command(t, append(operator, "--genesis", filepath.Join(dir, "genesis.json"))...), funds), serving).next(t)

	url, contract := "http://"+serves[0], serves[1]
	pay := func(key, contract, amount string) *exec.Cmd {
		return command(t, "wallet", "pay", "--operator", url, "--key", key, "--chain-id", "1337", "--contract", contract, "--wait", "0", "1", amount)
	}
	says(t, true, "settled, transaction 0x", pay(alice, contract, "25"))
	says(t, true, "account 1: 25, after 0 transfers", command(t, "wallet", "balance", "--operator", url, "1"))
	says(t, false, "unknown_account", command(t, "wallet", "balance", "--operator", url, "2"))
	says(t, false, "overdraft: account 0 has 75", pay(alice, contract, "76"))
	says(t, false, "bad_signature", pay(bob, contract, "1"))
	says(t, false, "not that of 0x0000000000000000000000000000000000000001", pay(alice, "0x0000000000000000000000000000000000000001", "1"))
}

// TestDemo runs the whole: five transfers, up to the table.
func TestDemo(t *testing.T) {
	t.Parallel()
	args := append([]string{
		"demo", "--provery", provingtest.Binary(t), "--circuit", provingtest.Circuit(t), "--data", t.TempDir(),
		"--accounts", "3", "--transfers", "5", "--block", "50ms",
	}, sources...)
	said := says(t, true, "the root on the chain equals the operator's", command(t, args...))
	for _, part := range []string{"5 accepted", "5 settled", "witness ms", "gas of settling", "constraints for 2 transfers"} {
		if !strings.Contains(said, part) {
			t.Errorf("got %s, want %q in it", said, part)
		}
	}
	says(t, false, "want 2 to 1024 accounts", command(t, append(args, "--accounts", "1")...))
}

// TestWallet makes keys.
func TestWallet(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "alice.key")
	made := says(t, true, "", command(t, "wallet", "new", file))
	if _, err := ledger.ParseKey(made); err != nil {
		t.Errorf("got %q: %v", made, err)
	}
	if shown := says(t, true, "", command(t, "wallet", "show", file)); shown != made {
		t.Errorf("got %q, want %q", shown, made)
	}
	says(t, false, "never written over", command(t, "wallet", "new", file))
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	says(t, false, "chmod 600", command(t, "wallet", "show", file))
}
