package bench

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"provery/internal/bench/synthetic"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/prove"
	"provery/internal/scheme"
	"provery/internal/store"
)

// prepare does what registration does: it reads and checks a circuit and its
// key, and keeps both in the form that is proven from. For a synthetic system
// it makes a key if there is none.
func (c *child) prepare(ctx context.Context, m *material) (*Prepared, error) {
	if m.Synthetic != nil {
		return c.prepareSynthetic(ctx, m)
	}
	p := &Prepared{}
	program, err := c.importProgram(ctx, m, p)
	if err != nil {
		return nil, err
	}
	key, err := c.importKey(ctx, m, program, p)
	if err != nil {
		return nil, err
	}
	if p.Program, p.Compact, err = c.keep(ctx, program.WriteFile); err != nil {
		return nil, err
	}
	p.Key, p.Mapped, err = c.keep(ctx, key.WriteFile)
	return p, err
}

// importProgram comes first in the process's life, so that the peak of memory
// is its own.
func (c *child) importProgram(ctx context.Context, m *material, p *Prepared) (program frontend.Program, err error) {
	f, err := c.kit.Frontend(m.Frontend)
	if err != nil {
		return nil, fault.New(fault.Unsupported, "this build has no front-end %q", m.Frontend)
	}
	in := frontend.Artefacts{}
	for role, name := range m.Files {
		s, closeFile, err := openSection(name)
		if err != nil {
			return nil, err
		}
		defer closeFile()
		in[role] = s
		p.Source += s.Size()
	}
	p.Import, err = measure(func() (err error) {
		program, err = f.Import(ctx, in)
		return err
	})
	if err != nil {
		return nil, err
	}
	p.ImportPeak, p.Statistics = peakBytes(), program.Statistics()
	return program, nil
}

func (c *child) importKey(ctx context.Context, m *material, program frontend.Program, p *Prepared) (key scheme.ProvingKey, err error) {
	backend, err := c.kit.Backend(scheme.Groth16, program.Curve())
	if err != nil {
		return nil, err
	}
	if m.SetUpKey {
		if err := setUp(ctx, m.Key, program, backend, p); err != nil {
			return nil, err
		}
	}
	s, closeFile, err := openSection(m.Key)
	if err != nil {
		return nil, err
	}
	defer closeFile()
	p.Foreign = s.Size()
	p.ImportKey, err = measure(func() (err error) {
		key, err = backend.ImportProvingKey(ctx, scheme.ImportInput{System: program.System(), Data: s, Size: s.Size(), Threads: 1})
		return err
	})
	return key, err
}

// setUp makes a key for the program, in the layout of its language's tools, if
// the file isn't there. The key is for benchmarks: this process knows its
// secrets.
func setUp(ctx context.Context, name string, program frontend.Program, backend scheme.Backend, p *Prepared) error {
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	in := scheme.SetupInput{System: program.System(), Rand: rand.Reader, Threads: ThisMachine().Cores}
	if frontend.ToolsOf(program) == frontend.SnarkJSTools {
		in.Layout = scheme.LayoutSnarkJS
	}
	var key scheme.ProvingKey
	var err error
	p.Setup, err = measure(func() error {
		key, err = backend.Setup(ctx, in)
		return err
	})
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".key-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err := errors.Join(key.Export(f, program.System()), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

func openSection(name string) (*io.SectionReader, func() error, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, fault.New(fault.InvalidRequest, "open the workload: %v", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	return io.NewSectionReader(f, 0, info.Size()), f.Close, nil
}

// maxPrepared bounds a prepared program or key.
const maxPrepared = 1 << 36

// keep stores what write writes.
func (c *child) keep(ctx context.Context, write func(io.Writer) error) (store.Digest, int64, error) {
	r, w := io.Pipe()
	go func() { w.CloseWithError(write(w)) }()
	d, n, err := c.blobs.Put(ctx, r, maxPrepared)
	_ = r.Close() // so that the writer ends
	return d, n, err
}

// made is the note beside a key that was made for a synthetic system.
type made struct {
	Recipe string       `json:"recipe"`
	Key    store.Digest `json:"key"`
	Size   int64        `json:"size"`
}

func (c *child) prepareSynthetic(ctx context.Context, m *material) (*Prepared, error) {
	program, err := synthetic.New(*m.Synthetic)
	if err != nil {
		return nil, err
	}
	backend, err := c.kit.Backend(scheme.Groth16, program.Curve())
	if err != nil {
		return nil, err
	}
	p := &Prepared{Statistics: program.Statistics()}
	recipe := sha256.Sum256([]byte(m.Synthetic.Recipe()))
	note := filepath.Join(m.Cache, hex.EncodeToString(recipe[:8])+".json")
	var known made
	if b, err := os.ReadFile(note); err == nil && json.Unmarshal(b, &known) == nil && c.opens(ctx, known.Key, program, backend) {
		p.Key, p.Mapped = known.Key, known.Size
		return p, nil
	}
	var key scheme.ProvingKey
	p.Setup, err = measure(func() (err error) {
		key, err = backend.Setup(ctx, scheme.SetupInput{System: program.System(), Rand: rand.Reader, Threads: ThisMachine().Cores})
		return err
	})
	if err != nil {
		return nil, err
	}
	if p.Key, p.Mapped, err = c.keep(ctx, key.WriteFile); err != nil {
		return nil, err
	}
	b, err := json.Marshal(made{m.Synthetic.Recipe(), p.Key, p.Mapped})
	if err != nil {
		return nil, err
	}
	return p, os.WriteFile(note, b, 0o644)
}

// opens reports whether a key is there, is of this build's format, and fits.
func (c *child) opens(ctx context.Context, d store.Digest, program frontend.Program, backend scheme.Backend) bool {
	b, err := c.blobs.Open(ctx, d)
	if err != nil {
		return false
	}
	defer b.Close()
	key, err := backend.OpenProvingKey(b.Bytes())
	if err != nil {
		return false
	}
	_, err = prove.New(program, backend, key)
	return err == nil
}

// openProgram opens the prepared form of a program, or makes a synthetic one.
func (c *child) openProgram(m *material, stored []byte) (frontend.Program, error) {
	if m.Synthetic != nil {
		return synthetic.New(*m.Synthetic)
	}
	f, err := c.kit.Frontend(m.Frontend)
	if err != nil {
		return nil, err
	}
	return f.Open(stored)
}
