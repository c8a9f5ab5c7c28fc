package cli

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"provery/internal/daemon"
	"provery/internal/fault"
	"provery/internal/frontend/hosting"
)

// Limits of what is collected here; the service has its own.
const (
	maxSourceFiles = 10_000
	maxSourceBytes = 64 << 20
)

// sourceSet is what a circuit is compiled from.
type sourceSet struct {
	root    string            // the folder that the paths are below
	files   map[string][]byte // by slash-separated path
	main    string            // "" if the service should find it
	base    string            // the folder that was named, below the root
	archive *os.File          // instead of files
	include []string          // folders that imports are looked up in
	bytes   int64

	language hosting.Language
}

func (s *sourceSet) close() {
	if s.archive != nil {
		_ = s.archive.Close() // it was read only
	}
}

// sourcesAt collects the sources at a path: a file with what it imports, all
// source files of a folder, or an archive. frontend names the language; without
// it the files tell. include are folders that imports are looked up in, too.
func sourcesAt(name, frontend string, include []string) (*sourceSet, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, unreadable(name, err)
	}
	s := &sourceSet{files: map[string][]byte{}, language: languageOfFile(name)}
	if frontend != "" {
		if s.language, err = languageOf(frontend); err != nil {
			return nil, err
		}
	}
	if !info.IsDir() && languageOfFile(name) == nil {
		return s, s.packed(name, include)
	}
	dirs, err := folders(include)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return s, s.folder(name, dirs)
	}
	return s, s.withImports(name, dirs)
}

// add reads a file of the set.
func (s *sourceSet) add(name, file string) error {
	if len(s.files) >= maxSourceFiles {
		return fault.New(fault.TooLarge, "%s: there are more than %d source files", s.root, maxSourceFiles)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return unreadable(file, err)
	}
	if s.bytes += int64(len(content)); s.bytes > maxSourceBytes {
		return fault.New(fault.TooLarge, "%s: the source files have more than %d bytes", s.root, maxSourceBytes)
	}
	s.files[name] = content
	return nil
}

// packed takes an archive, whose folders include names.
func (s *sourceSet) packed(name string, include []string) (err error) {
	if s.language == nil {
		s.language = daemon.Languages()[0]
	}
	for _, dir := range include {
		s.include = append(s.include, filepath.ToSlash(dir))
	}
	s.archive, err = openFile(name)
	return err
}

// folder takes all source files below a folder, but those in hidden folders; and
// what they import, if there are folders of include.
func (s *sourceSet) folder(root string, include []string) error {
	names, err := s.walk(root)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return fault.New(fault.InvalidRequest, "%s: there are no source files (%s) in it", root, s.extensions())
	}
	abs, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	files := make([]string, len(names))
	for i, name := range names {
		files[i] = filepath.Join(abs, name)
	}
	if err := s.collect(abs, files, include, len(include) > 0); err != nil {
		return err
	}
	rel, err := filepath.Rel(s.root, abs)
	s.base = filepath.ToSlash(rel)
	if usual := path.Join(s.base, "main"+s.language.Extension()); s.files[usual] != nil {
		s.main = usual
	}
	s.shorten()
	return err
}

// walk returns the source files below a folder, all of one language: that of the
// set, or of the first file.
func (s *sourceSet) walk(root string) (names []string, err error) {
	err = filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return unreadable(file, err)
		case entry.IsDir() && file != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules"):
			return filepath.SkipDir
		case !entry.Type().IsRegular():
			return nil
		case s.language == nil:
			s.language = languageOfFile(entry.Name())
		}
		if s.language == nil || !strings.HasSuffix(entry.Name(), s.language.Extension()) {
			return nil
		}
		name, err := filepath.Rel(root, file)
		names = append(names, name)
		return err
	})
	return names, err
}

// extensions returns what the source files' names may end in.
func (s *sourceSet) extensions() string {
	if s.language != nil {
		return s.language.Extension()
	}
	var all []string
	for _, l := range daemon.Languages() {
		all = append(all, l.Extension())
	}
	return strings.Join(all, ", ")
}

// withImports takes a file and what it imports, directly or not.
func (s *sourceSet) withImports(main string, include []string) error {
	main, err := filepath.Abs(main)
	if err != nil {
		return err
	}
	if err := s.collect(filepath.Dir(main), []string{main}, include, true); err != nil {
		return err
	}
	rel, err := filepath.Rel(s.root, main)
	s.main = filepath.ToSlash(rel)
	s.shorten()
	return err
}

// collect takes files, by their absolute paths, and names them below the folder
// that all are in, which is root or one above. With follow it takes what they
// import, too. Imports that aren't there are left to the compiler, which knows
// where they stand.
func (s *sourceSet) collect(root string, files, dirs []string, follow bool) error {
	found := &sourceSet{root: root, files: map[string][]byte{}} // by absolute path
	for queue := files; len(queue) > 0; queue = queue[1:] {
		file := queue[0]
		if _, seen := found.files[file]; seen {
			continue
		}
		if err := found.add(file, file); err != nil {
			return err
		}
		if !follow {
			continue
		}
		for _, name := range s.language.Imports(found.files[file]) {
			if target := lookUp(name, s.language.Extension(), append([]string{filepath.Dir(file)}, dirs...)); target != "" {
				queue = append(queue, target)
			}
		}
	}
	return s.relative(found, dirs)
}

// folders returns the absolute paths of folders.
func folders(names []string) ([]string, error) {
	out := make([]string, len(names))
	for i, name := range names {
		info, err := os.Stat(name)
		if err == nil && !info.IsDir() {
			err = errors.New("not a folder to look imports up in")
		}
		if err == nil {
			out[i], err = filepath.Abs(name)
		}
		if err != nil {
			return nil, unreadable(name, err)
		}
	}
	return out, nil
}

// lookUp returns the first file of an import's name in folders, "" if there is
// none. Names may leave out the extension.
func lookUp(name, extension string, dirs []string) string {
	if path.Ext(name) != extension {
		name += extension
	}
	for _, dir := range dirs {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			return file
		}
	}
	return ""
}

// relative takes the files of another set, and the folders that have some of
// them, by their paths below the folder that all are in.
func (s *sourceSet) relative(found *sourceSet, dirs []string) error {
	root := found.root
	for file := range found.files {
		for !within(file, root) && root != filepath.Dir(root) {
			root = filepath.Dir(root)
		}
	}
	s.root, s.bytes = root, found.bytes
	for file, content := range found.files {
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		s.files[filepath.ToSlash(rel)] = content
	}
	for _, dir := range dirs {
		if !within(dir, root) && dir != root {
			continue // nothing comes from it
		}
		rel, err := filepath.Rel(root, dir)
		if err != nil {
			return err
		}
		s.include = append(s.include, filepath.ToSlash(rel))
	}
	return nil
}

// within reports whether a path is below a folder.
func within(file, dir string) bool {
	return strings.HasPrefix(file, strings.TrimSuffix(dir, string(filepath.Separator))+string(filepath.Separator))
}

// shorten makes the root one relative to the working directory, for messages.
func (s *sourceSet) shorten() {
	if wd, err := os.Getwd(); err == nil {
		if short, err := filepath.Rel(wd, s.root); err == nil {
			s.root = short
		}
	}
}
