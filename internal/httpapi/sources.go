package httpapi

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/source"
)

// sources are the source files that a form brought one by one. Which language
// they are of may come after them, so that they are only counted here.
type sources struct {
	limits source.Limits
	parts  []sourcePart
	bytes  int64
}

type sourcePart struct {
	name    string
	content []byte
}

// archive is the most that an archive may have, packed.
func (s *sources) archive() int64 { return 4 * s.limits.Bytes }

// add reads one source file, whose name is its path.
func (s *sources) add(part *multipart.Part) error {
	at := "/" + api.PartSource
	// Not part.FileName, which drops the folders.
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if err != nil || params["filename"] == "" {
		return fault.New(fault.InvalidRequest, "the part needs a filename: the path of the source file").At(at)
	}
	if len(s.parts) >= s.limits.Files {
		return fault.New(fault.TooLarge, "there are more than %d source files", s.limits.Files).At(at)
	}
	left := s.limits.Bytes - s.bytes
	content, err := io.ReadAll(io.LimitReader(part, left+1))
	if err != nil {
		return err
	}
	if int64(len(content)) > left {
		return fault.New(fault.TooLarge, "the source files have more than %d bytes", s.limits.Bytes).At(at)
	}
	s.bytes += int64(len(content))
	s.parts = append(s.parts, sourcePart{params["filename"], content})
	return nil
}

// hasSources reports whether the form is to be compiled.
func (f *form) hasSources() bool {
	_, archive := f.files[api.PartArchive]
	return archive || len(f.sources.parts) > 0
}

// compiles reports whether some front-end has a compiler.
func (s *Server) compiles() bool {
	return s.services.Compilations != nil && slices.ContainsFunc(s.frontends, func(f api.Frontend) bool { return f.Compiler != nil })
}

// sourceFields are the fields of a form with sources, beside those of every
// registration.
var sourceFields = []string{api.FieldMain, api.FieldCurve, api.FieldDebug, api.FieldOptimize, api.FieldInclude, api.FieldPriority, api.FieldDeadline}

// sourcesOf reads the sources of a form.
func (s *Server) sourcesOf(f *form) (in Sources, err error) {
	for role := range f.files {
		if role != api.PartArchive {
			return in, fault.New(fault.InvalidRequest, "not together with source files").At("/" + role)
		}
	}
	front, err := s.compiledFrontend(f)
	if err != nil {
		return in, err
	}
	c := source.NewCollector(s.limits.Sources, front.Compiler.Extension)
	for _, p := range f.sources.parts {
		if err := c.Add(p.name, strings.NewReader(string(p.content))); err != nil {
			return in, at(err, "/"+api.PartSource)
		}
	}
	if archive, found := f.files[api.PartArchive]; found {
		if err := c.Archive(archive.Reader, archive.Size); err != nil {
			return in, at(err, "/"+api.PartArchive)
		}
	}
	in = Sources{Frontend: front.Name, Files: c.Files()}
	if in.Main, err = c.Main(f.fields[api.FieldMain]); err != nil {
		return in, at(err, "/"+api.FieldMain)
	}
	if in.Name, in.Tag, err = namesOf(f); err != nil {
		return in, err
	}
	return in, in.options(f, front.Compiler)
}

// at names the part at fault in an error of the request.
func at(err error, path string) error {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	return f.At(path)
}

