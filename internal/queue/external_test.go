package queue_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"provery/internal/engine"
	"provery/internal/fault"
	"provery/internal/freeport"
	"provery/internal/parallel"
	"provery/internal/queue"
	"provery/internal/store/file"
)

// connect opens a queue on external servers, as a process of its own would.
func connect(t *testing.T, url, dir string, cfg queue.Config) *fixture {
	t.Helper()
	f := &fixture{dir: dir, cfg: cfg}
	var err error
	// A cluster takes some seconds to find a leader.
	if f.eng, err = engine.Open(t.Context(), engine.Config{URL: url, StartTimeout: time.Minute}); err != nil {
		t.Fatal(err)
	}
	if f.blobs, err = file.Open(dir + "/blobs"); err != nil {
		t.Fatal(err)
	}
	for {
		if f.Queue, err = queue.Open(t.Context(), f.eng, f.blobs, cfg); err == nil {
			break
		} else if !fault.Is(err, fault.Overloaded) {
			t.Fatalf("open queue: %v", err)
		}
	}
	t.Cleanup(f.stop)
	return f
}

// load is a number of clients and what they were promised.
type load struct {
	mu       sync.Mutex
	accepted map[string]bool
	doubtful map[string]bool // an error came, and the job may run all the same
	clients  sync.WaitGroup
	enough   chan struct{}
}

// startLoad lets clients submit jobs through q until stop is called.
func startLoad(t *testing.T, q *queue.Queue) *load {
	l := &load{accepted: map[string]bool{}, doubtful: map[string]bool{}, enough: make(chan struct{})}
	for range 2 {
		l.clients.Go(func() {
			for {
				select {
				case <-l.enough:
					return
				default:
					l.submit(t, q)
				}
			}
		})
	}
	return l
}

func (l *load) stop() {
	close(l.enough)
	l.clients.Wait()
}

func (l *load) submit(t *testing.T, q *queue.Queue) {
	n := newJob()
	n.ID = queue.NewID(time.Now())
	n.Sealed = []byte(n.ID)
	_, _, err := q.Enqueue(t.Context(), n)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.accepted[n.ID] = true
	} else {
		l.doubtful[n.ID] = true
	}
}

// more waits until n more jobs have been accepted.
func (l *load) more(t *testing.T, n int) {
	t.Helper()
	size := func() int {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.accepted)
	}
	from := size()
	eventually(t, "jobs are accepted", func() bool { return size() >= from+n })
}

// account checks that every accepted job has its own result, and that nothing
// is there that nobody asked for.
func (l *load) account(t *testing.T, q *queue.Queue) {
	t.Helper()
	ids := slices.Collect(maps.Keys(l.accepted))
	_ = parallel.Each(t.Context(), 8, len(ids), func(i int) error {
		j, err := q.Wait(t.Context(), ids[i], time.Minute)
		if err != nil || j.State != queue.Succeeded {
			t.Errorf("job %s: got %s at attempt %d, %v", ids[i], j.State, j.Attempt, err)
			return nil
		}
		if body, err := q.Result(t.Context(), j); err != nil || string(body) != ids[i] {
			t.Errorf("job %s: got result %q, %v", ids[i], body, err)
		}
		return nil
	})
	total := 0
	for cursor := ""; ; {
		jobs, next, err := q.List(t.Context(), queue.Filter{}, cursor, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range jobs {
			if !l.accepted[j.ID] && !l.doubtful[j.ID] {
				t.Errorf("job %s: nobody asked for it", j.ID)
			}
		}
		if total += len(jobs); next == "" {
			break
		}
		cursor = next
	}
	t.Logf("%d accepted, %d in doubt, %d recorded", len(l.accepted), len(l.doubtful), total)
	if total < len(l.accepted) {
		t.Errorf("%d jobs are lost", len(l.accepted)-total)
	}
}

// TestExternalServer kills the external server under load. Workers keep their
// attempts over the server's restart.
func TestExternalServer(t *testing.T) {
	t.Parallel()
	kills := 5
	if testing.Short() {
		kills = 1
	}
	port := freeport.Find(1)[0]
	srv := startChild(t, role{Server: &serverRole{Name: "one", Dir: t.TempDir(), Port: port}})
	f := connect(t, clientURL(port), t.TempDir(), queue.Config{})
	g := connect(t, clientURL(port), f.dir, queue.Config{})
	n := newJob()
	n.ID = queue.NewID(time.Now())
	n.Sealed = []byte(n.ID)
	long := enqueue(t, f.Queue, n)
	held := lease(t, f.Queue)
	stop := serve2(t, g.Queue, 4)
	defer stop()
	l := startLoad(t, f.Queue)
	for range kills {
		l.more(t, 20)
		srv.kill()
		srv.start()
	}
	l.more(t, 20)
	l.stop()
	if err := held.Complete(t.Context(), queue.Result{Body: n.Sealed}); err != nil {
		t.Errorf("the long attempt: %v", err)
	}
	if j := job(t, f.Queue, long.ID); j.State != queue.Succeeded || j.Attempt != 1 {
		t.Errorf("the long job: got %s at attempt %d, want its first attempt to succeed", j.State, j.Attempt)
	}
	l.accepted[long.ID] = true
	l.account(t, f.Queue)
}

// serve2 is echoWorker on n goroutines, until the returned function is called.
func serve2(t *testing.T, q *queue.Queue, n int) func() {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { echoWorker(ctx, q) })
	}
	return func() { cancel(); wg.Wait() }
}

