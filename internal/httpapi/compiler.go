package httpapi

import "context"

// Compiler turns source into the files that a circuit is registered from.
type Compiler interface {
	// Compile compiles sources. The result must be closed, unless there is an
	// error. What the compiler refuses is fault.InvalidArtifact with the
	// position of the first error.
	Compile(ctx context.Context, s Sources) (*Compiled, error)
}

// Sources are files to compile.
type Sources struct {
	// Files are contents by slash-separated path, relative to one root.
	Files map[string][]byte
	// Main is the path of the file with the main function.
	Main string
	// Curve is the curve's name, such as "bn128".
	Curve string
	// Debug keeps log statements.
	Debug bool
}

// Compiled is what a compilation produced.
type Compiled struct {
	Frontend string
	// Artefacts are the files by role. They can be read until Close.
	Artefacts map[string]Upload
	Close     func() error
}
