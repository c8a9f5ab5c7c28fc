// Package faulttest breaks a running service on purpose. Its tests start the
// real binaries, provery and nats-server, as child processes, let clients ask
// for proofs over HTTP, and meanwhile kill, stop and starve the processes. At
// the end they count: every accepted job has ended, once, and every proof is
// the one that was asked for.
//
// `go test` runs a short form; `make test-faults` runs the long one, and prints
// its table. `make test-docker` does the same to containers, and
// `make e2e-cluster` to a release of the chart on a Kubernetes cluster.
package faulttest
