//go:build linux

package faulttest

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"provery/internal/config"
)

// site is the service as a number of containers: an engine of three servers, an
// S3 server, API processes and workers.
type site struct {
	t             *testing.T
	h             *host
	nats          map[string]*container
	s3            *container
	apis, workers []*container
	caller        *caller
	js            jetstream.JetStream
}

// startSite starts the service from an image, and registers the circuit.
func startSite(t *testing.T, h *host, image string, apis, workers int) *site {
	t.Helper()
	s := &site{t: t, h: h, nats: map[string]*container{}}
	secrets := h.volume("secrets")
	// A new volume has the contents and the owner of what it hides in the image.
	docker(t, append(append([]string{"run", "--rm", "--volume", secrets + ":/data"}, hardened...), image, "sealkeys", "create", "--file", "/data/seal.key")...)
	s.startEngine()
	s.startStore()

	key, hash := config.GenerateKey()
	var urls []string
	for name := range s.nats {
		urls = append(urls, "nats://provery:faults@"+name+":4222")
	}
	settings := []string{"--volume", secrets + ":/secrets:ro"}
	for name, value := range map[string]string{
		"PROVERY_ENGINE_URL": strings.Join(urls, ","), "PROVERY_ENGINE_REPLICAS": "3", "PROVERY_ENGINE_LEASE": lease,
		"PROVERY_STORE_S3_BUCKET": "provery", "PROVERY_STORE_S3_ENDPOINT": "http://s3:7070", "PROVERY_STORE_S3_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": "provery", "AWS_SECRET_ACCESS_KEY": "faultsfaults",
		"PROVERY_SEAL_KEY": "/secrets/seal.key", "PROVERY_API_KEYS": "faults:" + hash,
		"PROVERY_WORKERS_SLOTS": "2", "PROVERY_WORKERS_THREADS": "1",
	} {
		settings = append(settings, "--env", name+"="+value)
	}
	var addresses []string
	for i := range apis {
		address := "127.0.0.1:" + freePorts(1)[0]
		flags := append([]string{"--publish", address + ":8080"}, settings...)
		s.apis = append(s.apis, h.run(fmt.Sprint("api-", i+1), image, flags, []string{"serve", "--role", "api"}))
		addresses = append(addresses, address)
	}
	for i := range workers {
		s.workers = append(s.workers, h.run(fmt.Sprint("worker-", i+1), image, settings, []string{"serve", "--role", "worker"}))
	}
	s.caller = newCallerWith(t, key, addresses...)
	s.caller.ready(t)
	s.caller.register(t)
	return s
}

// startEngine starts three servers with the configuration of the compose file.
func (s *site) startEngine() {
	s.t.Helper()
	image := s.h.imported("nats", []string{`ENTRYPOINT ["/nats-server", "-c", "/etc/nats/nats.conf"]`},
		imageFile{"nats-server", 0o755, readFile(s.t, natsServer.file(s.t))},
		imageFile{"etc/nats/nats.conf", 0o644, readFile(s.t, "../../deploy/compose/nats.conf")},
		imageFile{"data/", 0o755, nil})
	var urls []string
	for i := range 3 {
		name, address := fmt.Sprint("nats-", i+1), "127.0.0.1:"+freePorts(1)[0]
		s.nats[name] = s.h.run(name, image, []string{
			"--publish", address + ":4222", "--volume", s.h.volume(name) + ":/data", "--env", "NATS_NAME=" + name, "--env", "NATS_PASSWORD=faults",
		}, nil)
		urls = append(urls, "nats://provery:faults@"+address)
	}
	// The addresses that servers tell of each other are those among containers.
	conn, err := nats.Connect(strings.Join(urls, ","), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond),
		nats.RetryOnFailedConnect(true), nats.IgnoreDiscoveredServers())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(conn.Close)
	if s.js, err = jetstream.New(conn); err != nil {
		s.t.Fatal(err)
	}
}

// startStore starts the S3 server.
func (s *site) startStore() {
	s.t.Helper()
	file := os.Getenv("PROVERY_VERSITYGW")
	if file == "" {
		s.t.Fatal("PROVERY_VERSITYGW must name the S3 server's program: make test-docker does it")
	}
	image := s.h.imported("s3", []string{`ENTRYPOINT ["/versitygw", "--port", ":7070", "posix", "/blobs"]`},
		imageFile{"versitygw", 0o755, readFile(s.t, file)}, imageFile{"blobs/", 0o755, nil}, imageFile{"blobs/provery/", 0o755, nil})
	s.s3 = s.h.run("s3", image, []string{
		"--volume", s.h.volume("s3") + ":/blobs", "--env", "ROOT_ACCESS_KEY=provery", "--env", "ROOT_SECRET_KEY=faultsfaults",
	}, nil)
}

// leader returns the container that leads some of the records, another one each
// time, once all servers are up to date.
func (s *site) leader(i int) *container {
	s.t.Helper()
	name := ""
	eventually(s.t, "all servers are up to date", func() bool { name = leaderOf(s.t, s.js, len(s.nats), i); return name != "" })
	return s.nats[name]
}
