package compiler

import (
	"path"
	"slices"
	"strings"

	"provery/internal/fault"
)

// resolver answers the compiler's questions for imported files. The compiler
// knows a file by its location: the main file by its base name, any other by
// its path relative to the main file's folder, with "./" or "../" in front. The
// prefix makes the compiler ask for that file's own imports too, instead of
// looking them up in the standard library; and as the path doesn't begin at
// some root, the same files give the same program wherever they lie.
//
// The compiler follows a circle of imports until its stack ends, so circles
// are found here, as is a chain of imports that is too long.
type resolver struct {
	sources  map[string]string // by path in the source set
	main     string
	maxDepth int
	imports  map[string][]string // by importing path
	depth    map[string]int      // imports between main and the path when it was first reached
	err      *fault.Error        // why the last import was refused; the compiler forgets it
}

func newResolver(sources map[string]string, main string, maxDepth int) *resolver {
	return &resolver{
		sources: sources, main: main, maxDepth: maxDepth,
		imports: map[string][]string{}, depth: map[string]int{main: 0},
	}
}

// path returns the source set's name of a location, or the location itself if
// it is one of the standard library.
func (r *resolver) path(location string) string {
	switch {
	case location == path.Base(r.main):
		return r.main
	case strings.HasPrefix(location, "."):
		return path.Join(path.Dir(r.main), location)
	}
	return location
}

// location returns the compiler's name of a file other than the main file.
func (r *resolver) location(file string) string {
	from, to := strings.Split(path.Dir(r.main), "/"), strings.Split(file, "/")
	if from[0] == "." {
		return "./" + file
	}
	common := 0
	for common < min(len(from), len(to)-1) && from[common] == to[common] {
		common++
	}
	up := strings.Repeat("../", len(from)-common)
	if up == "" {
		up = "./"
	}
	return up + strings.Join(to[common:], "/")
}

// resolve returns the text and the location of the file that the one at
// location from imports as name.
func (r *resolver) resolve(from, name string) (source, location string, err error) {
	importer := r.path(from)
	file, refused := r.find(importer, name)
	if refused == nil {
		refused = r.record(importer, file)
	}
	if refused != nil {
		r.err = refused
		return "", "", refused
	}
	return r.sources[file], r.location(file), nil
}

func (r *resolver) find(importer, name string) (string, *fault.Error) {
	if strings.HasPrefix(name, "/") {
		return "", fault.New(fault.InvalidArtifact, "cannot import %q: absolute paths aren't allowed", name)
	}
	file := path.Join(path.Dir(importer), name)
	if file == ".." || strings.HasPrefix(file, "../") {
		return "", fault.New(fault.InvalidArtifact, "cannot import %q: the path leaves the source folder", name)
	}
	if path.Ext(file) != Extension {
		file += Extension
	}
	if _, ok := r.sources[file]; !ok {
		return "", fault.New(fault.InvalidArtifact, "cannot import %q: there is no file %s among the sources", name, file)
	}
	return file, nil
}

// record notes that importer imports file, and refuses what would make a
// circle or a chain that is too long.
func (r *resolver) record(importer, file string) *fault.Error {
	if slices.Contains(r.imports[importer], file) {
		return nil
	}
	if chain := r.chain(file, importer, map[string]bool{}); chain != nil {
		return fault.New(fault.InvalidArtifact, "import cycle: %s imports %s", importer, strings.Join(chain, " imports "))
	}
	r.imports[importer] = append(r.imports[importer], file)
	if _, seen := r.depth[file]; !seen {
		r.depth[file] = r.depth[importer] + 1
	}
	if r.depth[file] > r.maxDepth {
		return fault.New(fault.TooLarge, "imports are nested more than %d deep", r.maxDepth)
	}
	return nil
}

// chain returns the imports that lead from one file to another, both
// included, or nil if none do.
func (r *resolver) chain(from, to string, seen map[string]bool) []string {
	if from == to {
		return []string{to}
	}
	seen[from] = true
	for _, next := range r.imports[from] {
		if seen[next] {
			continue
		}
		if rest := r.chain(next, to, seen); rest != nil {
			return append([]string{from}, rest...)
		}
	}
	return nil
}
