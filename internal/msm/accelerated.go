package msm

import "github.com/consensys/gnark-crypto/utils/cpu"

// Accelerated reports whether the CPU has what this package's kernels and the
// library's vectors are written for: AVX-512 with IFMA.
func Accelerated() bool { return cpu.SupportAVX512IFMA }
