package cli

import (
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"provery/internal/fault"
	"provery/internal/frontend/zokrates"
)

// checkProgram returns an error if the file isn't a compiled ZoKrates program. Of a
// damaged one the service says more.
func checkProgram(name string, s *io.SectionReader) error {
	head := make([]byte, 4)
	if n, _ := s.ReadAt(head, 0); zokrates.IsProgram(head[:n]) {
		return nil
	}
	if err := mistaken(name, s, "compiled ZoKrates program or .r1cs file"); err != nil {
		return err
	}
	return fault.New(fault.InvalidRequest, "%s: this is neither a compiled ZoKrates program nor a .r1cs file", name)
}

// uploadOf is upload for a file that should be of a kind.
func (e *env) uploadOf(name, kind string) (io.ReadCloser, error) {
	s, closeFile, err := section(name)
	if err != nil {
		return nil, err
	}
	defer closeFile()
	if err := mistaken(name, s, kind); err != nil {
		return nil, err
	}
	return e.upload(name)
}

// upload opens a file whose reading is shown as progress on a terminal.
func (e *env) upload(name string) (io.ReadCloser, error) {
	f, err := openFile(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil || !e.terminal() || info.Size() < 8<<20 {
		return f, err
	}
	bar := progressbar.NewOptions64(info.Size(), progressbar.OptionSetWriter(e.Stderr), progressbar.OptionShowBytes(true),
		progressbar.OptionSetDescription("sending "+info.Name()), progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(30))
	return &tracked{io.TeeReader(f, bar), f}, nil
}

type tracked struct {
	io.Reader
	io.Closer
}

// terminal reports whether standard error is one.
func (e *env) terminal() bool {
	f, ok := e.Stderr.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
