//go:build !amd64 || purego

package msm

import "github.com/consensys/gnark-crypto/ecc/bn254"

func newKernelG1() adder[bn254.G1Affine] { return nil }

func newKernelG2() adder[bn254.G2Affine] { return nil }
