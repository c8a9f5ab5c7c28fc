package httpapi_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"provery/api"
	"provery/internal/httpapi"
)

// pipeListener accepts connections in memory, whose deadlines run on the
// clock of a synctest bubble.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { close(l.closed); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// pipe serves r in memory and returns the client's end of one connection.
func (r *rig) pipe(t *testing.T) net.Conn {
	t.Helper()
	l := &pipeListener{make(chan net.Conn), make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- r.Serve(ctx, l, time.Second) }()
	client, server := net.Pipe()
	l.conns <- server
	t.Cleanup(func() {
		_ = client.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return client
}

// TestStalledBodies sends the start of a body and then nothing.
func TestStalledBodies(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		target, contentType, start string
		took                       time.Duration
	}{
		{"/v1/proofs", jsonType, `{"circuit":`, 30 * time.Second},
		{"/v1/circuits/a/keys", jsonType, `{"setup":`, 30 * time.Second},
		{"/v1/circuits", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"program\"\r\n\r\nabc", time.Minute},
	} {
		t.Run(tc.target, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil)
				conn := r.pipe(t)
				start := time.Now()
				fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: %s\r\nContent-Length: 1000\r\n\r\n%s", tc.target, tc.contentType, tc.start)
				answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(answer.Body)
				if answer.StatusCode != http.StatusRequestTimeout || !strings.Contains(string(body), `"request_timeout"`) || time.Since(start) != tc.took {
					t.Errorf("got %s %s after %v, want 408 after %v", answer.Status, body, time.Since(start), tc.took)
				}
			})
		})
	}
}

// TestSlowUploadIsPatient sends a byte every 50 s: slow isn't stalled.
func TestSlowUploadIsPatient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		conn := r.pipe(t)
		const body = "--x\r\nContent-Disposition: form-data; name=\"program\"\r\n\r\nabc\r\n--x--\r\n"
		fmt.Fprintf(conn, "POST /v1/circuits HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: %d\r\n\r\n", len(body))
		for i := range len(body) {
			time.Sleep(50 * time.Second)
			if _, err := io.WriteString(conn, body[i:i+1]); err != nil {
				t.Fatal(err)
			}
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || answer.StatusCode != http.StatusCreated || r.fake.content["program"] != "abc" {
			t.Errorf("got %v, %v, want 201", answer, err)
		}
	})
}

// TestWaitOutlivesDeadlines waits longer than bodies may take to come and
// answers to be written.
func TestWaitOutlivesDeadlines(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]string{
		"submit": fmt.Sprintf("POST /v1/proofs HTTP/1.1\r\nHost: localhost\r\nPrefer: wait=600\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(proofBody), proofBody),
		"show":   "GET /v1/proofs/p_1?wait=600 HTTP/1.1\r\nHost: localhost\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, func(o *httpapi.Options) { o.Limits.Wait = time.Hour })
				r.fake.finishAfter(9*time.Minute, api.Proof{ID: "p_1", State: api.StateSucceeded})
				conn := r.pipe(t)
				start := time.Now()
				if _, err := io.WriteString(conn, request); err != nil {
					t.Fatal(err)
				}
				answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil || answer.StatusCode != http.StatusOK || time.Since(start) != 9*time.Minute {
					t.Errorf("got %v, %v after %v, want 200 after 9m", answer, err, time.Since(start))
				}
			})
		})
	}
}
