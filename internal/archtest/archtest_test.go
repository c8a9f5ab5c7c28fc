// Package archtest holds the project's import table and fails when an import
// breaks it. The same table, drawn, is in docs/architecture.md.
package archtest

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
)

const module = "provery"

// column says what a package may know. Packages of the two inner columns never
// import each other; only packages above both do.
type column int

const (
	base     column = iota // imported by everybody
	crypto                 // no I/O, no clock, no log
	data                   // no cryptography beyond hashing and sealing
	service                // above both columns
	public                 // importable by other modules: standard library and api only
	testing_               // imported by tests and benchmarks only
)

type rule struct {
	row    int
	column column
}

// table gives each package its row and column: a package imports packages of
// lower rows only, and never across the two inner columns.
var table = map[string]rule{
	"api":                            {0, public},
	"internal/fault":                 {0, base},
	"internal/flock":                 {0, base},
	"internal/parallel":              {0, base},
	"internal/scratch":               {0, base},
	"internal/container":             {1, base},
	"internal/source":                {1, base},
	"internal/unknown":               {1, base},
	"internal/iden3":                 {1, base},
	"internal/telemetry":             {1, data},
	"internal/tracing":               {1, data},
	"internal/curve":                 {1, crypto},
	"internal/msm":                   {1, crypto},
	"internal/ntt":                   {1, crypto},
	"internal/curve/*":               {2, crypto},
	"internal/r1cs":                  {2, crypto},
	"internal/wasmcode":              {0, crypto},
	"internal/stopcheck":             {1, crypto},
	"internal/divert":                {1, crypto},
	"internal/zkey":                  {3, crypto},
	"internal/scheme":                {3, crypto},
	"internal/frontend":              {4, crypto},
	"internal/frontend/hosting":      {4, crypto}, // what the compilers of the languages have in common
	"internal/scheme/*":              {5, crypto},
	"internal/verify":                {4, crypto},
	"internal/scheme/wire":           {4, crypto}, // what the schemes have in common: points, hex JSON, key files
	"internal/frontend/*":            {5, crypto},
	"internal/contract":              {5, crypto},
	"internal/ptau":                  {5, crypto},
	"internal/prove":                 {6, crypto},
	"internal/ceremony":              {6, crypto},
	"internal/cgroup":                {1, data},
	"internal/seal":                  {1, data},
	"internal/store":                 {2, data},
	"internal/engine":                {2, data},
	"internal/store/*":               {3, data},
	"internal/store/cached":          {4, data}, // a disk before a remote store: above both kinds
	"internal/registry":              {4, data},
	"internal/queue":                 {4, data},
	"internal/webhook":               {4, data},
	"internal/upload":                {4, data},
	"internal/worker":                {7, service},
	"internal/httpapi":               {7, service},
	"internal/console":               {7, service},
	"internal/config":                {7, service},
	"client":                         {7, public},
	"client/verify":                  {8, service},
	"client/evm":                     {8, service}, // a module of its own
	"client/evm/*":                   {11, service},
	"internal/daemon":                {8, service},
	"internal/bench":                 {9, service},
	"internal/bench/*":               {8, service}, // parts of it that know nothing of the service
	"internal/cli":                   {10, service},
	"cmd/*":                          {11, service},
	"deploy":                         {11, service}, // tests of the files there
	"deploy/*":                       {11, service},
	"examples/*":                     {11, service},
	"examples/zokrates/eddsa/signer": {0, public},
	"internal/archtest":              {0, testing_},
	"test/evm":                       {9, testing_}, // a module of its own
	"internal/peer":                  {0, testing_},
	"internal/peer/*":                {0, testing_},
	"internal/conformance":           {0, testing_},
	"internal/faulttest":             {0, testing_},
	"internal/freeport":              {0, testing_},
	"internal/curve/gen":             {2, testing_},
	"internal/kernelgen":             {2, testing_},
	"internal/curve/curvetest":       {3, testing_},
	"internal/frontend/frontendtest": {5, testing_},
	"internal/frontend/hosting/*":    {5, testing_},
	"internal/store/storetest":       {3, testing_},
	"internal/tracing/tracingtest":   {2, testing_},
	"internal/httpapi/contracttest":  {8, testing_},
}

// denied lists imports that the rows would allow.
var denied = map[string][]string{
	"internal/httpapi": {"internal/prove", "internal/scheme", "internal/frontend", "internal/worker", "internal/queue", "internal/registry"},
	"client":           {"internal"},
	"api":              {"internal"},
}

// strangers are two families of packages that never see each other.
var strangers = [2]string{"internal/frontend", "internal/scheme"}

// siblings may not import each other.
var siblings = []string{"internal/curve/", "internal/scheme/", "internal/frontend/", "internal/store/"}

// consumers are modules of their own, which use the service from outside.
var consumers = []string{"examples/rollup", "examples/attestation"}

func lookup(pkg string) (rule, bool) {
	if r, ok := table[pkg]; ok {
		return r, true
	}
	for dir := path.Dir(pkg); dir != "."; dir = path.Dir(dir) {
		if r, ok := table[dir+"/*"]; ok {
			return r, true
		}
	}
	return rule{}, false
}

func within(pkg, dir string) bool { return pkg == dir || strings.HasPrefix(pkg, dir+"/") }

