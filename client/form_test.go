package client

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"provery/api"
)

// TestFormsAreSentAgain checks that a registration whose connection broke is
// repeated as it was, from where its files were.
func TestFormsAreSentAgain(t *testing.T) {
	t.Parallel()
	c, s := play(t, answer{}, problem(api.CodeOverloaded), answer{status: 201, body: api.Circuit{ID: "sha256:a"}})
	program := strings.NewReader("not this, the program")
	if _, err := program.Seek(10, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	circuit, existed, err := c.Register(t.Context(), Registration{
		Name: "a", Artefacts: map[string]io.Reader{"program": program, "abi": strings.NewReader("{}")}, Uploads: map[string]string{"key": "sha256:k"},
	})
	if err != nil || existed || circuit.ID != "sha256:a" || len(s.requests) != 3 {
		t.Fatalf("got %+v %v %v after %d calls, want a new circuit after 3", circuit, existed, err, len(s.requests))
	}
	last := s.bodies[2]
	if s.bodies[1] != last || s.requests[1].Header.Get("Content-Type") != s.requests[2].Header.Get("Content-Type") {
		t.Error("the repetition isn't the same request")
	}
	for _, want := range []string{"\r\nthe program\r\n", "\r\n{}\r\n", `name="key"`, "sha256:k"} {
		if !strings.Contains(last, want) {
			t.Errorf("%q isn't in %q", want, last)
		}
	}
	if strings.Contains(last, "not this") {
		t.Error("more of a file was sent than there was to read")
	}
}

// TestBrokenFilesAreTold checks that the error is the file's, and that nothing
// is repeated for it.
func TestBrokenFilesAreTold(t *testing.T) {
	t.Parallel()
	c, s := play(t, answer{status: http.StatusCreated, body: api.Circuit{}}, answer{status: http.StatusCreated, body: api.Circuit{}})
	broken := errors.New("the disk is gone")
	_, _, err := c.Register(t.Context(), Registration{Artefacts: map[string]io.Reader{"program": iotest.ErrReader(broken)}})
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "program") || len(s.requests) > 1 {
		t.Errorf("got %v after %d calls, want the file's error", err, len(s.requests))
	}
}
