//go:build linux

package faulttest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// forward keeps a way to the service open. open makes it, from a port of this
// machine, and returns when it is gone; then it is made anew. So it is when
// nothing answers on it: the pod at its other end may be gone.
type forward struct {
	open func(ctx context.Context, port string) error
	ask  func(ctx context.Context, port string) error

	mu   sync.Mutex
	port string
	last error // why the way is gone
}

// forward leads to one of the API's pods, by kubectl: ways of different numbers
// to different pods, as far as there are some.
func (k *kube) forward(number int) *forward {
	return &forward{ask: healthy, open: func(ctx context.Context, port string) error {
		pods, err := k.pods(ctx, k.all()+",app.kubernetes.io/component=api")
		if err != nil {
			return err
		}
		var names []string
		for _, p := range pods {
			if p.ready() {
				names = append(names, p.Metadata.Name)
			}
		}
		if len(names) == 0 {
			return errors.New("no API pod is ready")
		}
		slices.Sort(names)
		_, err = k.kubectl(ctx, "port-forward", "pod/"+names[number%len(names)], port+":http")
		return err
	}}
}

// healthy asks whether anything answers on a port.
func healthy(ctx context.Context, port string) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:"+port+"/healthz", nil)
	if err != nil {
		return err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
	return err
}

// keep keeps the way open until the context ends.
func (f *forward) keep(ctx context.Context) {
	pause := time.NewTicker(time.Second)
	defer pause.Stop()
	for ctx.Err() == nil {
		port := freePorts(1)[0]
		f.set(port, nil)
		f.set("", f.openOnce(ctx, port))
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
	}
}

// openOnce opens the way and closes it when nothing has answered a few times.
func (f *forward) openOnce(ctx context.Context, port string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var watch sync.WaitGroup
	defer watch.Wait()
	defer cancel(nil)
	watch.Go(func() {
		tick := time.NewTicker(5 * time.Second)
		defer tick.Stop()
		for failed := 0; failed < 3; {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			if f.ask(ctx, port) == nil {
				failed = 0
			} else {
				failed++
			}
		}
		cancel(errors.New("nothing answers at its other end"))
	})
	return f.open(ctx, port)
}

func (f *forward) set(port string, last error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.port = port
	if last != nil {
		f.last = last
	}
}

// dialBy is the dialler of an http.Transport whose hosts are names of ways.
func dialBy(ways map[string]*forward) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, host string) (net.Conn, error) { return ways[host].dial(ctx) }
}

func (f *forward) dial(ctx context.Context) (net.Conn, error) {
	f.mu.Lock()
	port, last := f.port, f.last
	f.mu.Unlock()
	if port == "" {
		return nil, errors.Join(errors.New("no way to the service at the moment"), last)
	}
	var d net.Dialer
	return d.DialContext(ctx, "tcp", "127.0.0.1:"+port)
}
