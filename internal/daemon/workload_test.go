package daemon

import (
	"encoding/json"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provery/api"
	"provery/examples/zokrates/eddsa/signer"
	"provery/internal/config"
)

// workload is an example that make setup compiles.
type workload struct {
	name        string
	constraints int
	arguments   json.RawMessage
	outputs     string
	refused     json.RawMessage // arguments that the program refuses
	other       json.RawMessage // arguments with the outputs below
	otherOutput string
}

// files opens files of the workload, by role.
func (w *workload) files(t *testing.T, names ...string) map[string]io.Reader {
	t.Helper()
	out := map[string]io.Reader{}
	for _, name := range names {
		f, err := os.Open(filepath.Join("../../build/cache", w.name, "bn128", name))
		if err != nil {
			t.Fatalf("run make setup: %v", err)
		}
		t.Cleanup(func() { f.Close() })
		role := filepath.Base(name)
		switch role {
		case "out":
			role = "program"
		case "abi.json":
			role = "abi"
		}
		out[role] = f
	}
	return out
}

func workloads(t *testing.T) []workload {
	t.Helper()
	const examples = "../../examples/zokrates"
	statement := signer.Generate("daemon", 1)
	valid, err := signer.Arguments(statement)
	if err != nil {
		t.Fatal(err)
	}
	statement.Signature.S = new(big.Int).Add(statement.Signature.S, big.NewInt(1))
	forged, err := signer.Arguments(statement)
	if err != nil {
		t.Fatal(err)
	}
	return []workload{
		{
			name: "reserves", constraints: 3025,
			arguments: read(t, examples+"/reserves/args.json"), refused: read(t, examples+"/reserves/args-unsatisfied.json"),
			outputs: `["8102555686890515200364344940967122664873158874915444844971309605677124526198",` +
				`{"threshold":"0x000000012a05f200","millions":"0x000000000000150c","funded":"0x00000006","diversified":true}]`,
		},
		{name: "eddsa", constraints: 94180, arguments: valid, outputs: `true`, other: forged, otherOutput: `false`},
	}
}

func configWithoutSetup(allowed *bool) func(*config.Config) {
	return func(c *config.Config) { c.AllowInsecureSetup = allowed }
}

// tamper returns the content with one byte changed.
func tamper(b []byte, at int) []byte {
	out := append([]byte(nil), b...)
	out[at] ^= 0x20
	return out
}

func reader(b []byte) io.Reader { return strings.NewReader(string(b)) }

// requestOf is a request for a proof of a fixture with its own arguments.
func requestOf(t *testing.T, f fixture) api.ProofRequest {
	t.Helper()
	return api.ProofRequest{Circuit: f.program, Arguments: f.args(t)}
}
