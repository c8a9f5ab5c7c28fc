package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"provery/internal/fault"
	"provery/internal/scheme"
)

type keysExport struct {
	Ref  string `arg:"" help:"Circuit: name, name:tag or id."`
	Keys string `arg:"" optional:"" default:"groth16" help:"Id of the key set, or a scheme for its newest."`
	Dir  string `help:"Folder for proving.key and verification.key." default:"." placeholder:"DIR"`
}

// Run writes the files. One that exists stays as it is.
func (c *keysExport) Run(ctx context.Context, e *env) error {
	cl, err := e.client()
	if err != nil {
		return err
	}
	vk, err := cl.VerifyingKey(ctx, c.Ref, c.Keys)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return unreadable(c.Dir, err)
	}
	layout := ""
	err = create(filepath.Join(c.Dir, "proving.key"), func(w io.Writer) (err error) {
		layout, err = cl.ProvingKey(ctx, c.Ref, c.Keys, w)
		return err
	})
	if err == nil && layout == string(scheme.LayoutSnarkJS) {
		vk, err = cl.VerifyingKeyAs(ctx, c.Ref, c.Keys, layout)
	}
	if err != nil {
		return err
	}
	err = create(filepath.Join(c.Dir, "verification.key"), func(w io.Writer) error {
		_, err := w.Write(vk)
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(e.Stdout, "wrote %s and %s, layout %s\n", filepath.Join(c.Dir, "proving.key"), filepath.Join(c.Dir, "verification.key"), layout)
	return nil
}

// create makes a new file of what write writes. Half a file isn't left behind.
func create(name string, write func(io.Writer) error) (err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fault.New(fault.Conflict, "%s exists", name)
	}
	if err != nil {
		return unreadable(name, err)
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			_ = os.Remove(name)
		}
	}()
	out := bufio.NewWriterSize(f, 1<<20)
	if err := write(out); err != nil {
		return err
	}
	return out.Flush()
}
