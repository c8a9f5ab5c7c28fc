// Command kernelgen writes the AVX-512 kernels of packages msm and ntt in Go's
// assembler. Run it with
//
//	go generate ./internal/kernelgen
//
// All kernels work on eight field elements at once, one in each 64-bit lane of
// the registers ("lanes" for short): element v is five registers that hold limbs of
// 52 bits, since the instructions VPMADD52LUQ and VPMADD52HUQ multiply numbers
// of 52 bits. [Montgomery's multiplication] on limbs of 52 bits divides by
// 2^260; see mul.
//
// The moduli have 254 bits, so that a value has six bits to spare in 2^260. Most
// values are not reduced below the modulus p; comments give their bounds. What mul
// makes of values below x·p and y·p is below p·(1 + x·y/84).
//
// [Montgomery's multiplication]: https://doi.org/10.1090/S0025-5718-1985-0777282-X
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

//go:generate go run . ..

// Generate returns the generated files by path below root, the directory of
// the project's packages.
func Generate() map[string][]byte {
	return map[string][]byte{
		filepath.Join("msm", "kernel_amd64.s"): msmKernels(),
		filepath.Join("ntt", "kernel_amd64.s"): nttKernels(),
	}
}

func run(root string) error {
	for path, text := range Generate() {
		path = filepath.Join(root, path)
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
			continue
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: kernelgen <directory of the packages>")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "kernelgen:", err)
		os.Exit(1)
	}
}
