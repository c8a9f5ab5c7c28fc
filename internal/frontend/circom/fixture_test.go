package circom

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// fixture returns a circuit of testdata by role.
func fixture(t testing.TB, name string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, role := range []string{RoleR1CS, RoleWasm, RoleSym} {
		b, err := os.ReadFile(filepath.Join("../../../testdata/circom/bn128", name+"."+role))
		if err != nil {
			t.Fatal(err)
		}
		files[role] = b
	}
	return files
}

// tinyArguments are accepted by the circuit tiny.
var tinyArguments = json.RawMessage(`{"secret":[["1","2","3"],["4","5","6"]],"limit":"91"}`)
