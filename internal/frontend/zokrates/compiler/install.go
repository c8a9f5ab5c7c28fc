package compiler

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"provery/internal/fault"
	"provery/internal/frontend/hosting"
)

// PackageVersion is the version of zokrates-js that Prepare accepts.
const PackageVersion = "1.1.9"

// The module inside wasm.js of the package.
const (
	moduleSize = 55_087_737
	moduleHash = "db1142f096116b12a3822d7c40cbedf22e8c361f34a4d56a2cedff4b064fc1db"
)

var zokratesJS = hosting.Module{
	Title: "ZoKrates", Name: language{}.Name(), Package: "zokrates-js", Version: PackageVersion, SHA256: moduleHash,
}

// Locate implements hosting.Language.
func (language) Locate(dir string) error { return zokratesJS.Locate(dir) }

// Prepare implements hosting.Language. It takes about 22 seconds of CPU time,
// and dir about 350 MB.
func (language) Prepare(ctx context.Context, packageDir, dir string) error {
	return zokratesJS.Prepare(ctx, dir, func() ([]byte, error) { return extract(packageDir) })
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
	return wasm, nil
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
