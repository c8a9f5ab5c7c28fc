package conformance

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"provery/internal/curve"
)

const programs = "testdata/programs"

// program is a folder of testdata/programs.
type program struct {
	name   string
	dir    string // absolute
	digest [sha256.Size]byte

	Curves        []string   `json:"curves"`
	Large         bool       `json:"large"`
	Debug         bool       `json:"debug"`
	Unconstrained bool       `json:"unconstrained"`
	Random        *int       `json:"random"`
	Cases         []testCase `json:"cases"`
}

// testCase is one list of arguments and what must come of it.
type testCase struct {
	Args    json.RawMessage `json:"args"`
	Fails   string          `json:"fails"`
	Refused bool            `json:"refused"`
	Crashes string          `json:"crashes"`
	Output  json.RawMessage `json:"output"`
	madeUp  bool            // the outcome isn't known beforehand
}

// defaultRandom is how many cases are made up for a program that doesn't say.
const defaultRandom = 4

func loadPrograms(t *testing.T) []*program {
	t.Helper()
	root, err := filepath.Abs(programs)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	var out []*program
	for _, e := range entries {
		p := &program{name: e.Name(), dir: filepath.Join(root, e.Name())}
		if err := p.load(); err != nil {
			t.Fatalf("%s: %v", p.name, err)
		}
		out = append(out, p)
	}
	return out
}

// load reads cases.json and hashes the sources.
func (p *program) load() error {
	text, err := os.ReadFile(filepath.Join(p.dir, "cases.json"))
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(p); err != nil {
		return err
	}
	h := sha256.New()
	err = p.eachSource(func(name string, source []byte) {
		sum := sha256.Sum256(source)
		h.Write([]byte(name + "\x00"))
		h.Write(sum[:])
	})
	h.Sum(p.digest[:0])
	return err
}

// eachSource calls f for each module in the order of their names.
func (p *program) eachSource(f func(name string, source []byte)) error {
	return filepath.WalkDir(p.dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(file) != ".zok" {
			return err
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(p.dir, file)
		f(filepath.ToSlash(name), source)
		return err
	})
}

// compilesFor reports whether the program must compile for the curve.
func (p *program) compilesFor(id curve.ID) bool {
	return len(p.Curves) == 0 || slices.Contains(p.Curves, id.String())
}

// relative matches numbers relative to the modulus.
var relative = regexp.MustCompile(`"(p-[0-9]+|\(p[-+]1\)/2)"`)

// resolve replaces numbers relative to the modulus.
func resolve(args json.RawMessage, modulus *big.Int) json.RawMessage {
	return relative.ReplaceAllFunc(args, func(m []byte) []byte {
		v := new(big.Int)
		switch text := strings.Trim(string(m), `"`); text {
		case "(p-1)/2":
			v.Rsh(modulus, 1)
		case "(p+1)/2":
			v.Rsh(modulus, 1).Add(v, big.NewInt(1))
		default:
			v.SetString(text[2:], 10)
			v.Sub(modulus, v)
		}
		return []byte(`"` + v.String() + `"`)
	})
}
