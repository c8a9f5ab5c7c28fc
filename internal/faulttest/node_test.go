//go:build linux

package faulttest

import (
	"fmt"
	"path/filepath"
	"testing"
)

// lease is how long a silent worker keeps its jobs in these tests.
const lease = "2s"

// node is a process of the service.
type node struct {
	*process
	address string
}

// startNode starts a process of the service in a role over a data directory,
// and waits until it is ready.
func startNode(t *testing.T, b *build, role, name, dir string, settings ...string) *node {
	t.Helper()
	address := "127.0.0.1:" + freePorts(1)[0]
	args := []string{"serve", "--role", role, "--data-dir", dir, "--slots", "2", "--threads", "1", "--set", "engine.lease=" + lease}
	if role == "worker" {
		args = append(args, "--set", "admin_listen="+address)
	} else {
		args = append(args, "--listen", address)
	}
	for _, s := range settings {
		args = append(args, "--set", s)
	}
	n := &node{process: launch(t, name, b, args...), address: address}
	newCaller(t, address).ready(t)
	return n
}

// startAllInOne starts the service as a single process with its embedded
// engine.
func startAllInOne(t *testing.T, dir string) (*node, *caller) {
	t.Helper()
	n := startNode(t, provery, "all", "provery", dir)
	c := newCaller(t, n.address)
	c.register(t)
	return n, c
}

// restart starts the process again, after it was killed or has ended, and waits
// until it is ready.
func (n *node) restart() {
	n.t.Helper()
	n.start()
	newCaller(n.t, n.address).ready(n.t)
}

// cluster is a service of several processes on an external engine.
type cluster struct {
	t        *testing.T
	engine   *engine
	settings []string
	apis     []*node
	workers  []*node
	caller   *caller
}

// startCluster starts so many servers of the engine, processes for the API, and
// workers.
func startCluster(t *testing.T, servers, apis, workers int, settings ...string) *cluster {
	t.Helper()
	e, shared := startEngine(t, servers), t.TempDir()
	c := &cluster{t: t, engine: e, settings: append(settings,
		"engine.url="+e.url, "blob_dir="+filepath.Join(shared, "blobs"), "seal_key="+filepath.Join(shared, "seal.key"))}
	if servers >= 3 {
		c.settings = append(c.settings, "engine.replicas=3")
	}
	var addresses []string
	for i := range apis {
		n := startNode(t, provery, "api", fmt.Sprint("api-", i+1), t.TempDir(), c.settings...)
		c.apis, addresses = append(c.apis, n), append(addresses, n.address)
	}
	for range workers {
		c.addWorker(provery)
	}
	c.caller = newCaller(t, addresses...)
	c.caller.register(t)
	return c
}

// addWorker starts one more worker.
func (c *cluster) addWorker(b *build) *node {
	c.t.Helper()
	n := startNode(c.t, b, "worker", fmt.Sprint("worker-", len(c.workers)+1), c.t.TempDir(), c.settings...)
	c.workers = append(c.workers, n)
	return n
}
