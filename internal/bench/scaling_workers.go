package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"provery/api"
	"provery/client"
	"provery/internal/fault"
)

// byWorkers plans the third experiment: worker processes that share the jobs of
// one engine, as on machines of a cluster.
func (s *scaling) byWorkers() plan {
	p := plan{of: Experiment{Name: ByWorkers, Title: "time against worker processes", X: "workers", How: "one API process, a NATS server, workers of one slot each"}}
	for _, n := range s.o.Workers {
		p.of.Points = append(p.of.Points, Point{X: float64(n), Processes: n, Parallel: 1, Threads: max(1, s.o.Cores/n)})
	}
	p.point = s.inWorkers
	return p
}

// cluster is a service of several processes on this machine.
type cluster struct {
	lab     *Lab
	dir     string
	engine  *session
	shared  []string // flags that all have in common
	api     *service
	workers []*service
	client  *client.Client
}

// service is a process of the service.
type service struct {
	cmd    *exec.Cmd
	output sync.WaitGroup // its log's reader
	log    tail
}

// inWorkers measures one number of workers.
func (s *scaling) inWorkers(ctx context.Context, p *Point, seconds float64) (err error) {
	if s.subject.m.Synthetic != nil {
		return fault.New(fault.Unsupported, "synthetic systems can't be registered with a service")
	}
	until := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	c := &cluster{lab: s.lab}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.start(ctx, p.Processes, p.Threads); err != nil {
		return err
	}
	circuit, err := register(ctx, c.client, &s.subject.m, "workload")
	if err != nil {
		return err
	}
	arguments := s.subject.m.Arguments
	// Every worker opens the circuit before the proofs that count.
	if _, err := c.load(ctx, circuit.ID, arguments, loadRequest{Parallel: 2 * p.Processes, Proofs: 2 * p.Processes}); err != nil {
		return err
	}
	before := c.cpu()
	most := c.watch(ctx)
	left := time.Until(until).Seconds()
	load, err := c.load(ctx, circuit.ID, arguments, loadRequest{Parallel: 2 * p.Processes, Proofs: s.enough(), Seconds: left * 0.8})
	p.Memory = most()
	if err != nil {
		return err
	}
	p.Load = *load
	p.CPU = (c.cpu() - before).Seconds()
	return nil
}

