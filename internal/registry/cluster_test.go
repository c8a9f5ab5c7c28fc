package registry

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"provery/internal/engine"
	"provery/internal/fault"
	"provery/internal/freeport"
	"provery/internal/store/file"
)

// cluster runs three NATS servers inside the test and returns their URL.
func cluster(t *testing.T) string {
	t.Helper()
	ports := freeport.Find(3)
	var routes []string
	for _, port := range ports {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", port))
	}
	var urls []string
	for i, port := range ports {
		urls = append(urls, member(t, i, port, strings.Join(routes, ",")))
	}
	return strings.Join(urls, ",")
}

// member starts one server of a cluster.
func member(t *testing.T, i, port int, routes string) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		ServerName: fmt.Sprintf("n%d", i), Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: t.TempDir(), SyncAlways: true,
		Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: port}, Routes: server.RoutesFromStr(routes),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("server is not ready")
	}
	return s.ClientURL()
}

// TestReplicas opens the registry with one replica, then with three, then
// with one again: safety only grows. Records are then read from the leader.
func TestReplicas(t *testing.T) {
	t.Parallel()
	eng, err := engine.Open(t.Context(), engine.Config{URL: cluster(t), StartTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	blobs, err := file.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{eng: eng, blobs: blobs}
	for _, step := range []struct {
		asked, want int
		direct      bool
	}{{1, 1, true}, {3, 3, false}, {1, 3, false}} {
		for {
			f.Registry, err = Open(t.Context(), eng, blobs, Config{Replicas: step.asked})
			if err == nil {
				break
			}
			if !fault.Is(err, fault.Overloaded) { // there is no leader for a moment
				t.Fatal(err)
			}
		}
		s, err := eng.JetStream().Stream(t.Context(), "KV_provery-registry")
		if err != nil {
			t.Fatal(err)
		}
		if c := s.CachedInfo().Config; c.Replicas != step.want || c.AllowDirect != step.direct {
			t.Errorf("asked for %d: got %d replicas, direct=%v", step.asked, c.Replicas, c.AllowDirect)
		}
		for {
			_, _, err := f.AddCircuit(t.Context(), f.circuit(t, fmt.Sprint("source ", step.asked, step.want)), "")
			if err == nil {
				break
			}
			if !fault.Is(err, fault.Overloaded) {
				t.Fatalf("add a circuit: %v", err)
			}
		}
		f.Close()
	}
	if err := eng.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := blobs.Close(); err != nil {
		t.Error(err)
	}
}
