package rollup_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
)

// middle is an HTTP hop that a test can put something into.
type middle struct {
	url  string
	next atomic.Pointer[http.Handler]
	mu   sync.Mutex
	hook func(w http.ResponseWriter, r *http.Request, body []byte, next http.Handler)
}

func newMiddle(t *testing.T, next http.Handler) *middle {
	m := &middle{}
	m.next.Store(&next)
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	m.url = server.URL
	return m
}

// set has f answer in place of what is behind, nil nothing.
func (m *middle) set(f func(w http.ResponseWriter, r *http.Request, body []byte, next http.Handler)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hook = f
}

func (m *middle) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	hook := m.hook
	m.mu.Unlock()
	next := *m.next.Load()
	if hook == nil {
		next.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	hook(w, r, body, next)
}

// proxy forwards to a service.
func proxy(t *testing.T, base string) http.Handler {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	p := httputil.NewSingleHostReverseProxy(u)
	p.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	return p
}
