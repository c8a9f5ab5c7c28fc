package cli

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"provery/internal/fault"
)

// sourceExtension is what the names of ZoKrates's source files end in.
const sourceExtension = ".zok"

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
	archive *os.File          // instead of files
	bytes   int64
}

func (s *sourceSet) close() {
	if s.archive != nil {
		_ = s.archive.Close() // it was read only
	}
}

// sourcesAt collects the sources at a path: a file with what it imports, all
// source files of a folder, or an archive.
func sourcesAt(name string) (*sourceSet, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, unreadable(name, err)
	case info.IsDir():
		return folder(name)
	case strings.HasSuffix(name, sourceExtension):
		return withImports(name)
	}
	f, err := openFile(name)
	return &sourceSet{archive: f}, err
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

// folder takes all source files below a folder, but those in hidden folders.
func folder(root string) (*sourceSet, error) {
	s := &sourceSet{root: root, files: map[string][]byte{}}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return unreadable(file, err)
		case entry.IsDir() && file != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "node_modules"):
			return filepath.SkipDir
		case !entry.Type().IsRegular() || !strings.HasSuffix(entry.Name(), sourceExtension):
			return nil
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		return s.add(filepath.ToSlash(rel), file)
	})
	if err == nil && len(s.files) == 0 {
		err = fault.New(fault.InvalidRequest, "%s: there are no source files (%s) in it", root, sourceExtension)
	}
	return s, err
}

// imported finds the paths of import statements: import "./a" as a, and
// from "./a" import b. What looks like one inside of a comment does no harm: a
// file too many is sent.
var imported = regexp.MustCompile(`\b(?:import|from)\s*"(\.{1,2}/[^"\n]*)"`)

// withImports takes a file and what it imports, directly or not. Imports that
// aren't there are left to the compiler, which knows where they stand.
func withImports(main string) (*sourceSet, error) {
	main, err := filepath.Abs(main)
	if err != nil {
		return nil, err
	}
	found := &sourceSet{root: filepath.Dir(main), files: map[string][]byte{}} // by absolute path
	for queue := []string{main}; len(queue) > 0; queue = queue[1:] {
		file := queue[0]
		if _, seen := found.files[file]; seen {
			continue
		}
		if err := found.add(file, file); err != nil {
			return nil, err
		}
		for _, m := range imported.FindAllSubmatch(found.files[file], -1) {
			target := filepath.Join(filepath.Dir(file), filepath.FromSlash(string(m[1])))
			if path.Ext(target) != sourceExtension {
				target += sourceExtension
			}
			if _, err := os.Stat(target); err == nil {
				queue = append(queue, target)
			}
		}
	}
	return found.relative(main)
}

// relative returns the set with paths below the folder that all files are in.
func (s *sourceSet) relative(main string) (*sourceSet, error) {
	root := filepath.Dir(main)
	for file := range s.files {
		for !strings.HasPrefix(file, root+string(filepath.Separator)) && root != filepath.Dir(root) {
			root = filepath.Dir(root)
		}
	}
	out := &sourceSet{root: root, files: map[string][]byte{}, bytes: s.bytes}
	for file, content := range s.files {
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return nil, err
		}
		out.files[filepath.ToSlash(rel)] = content
	}
	rel, err := filepath.Rel(root, main)
	out.main = filepath.ToSlash(rel)
	if wd, werr := os.Getwd(); werr == nil { // for messages
		if short, serr := filepath.Rel(wd, root); serr == nil {
			out.root = short
		}
	}
	return out, err
}
