package compiler

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"github.com/tetratelabs/wazero/experimental"

	"provery/internal/fault"
)

// PackageVersion is the version of zokrates-js that Prepare accepts.
const PackageVersion = "1.1.9"

// The module inside wasm.js of the package.
const (
	moduleSize = 55_087_737
	moduleHash = "db1142f096116b12a3822d7c40cbedf22e8c361f34a4d56a2cedff4b064fc1db"
)

// A toolchain directory holds the module, wazero's cache of its machine code,
// and marks that say for which versions of wazero the cache is complete.
const (
	moduleName = "zokrates-js-" + PackageVersion + ".wasm"
	cacheName  = "wazero"
)

// markName returns the name of the mark for this binary's wazero. As in the
// cache, the version is the one in the binary's build information, and "dev" if
// there is none, as in tests.
func markName() string {
	version := "dev"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == "github.com/tetratelabs/wazero" {
				version = dep.Version
			}
		}
	}
	return "ready-wazero-" + version + "-" + runtime.GOARCH + "-" + runtime.GOOS
}

// workers translate the module at set-up time.
const workers = 2

// notInstalled tells what to do about a missing compiler.
const notInstalled = "the ZoKrates compiler is not installed: run `provery toolchain install zokrates` where the service runs"

// Locate returns nil if dir is a toolchain directory that Prepare has
// completed, and otherwise a fault.Unsupported that says how to install the
// compiler.
func Locate(dir string) error {
	info, err := os.Stat(dir)
	if err == nil && writableByOthers(info) {
		return fault.New(fault.Unsupported, "the ZoKrates compiler isn't used: others can write to its directory, which holds code")
	}
	for _, name := range []string{moduleName, markName()} {
		if err == nil {
			_, err = os.Stat(filepath.Join(dir, name))
		}
	}
	if err != nil {
		return &fault.Error{Code: fault.Unsupported, Detail: notInstalled, Err: err}
	}
	return nil
}

// Prepare fills the toolchain directory dir, which it makes if need be, from
// packageDir, the folder of the npm package zokrates-js. A complete directory
// is left alone, and packageDir then need not exist. It may run in several
// processes at once, and be interrupted: dir is complete or not.
//
// It takes about 22 seconds of CPU time, and dir about 350 MB. Keep dir from
// others: what is in it is run as code.
func Prepare(ctx context.Context, packageDir, dir string) error {
	if Locate(dir) == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.Wrap(err, fault.Internal, "make the toolchain directory")
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return fault.Wrap(err, fault.Internal, "protect the toolchain directory")
	}
	wasm, err := readModule(dir)
	if err != nil {
		if wasm, err = extract(packageDir); err != nil {
			return err
		}
		if err := writeFile(filepath.Join(dir, moduleName), wasm); err != nil {
			return fault.Wrap(err, fault.Internal, "write the compiler's module")
		}
	}
	c, err := load(experimental.WithCompilationWorkers(ctx, workers), dir, wasm, memoryMost)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "translate the compiler to machine code")
	}
	if err := c.close(ctx); err != nil {
		return fault.Wrap(err, fault.Internal, "close the compiler")
	}
	if err := writeFile(filepath.Join(dir, markName()), nil); err != nil {
		return fault.Wrap(err, fault.Internal, "write the toolchain's mark")
	}
	return nil
}

// readModule reads the module from a toolchain directory and checks it.
func readModule(dir string) ([]byte, error) {
	wasm, err := os.ReadFile(filepath.Join(dir, moduleName))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "read the compiler's module")
	}
	return wasm, checkModule(wasm)
}

func checkModule(wasm []byte) error {
	if sum := sha256.Sum256(wasm); hex.EncodeToString(sum[:]) != moduleHash {
		return fault.New(fault.InvalidArtifact, "the ZoKrates compiler has the SHA-256 %x, want %s: it isn't zokrates-js %s", sum, moduleHash, PackageVersion)
	}
	return nil
}

// extract returns the module out of the package's wasm.js: one JavaScript
// string, the base64 text of a zlib stream.
func extract(packageDir string) ([]byte, error) {
	const maxScript = 32 << 20
	file, err := os.Open(filepath.Join(packageDir, "wasm.js"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "%s isn't the npm package zokrates-js: run `npm ci` in toolchain/zokrates, or say where the package is", packageDir)
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "read the npm package zokrates-js")
	}
	defer file.Close()
	script, err := io.ReadAll(io.LimitReader(file, maxScript))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "read the npm package zokrates-js")
	}
	wasm, err := decode(script)
	if err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, "extract the compiler from the npm package zokrates-js: want version %s", PackageVersion)
	}
	return wasm, checkModule(wasm)
}

func decode(script []byte) ([]byte, error) {
	_, rest, found := bytes.Cut(script, []byte("const encoded = "))
	if !found || len(rest) == 0 {
		return nil, errors.New("there is no encoded module")
	}
	text, _, found := bytes.Cut(rest[1:], rest[:1]) // up to the same quote
	if !found {
		return nil, errors.New("the encoded module has no end")
	}
	z, err := zlib.NewReader(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(text)))
	if err != nil {
		return nil, err
	}
	wasm := bytes.NewBuffer(make([]byte, 0, moduleSize+bytes.MinRead))
	n, err := io.Copy(wasm, io.LimitReader(z, moduleSize+1))
	if err == nil && n != moduleSize {
		err = fmt.Errorf("the module has %d bytes, want %d", n, moduleSize)
	}
	if err != nil {
		return nil, err
	}
	return wasm.Bytes(), nil
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
