//go:build linux

package faulttest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// records are the streams of the job records.
var records = [...]string{"KV_provery-jobs", "KV_provery-jobs-1", "KV_provery-jobs-2", "KV_provery-jobs-3", "KV_provery-jobs-4"}

// engine is an external job engine: real servers, each with its own store.
type engine struct {
	t     *testing.T
	nodes map[string]*process
	url   string
	conn  *nats.Conn
	js    jetstream.JetStream
}

// startEngine starts n servers, a cluster if there are several.
func startEngine(t *testing.T, n int) *engine {
	t.Helper()
	e := &engine{t: t, nodes: map[string]*process{}}
	ports := freePorts(2 * n)
	var urls []string
	for i := range n {
		name := string(rune('a' + i))
		args := []string{"-c", e.configFile(name, ports[i], ports[n:], i)}
		e.nodes[name] = launch(t, "nats-"+name, natsServer, args...)
		urls = append(urls, "nats://127.0.0.1:"+ports[i])
	}
	e.url = strings.Join(urls, ",")
	e.connect()
	return e
}

// configFile writes a server's configuration: what docs/operations.md asks for.
func (e *engine) configFile(name, port string, cluster []string, i int) string {
	e.t.Helper()
	dir := e.t.TempDir()
	text := fmt.Sprintf("server_name: %s\nlisten: 127.0.0.1:%s\njetstream { store_dir: %q, sync_interval: always }\n", name, port, dir)
	if len(cluster) > 1 {
		var routes []string
		for _, p := range cluster {
			routes = append(routes, "nats://127.0.0.1:"+p)
		}
		text += fmt.Sprintf("cluster { name: faults, listen: 127.0.0.1:%s, routes: [%s] }\n", cluster[i], strings.Join(routes, ", "))
	}
	file := filepath.Join(dir, "nats.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		e.t.Fatal(err)
	}
	return file
}

// connect makes the test's own connection, to look at the engine.
func (e *engine) connect() {
	e.t.Helper()
	eventually(e.t, "the engine answers", func() bool {
		conn, err := nats.Connect(e.url, nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
		if err == nil {
			e.conn = conn
		}
		return err == nil
	})
	e.t.Cleanup(e.conn.Close)
	var err error
	if e.js, err = jetstream.New(e.conn); err != nil {
		e.t.Fatal(err)
	}
	eventually(e.t, "JetStream answers", func() bool {
		ctx, cancel := context.WithTimeout(e.t.Context(), time.Second)
		defer cancel()
		_, err := e.js.AccountInfo(ctx)
		return err == nil
	})
}

// leader is leaderOf the engine.
func (e *engine) leader(i int) string { return leaderOf(e.t, e.js, len(e.nodes), i) }

// leaderOf returns a server that leads some of the records, another one each
// time, or "" unless all replicas are up to date: one server may fail at a time.
func leaderOf(t *testing.T, js jetstream.JetStream, servers, i int) (leader string) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for n, name := range records {
		s, err := js.Stream(ctx, name)
		if err != nil || s.CachedInfo().Cluster == nil || len(s.CachedInfo().Cluster.Replicas) != servers-1 {
			return ""
		}
		for _, r := range s.CachedInfo().Cluster.Replicas {
			if !r.Current || r.Offline {
				return ""
			}
		}
		if n == i%len(records) {
			leader = s.CachedInfo().Cluster.Leader
		}
	}
	return leader
}
