package msm

import "github.com/consensys/gnark-crypto/utils/cpu"

// Accelerated reports whether the CPU has what makes this package faster than
// gnark-crypto's MultiExp: AVX-512 with IFMA, in Go's assembler or in the
// library's vectors.
func Accelerated() bool { return cpu.SupportAVX512IFMA }
