package bls12377

const primeOrderG1 = false

// otherRoot is empty: key files use the library's root of unity.
const otherRoot = ""