// TestCluster kills the leader of a cluster of three under load.
func TestCluster(t *testing.T) {
	t.Parallel()
	kills := 2
	if testing.Short() {
		kills = 1
	}
	ports := freeport.Find(6)
	nodes := map[string]*child{}
	for i, name := range []string{"a", "b", "c"} {
		nodes[name] = startChild(t, role{Server: clusterServer(i, name, t.TempDir(), ports)})
	}
	url := clientURL(ports[:3]...)
	f := connect(t, url, t.TempDir(), queue.Config{Replicas: 3})
	g := connect(t, url, f.dir, queue.Config{}) // knows nothing of replicas, and takes none away
	if n := replicas(t, f); n != 3 {
		t.Errorf("the records have %d replicas, want 3", n)
	}
	stop := serve2(t, g.Queue, 4)
	defer stop()
	l := startLoad(t, f.Queue)
	for range kills {
		l.more(t, 20)
		eventually(t, "all servers are up to date", func() bool { return upToDate(t, f) })
		name := leader(t, f)
		nodes[name].kill()
		l.more(t, 20) // under another leader
		nodes[name].start()
	}
	l.more(t, 20)
	l.stop()
	l.account(t, f.Queue)
}

// clusterServer is the server i of three, with the ports for clients and then
// those for the servers.
func clusterServer(i int, name, dir string, ports []int) *serverRole {
	routes := []int{ports[3+i], ports[3+(i+1)%3], ports[3+(i+2)%3]}
	return &serverRole{Name: name, Dir: dir, Port: ports[i], ClusterPorts: routes}
}

// upToDate reports whether all replicas of the records are: one server may
// fail at a time.
func upToDate(t *testing.T, f *fixture) bool {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for _, name := range queue.Streams("provery") {
		s, err := f.eng.JetStream().Stream(ctx, name)
		if err != nil || s.CachedInfo().Cluster == nil || len(s.CachedInfo().Cluster.Replicas) != 2 {
			return false
		}
		for _, r := range s.CachedInfo().Cluster.Replicas {
			if !r.Current || r.Offline {
				return false
			}
		}
		if s.CachedInfo().Cluster.Leader == "" {
			return false
		}
	}
	return true
}

// leader returns the name of the server that leads a shard of the records.
func leader(t *testing.T, f *fixture) string {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	s, err := f.eng.JetStream().Stream(ctx, queue.Streams("provery")[1])
	if err != nil || s.CachedInfo().Cluster == nil {
		return ""
	}
	return s.CachedInfo().Cluster.Leader
}

func replicas(t *testing.T, f *fixture) int {
	t.Helper()
	n := 0
	for _, name := range queue.Streams("provery") {
		s, err := f.eng.JetStream().Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if n = s.CachedInfo().Config.Replicas; n != 3 {
			break
		}
	}
	return n
}

// TestKilledProcess kills an all-in-one process under load, again and again:
// engine, clients and workers at once.
func TestKilledProcess(t *testing.T) {
	t.Parallel()
	kills := 10
	if testing.Short() {
		kills = 3
	}
	dir := t.TempDir()
	l := &load{accepted: map[string]bool{}, doubtful: map[string]bool{}}
	c := startChild(t, role{Service: &serviceRole{Dir: dir, Clients: 4}})
	for i := range kills {
		if i > 0 {
			c.start()
		}
		for seen := 0; seen < 20+7*i; seen++ { // a different moment each time
			l.hear(<-c.lines)
		}
		c.kill()
		for line := range c.lines {
			l.hear(line)
		}
	}
	f := open(t, dir, queue.Config{MaxFailures: 1000})
	stop := serve2(t, f.Queue, 4)
	defer stop()
	l.account(t, f.Queue)
}

func (l *load) hear(line string) {
	switch word, id, _ := strings.Cut(line, " "); word {
	case "try":
		l.doubtful[id] = true
	case "accepted":
		l.accepted[id] = true
	}
}