// compiledFrontend returns the front-end of a form: the one that it names, or
// the one whose source it holds.
func (s *Server) compiledFrontend(f *form) (api.Frontend, error) {
	name := f.fields[api.FieldFrontend]
	var found []api.Frontend
	for _, front := range s.frontends {
		ours := name == front.Name || name == "" && f.looksLike(front)
		if front.Compiler != nil && ours {
			found = append(found, front)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case name == "":
		return api.Frontend{}, fault.New(fault.InvalidRequest, "say which language the sources are of: %s", strings.Join(s.frontendNames(), ", ")).At("/frontend")
	}
	return api.Frontend{}, fault.New(fault.Unsupported, "sources of this language aren't compiled here: register the compiled circuit").At("/frontend")
}

// looksLike reports whether a form without a front-end's name may be of this
// one: by the names of its source files, if it has some.
func (f *form) looksLike(front api.Frontend) bool {
	if front.Compiler == nil {
		return false
	}
	if len(f.sources.parts) > 0 {
		return strings.HasSuffix(f.sources.parts[0].name, front.Compiler.Extension)
	}
	main := f.fields[api.FieldMain]
	return main == "" || strings.HasSuffix(main, front.Compiler.Extension)
}

// options fills in what the form's fields say.
func (in *Sources) options(f *form, c *api.Compiler) (err error) {
	if in.Curve = f.fields[api.FieldCurve]; in.Curve == "" {
		in.Curve = c.Curves[0]
	}
	if !slices.Contains(c.Curves, in.Curve) {
		return fault.New(fault.InvalidRequest, "want one of %s", strings.Join(c.Curves, ", ")).At("/" + api.FieldCurve)
	}
	if text := f.fields[api.FieldDebug]; text != "" {
		if in.Debug, err = strconv.ParseBool(text); err != nil {
			return fault.New(fault.InvalidRequest, "want true or false").At("/" + api.FieldDebug)
		}
	}
	if in.Optimize = f.fields[api.FieldOptimize]; in.Optimize != "" && !slices.Contains(c.Optimizations, in.Optimize) {
		return fault.New(fault.InvalidRequest, "the compiler has no such level; it has %s", listed(c.Optimizations)).At("/" + api.FieldOptimize)
	}
	if err := in.include(f.fields[api.FieldInclude], c); err != nil {
		return at(err, "/"+api.FieldInclude)
	}
	switch in.Priority = f.fields[api.FieldPriority]; in.Priority {
	case "":
		in.Priority = api.PriorityNormal
	case api.PriorityHigh, api.PriorityNormal, api.PriorityLow:
	default:
		return fault.New(fault.InvalidRequest, "want high, normal or low").At("/" + api.FieldPriority)
	}
	if text := f.fields[api.FieldDeadline]; text != "" {
		deadline, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return fault.New(fault.InvalidRequest, "want a time such as 2026-01-02T15:04:05Z").At("/" + api.FieldDeadline)
		}
		in.Deadline = &deadline
	}
	return nil
}

// include reads the folders that imports are looked up in.
func (in *Sources) include(list string, c *api.Compiler) error {
	for dir := range strings.SplitSeq(list, ",") {
		if dir == "" {
			continue
		}
		clean := "."
		if path.Clean(dir) != "." { // the root of the sources
			var err error
			if clean, err = source.Path(dir); err != nil {
				return err
			}
		}
		in.Include = append(in.Include, clean)
	}
	if len(in.Include) > 0 && !c.Includes {
		return fault.New(fault.InvalidRequest, "the compiler looks imports up beside the importing file only")
	}
	return nil
}

func listed(values []string) string {
	if len(values) == 0 {
		return "none"
	}
	return strings.Join(values, ", ")
}

// sourceSchema documents the parts and fields of a form with sources.
func (s *Server) sourceSchema(properties map[string]*huma.Schema) {
	if !s.compiles() {
		return
	}
	var curves []string
	for _, f := range s.frontends {
		if f.Compiler == nil {
			continue
		}
		for _, c := range f.Compiler.Curves {
			if !slices.Contains(curves, c) {
				curves = append(curves, c)
			}
		}
	}
	properties[api.PartSource] = &huma.Schema{
		Type: huma.TypeArray, Items: file("The part's filename is the path, such as lib/hash.zok."),
		Description: fmt.Sprintf("Source files to compile, up to %d of %d bytes together.", s.limits.Sources.Files, s.limits.Sources.Bytes),
	}
	properties[api.PartArchive] = file("Source files to compile as tar, tar.gz or zip; other files in it are passed over.")
	properties[api.FieldMain] = text("Path of the source file with the main function. Without it: the only file, or the one named main.")
	properties[api.FieldCurve] = text("Curve to compile for; without it the compiler's default.", curves...)
	properties[api.FieldDebug] = text("Keep log statements, for dry runs with logs.", "true", "false")
	properties[api.FieldOptimize] = text("Level of optimisation, of those that the compiler has; without it the compiler's default.")
	properties[api.FieldInclude] = text("Folders among the sources that imports are looked up in, too, separated by commas.")
	properties[api.FieldPriority] = text("Class of the compilation in the queue; normal without it.", "high", "normal", "low")
	properties[api.FieldDeadline] = text("When the compilation stops being of use, such as 2026-01-02T15:04:05Z.")
}
