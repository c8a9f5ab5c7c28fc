package hosting

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"provery/internal/fault"
)

func fakeChild(what string) []string { return []string{os.Args[0], fakeCommand, strconv.Quote(what)} }

// TestBadChildren has children that don't answer as they should.
func TestBadChildren(t *testing.T) {
	t.Setenv("PROVERY_TEST_SECRET", "hush") // so not parallel
	cases := []struct {
		name, what string
		code       fault.Code
		text       string
	}{
		{"says nothing", "say ", fault.Internal, "process failed"},
		{"another protocol", "say HTTP/1.1", fault.Internal, "process failed"},
		{"broken reply", "say r\x00\x00\x00\x01{", fault.Internal, "process failed"},
		{"a stage that there isn't", "say s\x00\x00\x00\x01x", fault.Internal, "process failed"},
		{"a stage without end", "say s\xff\x00\x00\x00", fault.Internal, "process failed"},
		{"empty reply", "say r\x00\x00\x00\x02{}", fault.Internal, "process failed"},
		{"fails", "fail cannot read the module", fault.Internal, "process failed"},
		{"out of memory", "fail fatal error: runtime: out of memory", fault.Unsupported, "out of memory"},
		{"killed by the system", "kill", fault.Unsupported, "out of memory"},
		{"endless program", "program", fault.TooLarge, "more than 4096 bytes"},
		{"environment", "environment", fault.InvalidArtifact, "GOTRACEBACK=single"},
	}
	for _, tc := range cases {
		c := open(t, Config{Command: fakeChild(tc.what), Limits: Limits{ProgramBytes: 4096}})
		f := failing(t, c, toys("main.toy", ""))
		if f.Code != tc.code || !strings.Contains(f.Detail, tc.text) || strings.Contains(f.Detail, "hush") {
			t.Errorf("%s: got %s %q, want %s with %q", tc.name, f.Code, f.Detail, tc.code, tc.text)
		}
	}
}

// hanging starts a compilation whose child never answers, and returns a
// connection that the child holds.
func hanging(t *testing.T, ctx context.Context) (net.Conn, *Compiler, <-chan error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c := open(t, Config{Command: fakeChild("hang " + listener.Addr().String())})
	done := make(chan error, 1)
	go func() {
		_, err := c.Compile(ctx, toys("main.toy", strings.Repeat(" ", 1<<20))) // more than a pipe holds
		done <- err
	}()
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn, c, done
}

func TestCancel(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	conn, c, done := hanging(t, ctx)

	waiting, giveUp := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer giveUp()
	if _, err := c.Compile(waiting, toys("main.toy", "")); fault.CodeOf(err) != fault.DeadlineExceeded {
		t.Errorf("got %v while another compilation runs, want %s", err, fault.DeadlineExceeded)
	}

	start := time.Now()
	cancel()
	if err := <-done; fault.CodeOf(err) != fault.Canceled || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %s", err, fault.Canceled)
	}
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("cancelling took %v", took)
	}
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("got %d bytes and error %v from the child, want it gone", n, err)
	}
}

// TestOrphan closes the child's standard input, as the system does when the
// process that asked ends.
func TestOrphan(t *testing.T) {
	t.Parallel()
	c := open(t, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var input bytes.Buffer
	if err := c.writeRequest(&input, toys("main.toy", "hang"), ""); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, os.Args[0], ChildCommand)
	cmd.Stdin = &input
	err := cmd.Run()
	var exit *exec.ExitError
	if ctx.Err() != nil || !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("got %v, want the child to end by itself with status 1", err)
	}
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte("o\x00\x00\x00\x01ap\x00\x00\x00\x01xr\x00\x00\x00\x0a" + `{"size":1}`))
	f.Add([]byte("r\x00\x00\x00\x23" + `{"failure":{"code":"x","errors":[]}}`))
	f.Add([]byte("s\x00\x00\x00\x05writer\x00\x00\x00\x02{}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		out := &outputs{dir: t.TempDir(), most: 100}
		defer out.Close()
		answer, err := receive(bytes.NewReader(text), out)
		if err != nil || answer.Failure != nil {
			return
		}
		var size int64
		for _, r := range out.readers() {
			size += r.Size()
		}
		if answer.Size != size {
			t.Errorf("got size %d for a program of %d bytes", answer.Size, size)
		}
	})
}

func TestChildRefusesGarbage(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "h", "r\x00\x00\x00\x02{}", "h\x00\x00\x00\x02{", "h\xff\xff\xff\xff", "h\x00\x00\x00\x24" + `{"files":[{"path":"a.toy","size":1}]}`} {
		if err := Child(t.Context(), strings.NewReader(text), io.Discard, nil); err == nil {
			t.Errorf("%q: got no error", text)
		}
	}
}
