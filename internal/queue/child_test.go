package queue_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"provery/internal/engine"
	"provery/internal/queue"
	"provery/internal/store/file"
)

// roleVariable tells a child process of a test what it is.
const roleVariable = "PROVERY_QUEUE_TEST_ROLE"

// role is what a child does until it is killed, or its parent is gone.
type role struct {
	Server  *serverRole  `json:",omitempty"`
	Service *serviceRole `json:",omitempty"`
}

// serverRole is an external server, alone or in a cluster.
type serverRole struct {
	Name, Dir    string
	Port         int
	ClusterPorts []int // of all; the first is its own. Empty: no cluster
}

// serviceRole is an all-in-one process: embedded engine, clients, workers.
type serviceRole struct {
	Dir     string
	Clients int
}

// runRole plays a child's part and returns its exit status.
func runRole(text string) int {
	var r role
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return 2
	}
	gone := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(gone)
	}()
	var err error
	if r.Server != nil {
		err = r.Server.run(gone)
	} else {
		err = r.Service.run(gone)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (r *serverRole) run(gone <-chan struct{}) error {
	o := &server.Options{
		ServerName: r.Name, Host: "127.0.0.1", Port: r.Port, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: r.Dir, SyncAlways: true,
	}
	if len(r.ClusterPorts) > 0 {
		o.Cluster = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: r.ClusterPorts[0]}
		for _, p := range r.ClusterPorts[1:] {
			o.Routes = append(o.Routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", p)})
		}
	}
	s, err := server.NewServer(o)
	if err != nil {
		return err
	}
	s.Start()
	if !s.ReadyForConnections(time.Minute) {
		return fmt.Errorf("not ready")
	}
	fmt.Println("ready")
	<-gone
	s.Shutdown()
	return nil
}

// run serves and submits jobs, and prints each job that was accepted. A
// client's job is in doubt between "try" and "accepted".
func (r *serviceRole) run(gone <-chan struct{}) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	eng, err := engine.Open(ctx, engine.Config{StoreDir: r.Dir + "/engine"})
	if err != nil {
		return err
	}
	blobs, err := file.Open(r.Dir + "/blobs")
	if err != nil {
		return err
	}
	q, err := queue.Open(ctx, eng, blobs, queue.Config{MaxFailures: 1000})
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	say := func(word, id string) { mu.Lock(); fmt.Println(word, id); mu.Unlock() }
	for range 4 {
		wg.Go(func() { echoWorker(ctx, q) })
	}
	for range r.Clients {
		wg.Go(func() {
			for ctx.Err() == nil {
				n := newJob()
				n.ID = queue.NewID(time.Now())
				n.Sealed = []byte(n.ID)
				say("try", n.ID)
				if _, _, err := q.Enqueue(ctx, n); err == nil {
					say("accepted", n.ID)
				}
			}
		})
	}
	fmt.Println("ready")
	<-gone
	cancel()
	wg.Wait()
	q.Close()
	return eng.Close(context.Background())
}

// echoWorker completes every job with its arguments until ctx is done.
func echoWorker(ctx context.Context, q *queue.Queue) {
	for {
		l, err := q.Lease(ctx, "echo")
		if err != nil {
			return
		}
		args, err := l.Arguments(ctx)
		if err == nil {
			err = l.Complete(context.WithoutCancel(ctx), queue.Result{Body: args})
		}
		if err != nil {
			l.Abandon()
		}
	}
}

// child is a process in one of the roles.
type child struct {
	t     testing.TB
	role  role
	cmd   *exec.Cmd
	stdin io.Closer
	lines chan string // what it says after "ready"; closed at its end
}

// startChild starts a child and waits until it is ready.
func startChild(t testing.TB, r role) *child {
	t.Helper()
	c := &child{t: t, role: r}
	t.Cleanup(c.kill)
	c.start()
	return c
}

func (c *child) start() {
	c.t.Helper()
	if err := c.launch(); err != nil {
		c.t.Fatal(err)
	}
}

// launch starts the process and waits until it is ready.
func (c *child) launch() error {
	text, err := json.Marshal(c.role)
	if err != nil {
		return err
	}
	c.cmd = exec.Command(os.Args[0])
	c.cmd.Env = append(os.Environ(), roleVariable+"="+string(text))
	c.cmd.Stderr = os.Stderr
	out, err := c.cmd.StdoutPipe()
	if err == nil {
		c.stdin, err = c.cmd.StdinPipe()
	}
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		return err
	}
	ready := make(chan struct{})
	lines := make(chan string, 100_000)
	c.lines = lines
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			if s.Text() == "ready" {
				close(ready)
			} else {
				lines <- s.Text()
			}
		}
	}()
	select {
	case <-ready:
		return nil
	case <-time.After(30 * time.Second):
		return errors.New("a child process is not ready after 30 s")
	}
}

// kill ends the child as kill -9 does, and waits for its end. The lines that
// it said before can still be read.
func (c *child) kill() {
	if c.cmd == nil || c.cmd.Process == nil {
		return
	}
	_ = c.cmd.Process.Kill()
	said := c.lines
	c.lines = make(chan string, cap(said))
	for line := range said { // up to the end of its output
		c.lines <- line
	}
	close(c.lines)
	_ = c.cmd.Wait()
	_ = c.stdin.Close()
	c.cmd = nil
}

// clientURL addresses servers by their ports.
func clientURL(ports ...int) string {
	var urls []string
	for _, p := range ports {
		urls = append(urls, fmt.Sprintf("nats://127.0.0.1:%d", p))
	}
	return strings.Join(urls, ",")
}
