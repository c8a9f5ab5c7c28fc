// Package conformance compares Provery with zokrates-js on the programs of
// testdata/programs, which cover ZoKrates's language and standard library.
//
// Each program is compiled for each curve. Both implementations then solve the
// same arguments, which must give the same values, outputs and log lines, or
// the same failure at the same place; and with each scheme and key layout,
// keys and proofs of one are used and verified by the other.
//
// A program is a folder with a main.zok, the modules it imports, and a
// cases.json:
//
//	curves         those it compiles for, the compiler must refuse the others; all by default
//	large          if true, it is run on bn128 only, to bound the time
//	debug          compile with log statements
//	unconstrained  it has private values in no constraint: bellman has no keys for it
//	random         how many more cases to make up by the ABI; 4 by default
//	cases          [{"args": [...], "fails": "text of the failure", "refused": true}]
//
// In args the strings "p-1", "(p-1)/2" and the like stand for numbers relative
// to the curve's scalar modulus. A case without more must succeed. One with fails
// must fail, with a message of zokrates-js that holds the text; one with refused
// has arguments that don't fit the program's interface. On one with
// "crashes": "text", "output": ... zokrates-js crashes with the text, where we
// give the output.
//
// `go test` runs a sample. With PROVERY_CONFORMANCE=all in the environment it
// runs every program on every curve, and with names of programs, with commas
// between, these. What zokrates-js compiled, and its keys,
// are kept below build/cache/conformance, or below the directory that
// PROVERY_CACHE names.
package conformance
