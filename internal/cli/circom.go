package cli

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"provery/internal/frontend/circom"
	"provery/internal/iden3"
)

// isR1CS reports whether a file is Circom's constraint system.
func isR1CS(s *io.SectionReader) bool {
	head := make([]byte, 12)
	n, _ := s.ReadAt(head, 0)
	return iden3.KindOf(head[:n]) == "r1cs"
}

// circomFiles returns a circuit's files by role. Those that aren't given are
// where the compiler writes them, beside the .r1cs file.
func circomFiles(r1cs, wasm, sym string) map[string]string {
	base := strings.TrimSuffix(r1cs, ".r1cs")
	if wasm == "" {
		wasm = filepath.Join(base+"_js", filepath.Base(base)+".wasm")
		if _, err := os.Stat(wasm); err != nil {
			wasm = base + ".wasm"
		}
	}
	if sym == "" {
		sym = base + ".sym"
	}
	return map[string]string{circom.RoleR1CS: r1cs, circom.RoleWasm: wasm, circom.RoleSym: sym}
}

// inspectIden3 says what a file of Circom or snarkjs is.
func inspectIden3(s *io.SectionReader, kind string) (*finding, error) {
	names := map[string]string{
		"r1cs": "Circom constraint system", "zkey": "snarkjs proving key", "wtns": "Circom witness", "ptau": "snarkjs powers of tau",
	}
	f := &finding{Kind: names[kind]}
	if kind != "r1cs" {
		return f, nil
	}
	h, err := circom.DescribeR1CS(s)
	if err != nil {
		return nil, err
	}
	f.Curve = h.Curve.String()
	f.count("constraints", int64(h.Constraints))
	f.count("wires", int64(h.Wires))
	f.count("outputs", int64(h.Outputs))
	f.count("public inputs", int64(h.PublicInputs))
	f.count("private inputs", int64(h.PrivateInputs))
	return f, nil
}