// violation says why from may not import to, or "".
func violation(from, to string, inTest bool) string {
	f, ok := lookup(from)
	if !ok {
		return "the importing package isn't in the table"
	}
	t, ok := lookup(to)
	if !ok {
		return "the imported package isn't in the table"
	}
	for _, dir := range consumers {
		switch {
		case !within(from, dir):
		case within(to, dir) || within(to, "client") || t.column == public:
			return ""
		default:
			return "a consumer imports the public packages only"
		}
	}
	for _, d := range denied[from] {
		if within(to, d) && !(inTest && f.column == public) { // their examples start a service
			return "denied"
		}
	}
	for i, family := range strangers {
		if within(from, family) && within(to, strangers[1-i]) {
			return "front-ends and schemes never see each other"
		}
	}
	for _, dir := range siblings {
		if strings.HasPrefix(from, dir) && strings.HasPrefix(to, dir) && t.row == f.row && t.column != testing_ && f.column != testing_ {
			return "siblings never see each other"
		}
	}
	switch {
	case inTest || f.column == testing_:
		return ""
	case t.column == testing_:
		return "meant for tests only"
	case t.row >= f.row:
		return "imports go to lower rows only"
	case f.column == crypto && t.column == data, f.column == data && t.column == crypto:
		return "the two inner columns meet in worker only"
	case f.column == public && t.column != public:
		return "public packages import the standard library and api only"
	}
	return ""
}

type edge struct {
	from, to string
	inTest   bool
	file     string
}

func imports(t *testing.T) []edge {
	t.Helper()
	root := filepath.Join("..", "..")
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatal(err)
	}
	var edges []edge
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := d.Name()
		if d.IsDir() {
			if base == "testdata" || base == "node_modules" || base == "build" || (base != ".." && strings.HasPrefix(base, ".")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") {
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		from := filepath.ToSlash(filepath.Dir(rel))
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			to, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if to == module || strings.HasPrefix(to, module+"/") {
				edges = append(edges, edge{from, strings.TrimPrefix(to, module+"/"), strings.HasSuffix(base, "_test.go"), filepath.ToSlash(rel)})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Slice(edges, func(i, j int) bool { return edges[i].file < edges[j].file })
	return edges
}

func TestImportTable(t *testing.T) {
	t.Parallel()
	edges := imports(t)
	if len(edges) < 10 {
		t.Fatalf("got %d imports: the walk missed the tree", len(edges))
	}
	for _, e := range edges {
		if why := violation(e.from, e.to, e.inTest); why != "" && e.from != e.to {
			t.Errorf("%s: %s imports %s: %s", e.file, e.from, e.to, why)
		}
	}
}

// TestNestedModules loads the modules of their own: a new requirement of this
// module's go.mod is one of theirs, and without it they don't build.
func TestNestedModules(t *testing.T) {
	t.Parallel()
	for _, dir := range append([]string{"client/evm", "test/evm"}, consumers...) {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), "go", "-C", filepath.Join("..", "..", dir), "list", "-mod=readonly", "-deps", "-test", "./...")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: `make tidy` may help\n%s", err, out)
			}
		})
	}
}

// TestOneVersion keeps the modules of their own at one version of what they share:
// what one tests is what another runs, and go-ethereum is compiled once for all.
func TestOneVersion(t *testing.T) {
	t.Parallel()
	type place struct{ dir, version string }
	first := map[string]place{}
	for _, dir := range append([]string{"client/evm", "test/evm"}, consumers...) {
		text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(dir), "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
			if len(words) < 2 || !strings.HasPrefix(words[1], "v") {
				continue
			}
			here := place{dir, words[1]}
			if other, ok := first[words[0]]; !ok {
				first[words[0]] = here
			} else if other.version != here.version {
				t.Errorf("%s: %s requires %s, %s %s", words[0], other.dir, other.version, here.dir, here.version)
			}
		}
	}
	if _, ok := first["github.com/ethereum/go-ethereum"]; !ok {
		t.Errorf("got %v, without go-ethereum", first)
	}
}

func TestTableRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, from, to string
		refused        bool
	}{
		{"down the column", "internal/scheme/groth16", "internal/curve/bn254", false},
		{"worker joins the columns", "internal/worker", "internal/queue", false},
		{"up the column", "internal/curve", "internal/r1cs", true},
		{"across the columns", "internal/queue", "internal/scheme", true},
		{"across the other way", "internal/prove", "internal/store", true},
		{"sibling schemes", "internal/scheme/gm17", "internal/scheme/groth16", true},
		{"front-end to scheme", "internal/frontend/zokrates", "internal/scheme", true},
		{"scheme to front-end", "internal/scheme/groth16", "internal/frontend", true},
		{"handlers to provers", "internal/httpapi", "internal/prove", true},
		{"client to internals", "client", "internal/fault", true},
		{"consumer to client", "examples/rollup/operator", "client", false},
		{"consumer to the verifier client", "examples/attestation", "client/evm", false},
		{"consumer to itself", "examples/rollup/operator", "examples/rollup/ledger", false},
		{"consumer to internals", "examples/rollup/operator", "internal/fault", true},
		{"unknown package", "internal/util", "internal/fault", true},
		{"service to a test package", "internal/worker", "internal/peer", true},
	}
	for _, tc := range tests {
		if got := violation(tc.from, tc.to, false) != ""; got != tc.refused {
			t.Errorf("%s: refused = %v, want %v", tc.name, got, tc.refused)
		}
	}
}
