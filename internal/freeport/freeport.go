// Package freeport finds ports for servers that a test starts by number, and
// starts again on the same one.
package freeport

import (
	"math/rand/v2"
	"net"
)

// The ports that are tried lie below those that systems give to outgoing
// connections: otherwise a client that tries again and again to reach a server
// which is down may be given the server's port, and connect to itself.
const (
	lowest  = 10_000
	highest = 30_000
)

// Find returns n different ports on which nobody listens. It panics where there
// are none: on a machine without a loopback interface.
func Find(n int) []int {
	ports := make([]int, n)
	for i := range ports {
		l := listen()
		defer l.Close() // together, so that they differ
		ports[i] = l.Addr().(*net.TCPAddr).Port
	}
	return ports
}

func listen() (l net.Listener) {
	var err error
	for range 1000 {
		at := net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: lowest + rand.IntN(highest-lowest)}
		if l, err = net.Listen("tcp", at.String()); err == nil {
			return l
		}
	}
	panic(err)
}
