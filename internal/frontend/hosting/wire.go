package hosting

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"provery/internal/fault"
)

// The protocol on the child's pipes is a sequence of frames: a kind, the
// length of the payload in four bytes, most significant first, the payload. The
// request is one header and then the files, in the header's order, bare. The
// response is any number of frames with stages and outputs, and one with the
// reply.
const (
	frameHeader = 'h'
	frameOutput = 'o' // the role of the output that begins
	frameBytes  = 'p' // of the output
	frameReply  = 'r'
	frameStage  = 's' // the child has come so far
)

const (
	maxFrame = 64 << 20 // a list of errors
	maxChunk = 1 << 20  // of an output
	maxName  = 64       // a stage's, or an output's
)

// request describes a compilation.
type request struct {
	Language string       `json:"language"`
	Most     int64        `json:"most"` // bytes of a file that the child writes
	Job      header       `json:"job"`
	Files    []headerFile `json:"files"`
}

type headerFile struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
}

// reply ends the response.
type reply struct {
	Size    int64    `json:"size"`   // of the outputs
	Memory  int64    `json:"memory"` // of the child at its peak
	Failure *failure `json:"failure,omitempty"`
}

// failure is a fault.Error on its way between two processes.
type failure struct {
	Code     fault.Code      `json:"code"`
	Detail   string          `json:"detail"`
	Position *fault.Position `json:"position,omitempty"`
	Errors   Errors          `json:"errors,omitempty"`
	Cause    string          `json:"cause,omitempty"`
}

func newFailure(err error) *failure {
	f := &failure{Code: fault.CodeOf(err), Cause: err.Error()}
	var e *fault.Error
	if errors.As(err, &e) {
		f.Detail, f.Position = e.Detail, e.Position
		if e.Err != nil {
			f.Cause = e.Err.Error()
		}
	}
	if errors.As(err, &f.Errors) {
		f.Cause = ""
	}
	return f
}

func (f *failure) err() error {
	e := &fault.Error{Code: f.Code, Detail: f.Detail, Position: f.Position}
	switch {
	case len(f.Errors) > 0:
		e.Diagnostics, e.Err = f.Errors, f.Errors
	case f.Cause != "":
		e.Err = errors.New(f.Cause)
	}
	return e
}

func writeFrame(w io.Writer, kind byte, payload []byte) error {
	head := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(payload)))
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(payload)
	return err
}

// readHead returns the kind and the length of the next frame.
func readHead(r io.Reader) (kind byte, size int64, err error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, 0, err
	}
	kind, size = head[0], int64(binary.BigEndian.Uint32(head[1:]))
	if size > maxFrame {
		return 0, 0, fmt.Errorf("a frame of %d bytes is too large", size)
	}
	return kind, size, nil
}

// readJSON reads the JSON payload of a frame of size bytes into v.
func readJSON(r io.Reader, size int64, v any) error {
	payload, err := io.ReadAll(io.LimitReader(r, size))
	if err != nil {
		return err
	}
	return json.Unmarshal(payload, v)
}

// readName reads the payload of a frame that is a name.
func readName(r io.Reader, size int64) (string, error) {
	if size > maxName {
		return "", fmt.Errorf("a name of %d bytes", size)
	}
	name := make([]byte, size)
	_, err := io.ReadFull(r, name)
	return string(name), err
}

// readStage reads the payload of a stage's frame.
func readStage(r io.Reader, size int64) (string, error) {
	name, err := readName(r, size)
	if err == nil && name != StageCompile && name != StageWrite {
		err = errors.New("a stage that there isn't")
	}
	return name, err
}

// writeRequest writes what readRequest reads.
func writeRequest(w io.Writer, r request, sources map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		r.Files = append(r.Files, headerFile{name, int64(len(sources[name]))})
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := writeFrame(w, frameHeader, text); err != nil {
		return err
	}
	for _, file := range r.Files {
		if _, err := w.Write(sources[file.Path]); err != nil {
			return err
		}
	}
	return nil
}

// readRequest reads a request and its files.
func readRequest(r io.Reader) (request, map[string]string, error) {
	var h request
	kind, size, err := readHead(r)
	if err == nil && kind != frameHeader {
		err = fmt.Errorf("got a frame of kind %q", kind)
	}
	if err == nil {
		err = readJSON(r, size, &h)
	}
	if err != nil {
		return h, nil, fmt.Errorf("read compile request: %w", err)
	}
	sources := make(map[string]string, len(h.Files))
	for _, file := range h.Files {
		text, err := io.ReadAll(io.LimitReader(r, file.Size))
		if err == nil && int64(len(text)) != file.Size {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return h, nil, fmt.Errorf("read source file %s: %w", file.Path, err)
		}
		sources[file.Path] = string(text)
	}
	return h, sources, nil
}
