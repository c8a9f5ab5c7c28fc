package hosting

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"provery/internal/fault"
)

// A toolchain directory holds modules, wazero's cache of their machine code,
// and for each module marks that say for which versions of wazero the cache is
// complete. The compilers of several languages may share it.

// cacheName is the folder of machine code in a toolchain directory.
const cacheName = "wazero"

// workers translate a module at set-up time.
const workers = 2

// Module is a compiler's WebAssembly module, of one version exactly.
type Module struct {
	Title   string // what it compiles, such as "ZoKrates"
	Name    string // front-end's name, for the command that installs it
	Package string // of npm, such as "zokrates-js"
	Version string // of the package
	SHA256  string // of the module, in hex
}

func (m Module) file() string { return m.Package + "-" + m.Version + ".wasm" }

// mark returns the name of the mark for this binary's wazero. As in the
// cache, the version is the one in the binary's build information, and "dev" if
// there is none, as in tests.
func (m Module) mark() string {
	version := "dev"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == "github.com/tetratelabs/wazero" {
				version = dep.Version
			}
		}
	}
	return m.file() + ".ready-wazero-" + version + "-" + runtime.GOARCH + "-" + runtime.GOOS
}

// Locate returns nil if dir is a toolchain directory with this module, and
// otherwise a fault.Unsupported that says how to install the compiler.
func (m Module) Locate(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && writableByOthers(info) {
		return fault.New(fault.Unsupported, "the %s compiler isn't used: others can write to its directory, which holds code", m.Title)
	}
	for _, name := range []string{m.file(), m.mark()} {
		if err == nil {
			_, err = os.Stat(filepath.Join(dir, name))
		}
	}
	if err != nil {
		return &fault.Error{
			Code: fault.Unsupported, Err: err,
			Detail: fmt.Sprintf("the %s compiler is not installed: run `provery toolchain install %s` where the service runs", m.Title, m.Name),
		}
	}
	return nil
}

// Prepare adds the module, which extract returns, to the toolchain directory
// dir. It may run in several processes at once, and be interrupted: the module
// is there completely or not.
func (m Module) Prepare(ctx context.Context, dir string, extract func() ([]byte, error)) error {
	if m.Locate(dir) == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.Wrap(err, fault.Internal, "make the toolchain directory")
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fault.Wrap(err, fault.Internal, "protect the toolchain directory")
	}
	wasm, err := m.Read(dir)
	if err != nil {
		if wasm, err = extract(); err == nil {
			err = m.check(wasm)
		}
		if err != nil {
			return err
		}
		if err := writeFile(filepath.Join(dir, m.file()), wasm); err != nil {
			return fault.Wrap(err, fault.Internal, "write the compiler's module")
		}
	}
	c, err := Load(experimental.WithCompilationWorkers(ctx, workers), dir, wasm, MemoryMost)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "translate the compiler to machine code")
	}
	if err := c.Close(ctx); err != nil {
		return fault.Wrap(err, fault.Internal, "close the compiler")
	}
	if err := writeFile(filepath.Join(dir, m.mark()), nil); err != nil {
		return fault.Wrap(err, fault.Internal, "write the toolchain's mark")
	}
	return nil
}

// Read reads the module from a toolchain directory and checks it.
func (m Module) Read(dir string) ([]byte, error) {
	wasm, err := os.ReadFile(filepath.Join(dir, m.file()))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "read the compiler's module")
	}
	return wasm, m.check(wasm)
}

func (m Module) check(wasm []byte) error {
	if sum := sha256.Sum256(wasm); hex.EncodeToString(sum[:]) != m.SHA256 {
		return fault.New(fault.InvalidArtifact, "the %s compiler has the SHA-256 %x, want %s: it isn't %s %s", m.Title, sum, m.SHA256, m.Package, m.Version)
	}
	return nil
}

// Loaded is a module as machine code.
type Loaded struct {
	Runtime wazero.Runtime
	Module  wazero.CompiledModule
	Memory  int64 // the most an instance may have, in bytes
	cache   wazero.CompilationCache
}

const pageSize = 64 << 10

// Load translates a module to machine code, or finds that in the cache of a
// toolchain directory. memory is the most that an instance may have.
func Load(ctx context.Context, dir string, wasm []byte, memory int64) (*Loaded, error) {
	cache, err := wazero.NewCompilationCacheWithDir(filepath.Join(dir, cacheName))
	if err != nil {
		return nil, fmt.Errorf("open the compilation cache: %w", err)
	}
	// Stopping at a done context would make the code several times slower:
	// whoever wants to stop it ends the process.
	config := wazero.NewRuntimeConfig().
		WithCompilationCache(cache).
		WithDebugInfoEnabled(false).
		WithMemoryLimitPages(uint32(memory / pageSize))
	c := &Loaded{Runtime: wazero.NewRuntimeWithConfig(ctx, config), cache: cache, Memory: memory}
	if c.Module, err = c.Runtime.CompileModule(ctx, wasm); err != nil {
		_ = c.Close(ctx)
		return nil, err
	}
	return c, nil
}

// Close frees the machine code and all instances.
func (c *Loaded) Close(ctx context.Context) error {
	return errors.Join(c.Runtime.Close(ctx), c.cache.Close(ctx))
}

// writeFile writes a file that is whole or missing, for the owner only.
func writeFile(name string, content []byte) (err error) {
	file, err := os.CreateTemp(filepath.Dir(name), ".tmp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}()
	if _, err := file.Write(content); err != nil {
		return err
	}
	if err := file.Sync(); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}