// start starts the engine, an API process and so many workers.
func (c *cluster) start(ctx context.Context, workers, threads int) (err error) {
	if c.dir, err = os.MkdirTemp("", "provery-bench-"); err != nil {
		return err
	}
	command := append(append([]string{}, c.lab.Command...), EngineArgument, filepath.Join(c.dir, "engine"))
	if c.engine, err = startSession(ctx, command, sizing{}); err != nil {
		return err
	}
	var at engineAddress
	if err := c.engine.replies.Decode(&at); err != nil {
		return fmt.Errorf("start the NATS server: %w: %s", err, c.engine.stderr)
	}
	c.shared = []string{
		"--set", "engine.url=" + at.URL, "--set", "blob_dir=" + filepath.Join(c.dir, "blobs"), "--set", "seal_key=" + filepath.Join(c.dir, "seal.key"),
	}
	var address string
	if c.api, address, err = c.serve(ctx, "api", "--listen", "127.0.0.1:0"); err != nil {
		return err
	}
	// Retries would hide what doesn't work, and cost writes.
	if c.client, err = client.New("http://"+address, client.WithRetries(0)); err != nil {
		return err
	}
	for range workers {
		w, _, err := c.serve(ctx, "worker", "--slots", "1", "--threads", fmt.Sprint(threads))
		if w != nil {
			c.workers = append(c.workers, w)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// serve starts a process of the service in a role, and waits until it serves.
func (c *cluster) serve(ctx context.Context, role string, flags ...string) (*service, string, error) {
	args := []string{"serve", "--role", role, "--data-dir", filepath.Join(c.dir, role)}
	args = append(append(args, c.shared...), flags...)
	s := &service{cmd: exec.CommandContext(ctx, c.lab.Command[0], args...)}
	s.cmd.WaitDelay = 5 * time.Second
	for _, v := range os.Environ() { // settings of this process's own service are not its
		if !strings.HasPrefix(v, "PROVERY_") || strings.HasPrefix(v, childPrefix) {
			s.cmd.Env = append(s.cmd.Env, v)
		}
	}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, "", err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, "", err
	}
	serving := make(chan string, 1)
	s.output.Go(func() { s.follow(stderr, serving) })
	address, ok := <-serving
	if !ok {
		return s, "", errors.Join(fmt.Errorf("the %s ended: %s", role, &s.log), ctx.Err())
	}
	return s, address, nil
}

// childPrefix begins the names of variables that tests need in children.
const childPrefix = "PROVERY_BENCH_"

// follow reads the log to its end and tells the address that is served.
func (s *service) follow(r io.Reader, serving chan<- string) {
	defer close(serving)
	told := false
	for lines := bufio.NewScanner(r); lines.Scan(); {
		_, _ = s.log.Write(append(lines.Bytes(), '\n'))
		if _, rest, found := strings.Cut(lines.Text(), "msg=serving address="); found && !told {
			address, _, _ := strings.Cut(rest, " ")
			serving <- address
			told = true
		}
	}
}

// stop asks the process to end and waits for it.
func (s *service) stop() error {
	if s == nil {
		return nil
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	s.output.Wait()
	var exit *exec.ExitError
	if err := s.cmd.Wait(); err != nil && !errors.As(err, &exit) {
		return err
	}
	return nil
}

func (c *cluster) close() error {
	var err error
	for _, w := range append(c.workers, c.api) {
		err = errors.Join(err, w.stop())
	}
	_ = endSession(c.engine)
	if c.dir != "" {
		err = errors.Join(err, os.RemoveAll(c.dir))
	}
	return err
}

// load asks for proofs, so many at a time, as a loadRequest of a child does.
func (c *cluster) load(ctx context.Context, circuit string, arguments []json.RawMessage, req loadRequest) (*Load, error) {
	return runLoad(&req, func(i int) error {
		_, err := c.client.Prove(ctx, api.ProofRequest{Circuit: circuit, Arguments: arguments[i%len(arguments)]})
		return err
	})
}

// processes returns the ids of the processes that have been started.
func (c *cluster) processes() []int {
	out := []int{c.engine.cmd.Process.Pid, c.api.cmd.Process.Pid}
	for _, w := range c.workers {
		out = append(out, w.cmd.Process.Pid)
	}
	return out
}

// cpu returns the processor time of all processes so far.
func (c *cluster) cpu() (sum time.Duration) {
	for _, pid := range c.processes() {
		sum += cpuOf(pid)
	}
	return sum
}

// watch looks at the workers' memory until the returned function is called,
// which returns the highest sum.
func (c *cluster) watch(ctx context.Context) func() int64 {
	ctx, stop := context.WithCancel(ctx)
	var most int64
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			var sum int64
			for _, w := range c.workers {
				sum += shareOf(w.cmd.Process.Pid)
			}
			most = max(most, sum)
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	return func() int64 {
		stop()
		done.Wait()
		return most
	}
}

// EngineArgument, after ChildCommand and before a directory, makes the process
// an Engine.
const EngineArgument = "engine"

type engineAddress struct {
	URL string `json:"url"`
}

// Engine runs a NATS server on loopback, with its data in dir, until in ends. It
// writes its address to out.
func Engine(dir string, in io.Reader, out io.Writer) error {
	s, err := server.NewServer(&server.Options{
		ServerName: "bench", Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: dir, SyncAlways: true,
	})
	if err != nil {
		return err
	}
	go s.Start()
	defer func() {
		s.Shutdown()
		s.WaitForShutdown()
	}()
	if !s.ReadyForConnections(time.Minute) {
		return errors.New("the NATS server didn't start")
	}
	address, ok := s.Addr().(*net.TCPAddr)
	if !ok {
		return errors.New("the NATS server doesn't listen")
	}
	if err := json.NewEncoder(out).Encode(engineAddress{"nats://" + address.String()}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}
