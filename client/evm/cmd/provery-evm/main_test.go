package main

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/ethclient/simulated"
	gethnode "github.com/ethereum/go-ethereum/node"
)

const fixtures = "../../../../testdata/zokrates/"

// startChain runs a chain with a socket for its JSON-RPC, which makes a block
// every few milliseconds, and sets TEST_KEY to the key of a rich account.
func startChain(t *testing.T) (socket string) {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TEST_KEY", hex.EncodeToString(crypto.FromECDSA(key)))
	dir, err := os.MkdirTemp("", "evm") // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket = filepath.Join(dir, "chain")
	alloc := types.GenesisAlloc{crypto.PubkeyToAddress(key.PublicKey): {Balance: big.NewInt(1e18)}}
	node := simulated.NewBackend(alloc, func(c *gethnode.Config, _ *ethconfig.Config) { c.IPCPath = socket })
	t.Cleanup(func() { _ = node.Close() })
	stop, stopped := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() {
		close(stop)
		<-stopped
	})
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(5 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				node.Commit()
			case <-stop:
				return
			}
		}
	}()
	return socket
}

// command runs the command line, and expects an exit status and a part of what it
// prints.
func command(t *testing.T, status int, part string, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	if got := run(t.Context(), args, &out, &out); got != status {
		t.Errorf("%v: got status %d, want %d: %s", args, got, status, out.String())
	}
	if !strings.Contains(out.String(), part) {
		t.Errorf("%v: got %q, want %q in it", args, out.String(), part)
	}
	return out.String()
}

// The command line from the deployment to a submitted proof, and its mistakes. It
// sets an environment variable, so it isn't parallel.
func TestCommands(t *testing.T) {
	socket := startChain(t)
	on := func(args ...string) []string {
		return append([]string{"--node", socket, "--chain", "1337", "--poll", "5ms"}, args...)
	}
	paid := func(args ...string) []string {
		return on(append([]string{"--key-env", "TEST_KEY", "--journal", filepath.Join(filepath.Dir(socket), "journal")}, args...)...)
	}
	const key, proof = fixtures + "mul/bn128/ark-g16/verification.key", fixtures + "mul/bn128/ark-g16/proof.json"
	deploy := paid("deploy", "--verifying-key", key, "--id", "verifier")
	said := command(t, exitOK, "verifier ", deploy...)
	if again := command(t, exitOK, "verifier ", deploy...); again != said {
		t.Errorf("the second deployment of an ID: got %s, want %s", again, said)
	}
	at := regexp.MustCompile(`verifier +(0x\w+)`).FindStringSubmatch(said)[1]

	command(t, exitOK, "is the key's verifier", on("check", at, "--verifying-key", key)...)
	command(t, exitOK, "the proof holds", on("check", at, "--verifying-key", key, "--proof", proof)...)
	command(t, exitFailed, "wrong verifier", on("check", at, "--verifying-key", fixtures+"square/bn128/ark-g16/verification.key")...)
	command(t, exitFailed, "no contract", on("check", "0x0000000000000000000000000000000000001234", "--verifying-key", key)...)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/circuits/mul/keys/groth16/verifying-key":
			http.ServeFile(w, r, key)
		case "/v1/circuits/mul/keys":
			_, _ = w.Write([]byte(`{"items": [{"id": "sha256:00", "scheme": "gm17"}, {"id": "sha256:01", "scheme": "groth16", "provenance": "insecure-dev"}]}`))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(service.Close)
	command(t, exitOK, "is the key's verifier", on("check", at, "--circuit", "mul", "--server", service.URL)...)
	command(t, exitOK, "warning: these are keys for development", on("check", at, "--circuit", "mul", "--server", service.URL)...)
	command(t, exitFailed, "404", on("check", at, "--circuit", "none", "--server", service.URL)...)
	command(t, exitFailed, "give --verifying-key or --circuit", on("check", at)...)
	command(t, exitOK, "the proof holds", on("simulate", at, "--proof", proof)...)
	command(t, exitFailed, "takes no such proof", on("simulate", at, "--proof", fixtures+"square/bn128/ark-g16/proof.json")...)
	command(t, exitOK, "block", paid("submit", at, "--proof", proof)...)
	command(t, exitFailed, "out of gas", paid("submit", at, "--proof", proof, "--gas", "120000")...)
	command(t, exitFailed, "wrong chain: the node is one of chain 1337, want 1", append(paid("submit", at, "--proof", proof), "--chain", "1")...)

	command(t, exitFailed, "give the account that pays", on("submit", at, "--proof", proof)...)
	command(t, exitFailed, "NO_SUCH_KEY is not set", on("--key-env", "NO_SUCH_KEY", "submit", at, "--proof", proof)...)
	command(t, exitFailed, "give --proof or --data", paid("submit", at)...)
	command(t, exitUsage, "isn't an address", on("simulate", "0x12", "--proof", proof)...)
	command(t, exitUsage, "checksum", on("simulate", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", "--proof", proof)...)
	command(t, exitUsage, "--chain", "--node", socket, "simulate", at, "--proof", proof)
	command(t, exitOK, "Usage: provery-evm", "--help")
}

func TestOrigin(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]string{
		"https://chain.example/v3/secret": "https://chain.example/…",
		"/tmp/socket":                     "the node",
	} {
		if got := origin(endpoint); got != want {
			t.Errorf("%s: got %s, want %s", endpoint, got, want)
		}
	}
}
