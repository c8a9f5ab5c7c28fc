package contracttest

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// Transport makes requests with Base, and holds every exchange against the
// contract once the answer's body was read to its end, or is closed.
type Transport struct {
	Base     *http.Transport
	Contract *Contract
	Host     string // of the API; requests to others aren't looked at
	// Report is told what is wrong. It is called in the goroutines that read.
	Report func(error)
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent []byte
	if r.GetBody != nil && mediaOf(r.Header) == "application/json" {
		if b, err := r.GetBody(); err == nil {
			sent, _ = io.ReadAll(b)
		}
	}
	res, err := t.Base.RoundTrip(r)
	if err == nil && r.URL.Host == t.Host {
		res.Body = &body{ReadCloser: res.Body, t: t, x: Exchange{Request: r, Sent: sent, Status: res.StatusCode, Header: res.Header.Clone(), Partial: true}}
	}
	return res, err
}

// CloseIdleConnections closes those of Base.
func (t *Transport) CloseIdleConnections() { t.Base.CloseIdleConnections() }

// maxKept bounds what is kept of a body: files are larger, and have no schema.
const maxKept = 4 << 20

// body keeps what is read of a body.
type body struct {
	io.ReadCloser
	t    *Transport
	x    Exchange
	kept bytes.Buffer
	once sync.Once
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.kept.Len() < maxKept {
		b.kept.Write(p[:n])
	}
	if err == io.EOF {
		b.x.Partial = b.kept.Len() >= maxKept
		b.check()
	}
	return n, err
}

// Close implements io.Closer.
func (b *body) Close() error {
	b.check()
	return b.ReadCloser.Close()
}

func (b *body) check() {
	b.once.Do(func() {
		b.x.Body = b.kept.Bytes()
		if err := b.t.Contract.Check(&b.x); err != nil {
			b.t.Report(err)
		}
	})
}
