package daemon

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"

	"provery/internal/fault"
)

// Limits of the libraries of one language.
const (
	maxLibraryFiles = 10_000
	maxLibraryBytes = 64 << 20
)

// library holds the source files that a compiler has beside every request's, as
// they were when the process started: what is compiled doesn't change under a
// digest.
type library struct {
	files map[string][]byte // by path in the source set
	roots []string          // folders among them that imports are looked up in
	bytes int64
}

// readLibrary reads the files with the extension below the configured folders.
func readLibrary(dirs []string, extension string) (*library, error) {
	l := &library{files: map[string][]byte{}}
	for i, dir := range dirs {
		root := fmt.Sprintf(".library/%d", i)
		if err := l.read(os.DirFS(dir), root, extension); err != nil {
			return nil, fault.Wrap(err, fault.InvalidRequest, "compiler.libraries: %s", dir)
		}
		l.roots = append(l.roots, root)
	}
	return l, nil
}

func (l *library) read(dir fs.FS, root, extension string) error {
	return fs.WalkDir(dir, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fault.New(fault.InvalidRequest, "%v", err)
		}
		if !entry.Type().IsRegular() || path.Ext(name) != extension {
			return nil
		}
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return fault.New(fault.InvalidRequest, "%v", err)
		}
		l.bytes += int64(len(text))
		if l.files[path.Join(root, name)] = text; len(l.files) > maxLibraryFiles || l.bytes > maxLibraryBytes {
			return fault.New(fault.TooLarge, "more than %d source files, or %d MiB of them", maxLibraryFiles, maxLibraryBytes>>20)
		}
		return nil
	})
}

// digest identifies the files, "" if there are none.
func (l *library) digest() string {
	if len(l.files) == 0 {
		return ""
	}
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(l.files)) {
		sum := sha256.Sum256(l.files[name])
		fmt.Fprintf(h, "%s %x\n", name, sum)
	}
	return "library " + hex.EncodeToString(h.Sum(nil)[:8])
}
