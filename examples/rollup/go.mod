// The example of a consumer of the service: a payments ledger. It is a module of
// its own, so that its dependencies (go-ethereum under the LGPL, SQLite) are in no
// build of Provery.
module provery/examples/rollup

go 1.26.8

require (
	github.com/iden3/go-iden3-crypto v0.0.17
	provery v0.0.0-00010101000000-000000000000
)

require (
	github.com/dchest/blake512 v1.0.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)

replace provery => ../..
