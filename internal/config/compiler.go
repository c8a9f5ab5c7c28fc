package config

import "time"

// Compiler bounds compilations of circuits' sources. The compilers themselves
// are installed by "provery toolchain".
type Compiler struct {
	// Dir is where the compilers are installed. Default: toolchain in
	// DataDir.
	Dir string `yaml:"dir"`
	// Slots is the number of compilations at a time in this process, each of
	// which may take Memory. Default 1; 0 compiles nothing here.
	Slots int `yaml:"slots"`
	// Memory is what the compiler's process may use; at most 4GiB. Default
	// 4GiB.
	Memory Bytes `yaml:"memory"`
	// Time bounds one compilation. Default 10m.
	Time time.Duration `yaml:"time"`
	// MaxSourceBytes bounds the source files of one circuit together.
	// Default 4MiB.
	MaxSourceBytes Bytes `yaml:"max_source_bytes"`
	// MaxFiles bounds the number of the source files. Default 1000.
	MaxFiles int `yaml:"max_files"`
	// Libraries are folders with source files, such as a node_modules with
	// circomlib, that imports are looked up in after a circuit's own folders.
	// Only languages whose compilers look imports up in folders use them. They
	// are read at the start. Default none.
	Libraries []string `yaml:"libraries"`
	// MaxImportDepth bounds a chain of imports. Default 64.
	MaxImportDepth int `yaml:"max_import_depth"`
}

func defaultCompiler() Compiler {
	return Compiler{Slots: 1, Memory: 4 << 30, Time: 10 * time.Minute, MaxSourceBytes: 4 << 20, MaxFiles: 1000, MaxImportDepth: 64}
}

func (v *validator) compiler(c Compiler) {
	v.check(c.Slots >= 0, "compiler.slots: at least 0")
	v.check(c.Memory >= 128<<20 && c.Memory <= 4<<30, "compiler.memory: between 128MiB and 4GiB")
	v.check(c.Time >= time.Second, "compiler.time: at least 1s")
	v.check(c.MaxSourceBytes >= 1024 && c.MaxSourceBytes <= 32<<20, "compiler.max_source_bytes: between 1KiB and 32MiB")
	v.check(c.MaxFiles >= 1 && c.MaxFiles <= 100_000, "compiler.max_files: between 1 and 100000")
	v.check(c.MaxImportDepth >= 1, "compiler.max_import_depth: at least 1")
}
