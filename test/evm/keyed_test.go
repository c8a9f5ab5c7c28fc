package evm_test

import (
	"encoding/json"
	"testing"
)

// TestKeyedCode compiles the contracts whose code the package contract has with
// it, and compares. `node keyed.mjs --write` makes that anew.
func TestKeyedCode(t *testing.T) {
	t.Parallel()
	var codes map[string]string
	if err := json.Unmarshal(runNode(t, nil, "keyed.mjs"), &codes); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"groth16", "gm17"} {
		if got := string(readFile(t, "internal/contract/keyed/"+name+".hex")); codes[name] == "" || got != codes[name]+"\n" {
			t.Errorf("%s: internal/contract has other code than its source: `node keyed.mjs --write` makes it anew", name)
		}
	}
}
