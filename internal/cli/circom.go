package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"provery/internal/frontend/circom"
	"provery/internal/iden3"
)

// languageCircom is what a circuit of Circom says its language is.
const languageCircom = "circom"

// isR1CS reports whether a file is Circom's constraint system.
func isR1CS(s *io.SectionReader) bool {
	head := make([]byte, 12)
	n, _ := s.ReadAt(head, 0)
	return iden3.KindOf(head[:n]) == "r1cs"
}

// circomFiles returns a circuit's files by role. Those that aren't given are
// where the compiler writes them, beside the .r1cs file.
func circomFiles(r1cs, wasm, sym string) (map[string]string, error) {
	base := strings.TrimSuffix(r1cs, ".r1cs")
	if wasm == "" {
		wasm = filepath.Join(base+"_js", filepath.Base(base)+".wasm")
		if !exists(wasm) {
			wasm = base + ".wasm"
		}
		if !exists(wasm) {
			return nil, usage(fmt.Sprintf("there is no witness calculator beside %s: compile with --wasm, or give the file with --wasm", r1cs))
		}
	}
	if sym == "" {
		if sym = base + ".sym"; !exists(sym) {
			return nil, usage(fmt.Sprintf("there are no symbols beside %s: compile with --sym, or give the file with --sym", r1cs))
		}
	}
	return map[string]string{circom.RoleR1CS: r1cs, circom.RoleWasm: wasm, circom.RoleSym: sym}, nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
