package daemon

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"provery/internal/config"
	"provery/internal/fault"
)

// door is an address behind which there is a server while it is open, and
// nobody while it isn't.
type door struct {
	net.Listener
	to   string
	open atomic.Bool
	wg   sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn // that went through
}

// shut closes the door and cuts off whoever went through.
func (d *door) shut() {
	d.open.Store(false)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.conns {
		c.Close()
	}
}

func newDoor(t *testing.T, to string) *door {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &door{Listener: l, to: strings.TrimPrefix(to, "nats://")}
	d.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			d.wg.Go(func() { d.pass(c) })
		}
	})
	t.Cleanup(func() { l.Close(); d.wg.Wait() })
	return d
}

func (d *door) pass(c net.Conn) {
	defer c.Close()
	d.mu.Lock()
	open := d.open.Load()
	d.conns = append(d.conns, c)
	d.mu.Unlock()
	if !open {
		return
	}
	s, err := net.Dial("tcp", d.to)
	if err != nil {
		return
	}
	defer s.Close()
	var there sync.WaitGroup
	there.Go(func() { _, _ = io.Copy(s, c); s.Close() })
	_, _ = io.Copy(c, s)
	c.Close()
	there.Wait()
}

// TestReadyWhileItWaits starts a worker whose engine isn't there: it lives, it
// isn't ready and says why, and it is once the engine has come; likewise when
// that goes away for a while.
func TestReadyWhileItWaits(t *testing.T) {
	t.Parallel()
	url, shared := natsServer(t), t.TempDir()
	start(t, as(config.RoleAPI, url, shared)) // makes the sealing key
	d := newDoor(t, url)
	o := as(config.RoleWorker, "nats://"+d.Addr().String(), shared)
	cfg := configure(t, &o)
	log := &logBuffer{}
	type built struct {
		*Daemon
		err error
	}
	done := make(chan built, 1)
	go func() {
		b, err := New(t.Context(), cfg, Build{}, slog.New(slog.NewTextHandler(log, nil)))
		done <- built{b, err}
	}()
	admin := ""
	waitUntil(t, "the admin listener", func() bool {
		found := regexp.MustCompile(`msg="admin listener" address=(\S+)`).FindStringSubmatch(log.String())
		if found != nil {
			admin = "http://" + found[1]
		}
		return found != nil
	})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ask := func(path string) (int, string) {
		res, err := client.Get(admin + path)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, readAll(t, res)
	}
	waitUntil(t, "the reason", func() bool {
		status, body := ask("/readyz")
		if status != http.StatusServiceUnavailable {
			t.Fatalf("got %d %s, want it unready", status, body)
		}
		return strings.Contains(body, "waiting for the engine") && strings.Contains(body, d.Addr().String()) && strings.Contains(body, "can't be reached")
	})
	if status, _ := ask("/healthz"); status != http.StatusOK {
		t.Errorf("got %d, want it alive", status)
	}
	d.open.Store(true)
	b := get(t, "the start", done)
	if b.err != nil {
		t.Fatal(b.err)
	}
	if status, body := ask("/readyz"); status != http.StatusOK {
		t.Errorf("got %d %s, want it ready", status, body)
	}
	// It is cut off later, and back again.
	d.shut()
	waitUntil(t, "the connection to be missed", func() bool {
		status, body := ask("/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(body, `"name":"engine","ok":false,"detail":"engine: the connection is reconnecting`)
	})
	d.open.Store(true)
	waitUntil(t, "the connection to be back", func() bool { status, _ := ask("/readyz"); return status == http.StatusOK })
	if err := b.close(t.Context()); err != nil {
		t.Error(err)
	}
}

// waitUntil asks again until the condition holds.
func waitUntil(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// oldServer is a NATS server of an old version, as far as a client sees it that
// refuses it.
func oldServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				fmt.Fprintf(c, "INFO {\"server_id\":\"OLD\",\"version\":\"2.10.4\",\"proto\":1,\"headers\":true,\"jetstream\":true,\"max_payload\":1048576}\r\n")
				for lines := bufio.NewScanner(c); lines.Scan(); {
					if strings.HasPrefix(lines.Text(), "PING") {
						fmt.Fprint(c, "PONG\r\n")
					}
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return "nats://" + l.Addr().String()
}

// TestStartIsRefused has everything that waiting doesn't heal end the start at
// once, with a message that says what to do.
func TestStartIsRefused(t *testing.T) {
	t.Parallel()
	b := newBucket(t)
	locked := newBucket(t)
	locked.down.Store(true)
	secret := natsServer(t, &server.User{Username: "provery", Password: "right"})
	with := func(url string) func(*config.Config) { return func(c *config.Config) { c.Engine.URL = url } }
	plain := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		config func(*config.Config)
		code   fault.Code
		want   string
	}{
		"NATS password":            {with(strings.Replace(secret, "nats://", "nats://provery:wr0ng@", 1)), fault.InvalidRequest, "refuses the credentials"},
		"no NATS password":         {with(secret), fault.InvalidRequest, "refuses the credentials"},
		"old NATS":                 {with(oldServer(t)), fault.Unsupported, "2.10.4; 2.15 or newer is needed"},
		"no bucket":                {func(c *config.Config) { b.use(c); c.Store.S3.Bucket = "other" }, fault.InvalidRequest, "the bucket doesn't exist"},
		"bucket refuses":           {locked.use, fault.InvalidRequest, "refuses access"},
		"data directory is a file": {func(c *config.Config) { c.DataDir = plain }, fault.InvalidRequest, "data directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := setup{config: c.config}
			cfg := configure(t, &o)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			d, err := New(ctx, cfg, Build{}, slog.New(slog.DiscardHandler))
			if err == nil {
				_ = d.close(t.Context())
			}
			if !fault.Is(err, c.code) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "wr0ng") {
				t.Errorf("got %v, want %s with %q", err, c.code, c.want)
			}
		})
	}
}
