package zokrates

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"provery/internal/frontend"
)

// benchFiles are the program of the benchmarks: the directory named by
// PROVERY_BENCH_PROGRAM, which holds out, abi.json and args.json, or the
// EdDSA example's cache.
type benchFiles struct {
	program, abi *os.File
	args         json.RawMessage
}

func openBench(b *testing.B) *benchFiles {
	b.Helper()
	root := filepath.Join("..", "..", "..")
	dir, args := os.Getenv("PROVERY_BENCH_PROGRAM"), ""
	if dir == "" {
		dir = filepath.Join(root, "build", "cache", "eddsa", "bn128")
		args = filepath.Join(root, "examples", "zokrates", "eddsa", "args.json")
	} else {
		args = filepath.Join(dir, "args.json")
	}
	program, err := os.Open(filepath.Join(dir, "out"))
	if err != nil {
		b.Skipf("no compiled program: %v", err)
	}
	abi, err := os.Open(filepath.Join(dir, "abi.json"))
	if err != nil {
		b.Skip(err)
	}
	text, err := os.ReadFile(args)
	if err != nil {
		b.Skip(err)
	}
	b.Cleanup(func() { program.Close(); abi.Close() })
	return &benchFiles{program, abi, text}
}

func (f *benchFiles) artefacts(b *testing.B) frontend.Artefacts {
	b.Helper()
	section := func(file *os.File) *io.SectionReader {
		info, err := file.Stat()
		if err != nil {
			b.Fatal(err)
		}
		return io.NewSectionReader(file, 0, info.Size())
	}
	return frontend.Artefacts{RoleProgram: section(f.program), RoleABI: section(f.abi)}
}

func benchImport(b *testing.B, f *benchFiles) frontend.Program {
	b.Helper()
	p, err := New().Import(b.Context(), f.artefacts(b))
	if err != nil {
		b.Fatal(err)
	}
	return p
}

// measure reports CPU time and, if memory is true, the process's peak memory,
// which counts everything since the process started.
func measure(b *testing.B, memory bool, run func()) {
	b.Helper()
	before := usage()
	for b.Loop() {
		run()
	}
	after := usage()
	b.ReportMetric((after.cpu-before.cpu)/float64(b.N), "cpu-s/op")
	if memory {
		b.ReportMetric(after.peakMiB, "peak-MiB")
	}
}

func BenchmarkImport(b *testing.B) {
	f := openBench(b)
	b.ReportAllocs()
	measure(b, true, func() {
		s := benchImport(b, f).Statistics()
		b.ReportMetric(float64(s.CompactBytes)/1e6, "compact-MB")
	})
}

func BenchmarkOpen(b *testing.B) {
	p := benchImport(b, openBench(b))
	var file bytes.Buffer
	if err := p.WriteFile(&file); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	measure(b, false, func() {
		if _, err := New().Open(file.Bytes()); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkSolve(b *testing.B) {
	f := openBench(b)
	p := mustReopen(b, benchImport(b, f))
	b.Logf("%+v", p.Statistics())
	b.ReportAllocs()
	measure(b, false, func() {
		if _, err := p.Solve(b.Context(), f.args, frontend.SolveOptions{}); err != nil {
			b.Fatal(err)
		}
	})
}
