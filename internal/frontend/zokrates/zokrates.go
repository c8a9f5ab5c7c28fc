// Package zokrates is the front-end for programs compiled with ZoKrates 0.8:
// it reads the compiler's "out" and "abi.json", converts the program to a
// compact form of Provery's own, and solves arguments into witnesses natively.
//
// An import streams the program, which may be hundreds of megabytes, in memory
// that depends on the compact form only. Linear combinations that occur twice
// are stored and evaluated once; coefficients are indexes into a table of
// distinct ones. Whether a constraint defines a variable or is checked is
// decided at import, as is that every variable has one value before it is
// read. The compact file is described at its sections, in compact.go.
package zokrates

import (
	"bytes"
	"context"
	"encoding/json"
	"io"

	"provery/internal/container"
	"provery/internal/curve"
	"provery/internal/curve/bls12377"
	"provery/internal/curve/bls12381"
	"provery/internal/curve/bn254"
	"provery/internal/curve/bw6761"
	"provery/internal/fault"
	"provery/internal/frontend"
)

// The roles of a circuit's artefacts.
const (
	RoleProgram = "program"
	RoleABI     = "abi"
)

type zokrates struct{}

// New returns the front-end. It has no state.
func New() frontend.Frontend { return zokrates{} }

// Name returns "zokrates".
func (zokrates) Name() string { return "zokrates" }

// Roles returns the artefacts that Import reads.
func (zokrates) Roles() []frontend.Role {
	return []frontend.Role{
		{Name: RoleProgram, Usage: `compiled program, "out" of zokrates compile`},
		{Name: RoleABI, Optional: true, Usage: `interface, "abi.json" of zokrates compile; without it, arguments and outputs are flat lists of field elements`},
	}
}

// Import reads a program and its ABI, as frontend.Frontend says. A program
// that needs SnarkVerifyBls12377 is fault.Unsupported.
func (zokrates) Import(ctx context.Context, in frontend.Artefacts) (frontend.Program, error) {
	program := in[RoleProgram]
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if program == nil {
		return nil, fault.New(fault.InvalidRequest, "the artefact %q is missing", RoleProgram)
	}
	h, err := Describe(program)
	if err != nil {
		return nil, err
	}
	abiJSON, err := readABIFile(in[RoleABI])
	if err != nil {
		return nil, err
	}
	switch h.Curve {
	case curve.BN128:
		return importProgram(ctx, bn254.NewField(), program, h, abiJSON)
	case curve.BLS12381:
		return importProgram(ctx, bls12381.NewField(), program, h, abiJSON)
	case curve.BLS12377:
		return importProgram(ctx, bls12377.NewField(), program, h, abiJSON)
	case curve.BW6761:
		return importProgram(ctx, bw6761.NewField(), program, h, abiJSON)
	}
	return nil, fault.New(fault.Unsupported, "programs on %v aren't supported", h.Curve)
}

// Open opens a compact program, as frontend.Frontend says.
func (zokrates) Open(file []byte) (frontend.Program, error) {
	f, err := container.Open(file, fileKind, fileVersion)
	if err != nil {
		return nil, err
	}
	id, err := fileCurve(f)
	if err != nil {
		return nil, err
	}
	size := int64(len(file))
	switch id {
	case curve.BN128:
		return openProgram(bn254.NewField(), f, size)
	case curve.BLS12381:
		return openProgram(bls12381.NewField(), f, size)
	case curve.BLS12377:
		return openProgram(bls12377.NewField(), f, size)
	case curve.BW6761:
		return openProgram(bw6761.NewField(), f, size)
	}
	return nil, fault.New(fault.Unsupported, "programs on %v aren't supported", id)
}

// readABIFile returns the text of an ABI without white space, or nil if there
// is no file.
func readABIFile(file *io.SectionReader) (json.RawMessage, error) {
	if file == nil {
		return nil, nil
	}
	if file.Size() > maxABI {
		return nil, badABI("file is larger than %d bytes", maxABI)
	}
	text := make([]byte, file.Size())
	if _, err := io.ReadFull(io.NewSectionReader(file, 0, file.Size()), text); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "read ABI")
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return nil, badABI("not valid JSON")
	}
	return compact.Bytes(), nil
}
