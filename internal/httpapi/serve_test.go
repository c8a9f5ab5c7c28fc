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
	"time"

	"go.uber.org/goleak"

	"provery/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// listen serves r on loopback until the test ends.
func (r *rig) listen(t *testing.T) (address string, stop func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Serve(ctx, l, 5*time.Second) }()
	stop = func() error {
		cancel()
		err := <-ended
		ended <- err
		return err
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("serve: %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return l.Addr().String(), stop
}

// TestServeStopsInOrder stops the server in the middle of a wait: the waiting
// request is answered, and no new one is taken.
func TestServeStopsInOrder(t *testing.T) {
	r := newRig(t, nil)
	waiting := make(chan struct{})
	r.fake.wait = func(ctx context.Context, _ string, _ time.Duration) (api.Proof, error) {
		close(waiting)
		<-ctx.Done()
		return api.Proof{}, ctx.Err()
	}
	address, stop := r.listen(t)
	answer := make(chan string, 1)
	go func() {
		res, err := http.Get("http://" + address + "/v1/proofs/p_1?wait=60")
		if err != nil {
			answer <- err.Error()
			return
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		answer <- res.Status + " " + string(body)
	}()
	<-waiting
	if err := stop(); err != nil {
		t.Errorf("got %v, want an orderly stop", err)
	}
	if got := <-answer; !strings.HasPrefix(got, "200 OK") || !strings.Contains(got, `"queued"`) {
		t.Errorf("got %s, want the proof as it is", got)
	}
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("the listener is still open")
	}
}

// TestClientGoesAwayOverTheNetwork closes the connection of a waiting request
// and checks that its context ends.
func TestClientGoesAwayOverTheNetwork(t *testing.T) {
	r := newRig(t, nil)
	waiting, freed := make(chan struct{}), make(chan struct{})
	r.fake.wait = func(ctx context.Context, _ string, _ time.Duration) (api.Proof, error) {
		close(waiting)
		<-ctx.Done()
		close(freed)
		return api.Proof{}, ctx.Err()
	}
	address, _ := r.listen(t)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /v1/proofs HTTP/1.1\r\nHost: localhost\r\nPrefer: wait=60\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(proofBody), proofBody)
	<-waiting
	_ = conn.Close()
	<-freed
}

// TestSlowClient sends a body byte by byte, which is allowed, and breaks off:
// the server takes it for malformed, and other clients aren't held up.
func TestSlowClient(t *testing.T) {
	r := newRig(t, nil)
	address, _ := r.listen(t)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/circuits HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000\r\n\r\n")
	for _, b := range []byte("--x\r\nContent-Disposition: form-data; name=\"program\"\r\n\r\nabc") {
		if _, err := conn.Write([]byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	res, err := http.Get("http://" + address + "/v1/queue")
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("other client: got %v, %v", res, err)
	}
	_ = res.Body.Close()
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || answer.StatusCode != http.StatusBadRequest {
		t.Fatalf("got %v, %v, want 400", answer, err)
	}
	_ = answer.Body.Close()
	r.wantEmptySpool(t)
}

// TestRefusedBodyIsNotAwaited sends a request that is refused by its headers
// and keeps its body back: the answer comes all the same.
func TestRefusedBodyIsNotAwaited(t *testing.T) {
	r := newRig(t, withKeys)
	address, _ := r.listen(t)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/circuits HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 100000000\r\n\r\n")
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || answer.StatusCode != http.StatusUnauthorized {
		t.Fatalf("got %v, %v, want 401", answer, err)
	}
	_ = answer.Body.Close()
}
