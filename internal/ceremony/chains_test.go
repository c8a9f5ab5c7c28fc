package ceremony

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provery/internal/curve"
	"provery/internal/frontend"
	"provery/internal/frontend/circom"
	"provery/internal/frontend/frontendtest"
	"provery/internal/peer/snarkjs"
	"provery/internal/prove"
	"provery/internal/scheme"
	"provery/internal/scheme/groth16"
	"provery/internal/zkey"
)

// TestChains runs ceremonies whose steps Provery and snarkjs do in turn. After each
// step both verify the key from the beginning. Keys are used, fresh, contributed and
// closed by a beacon: both prove, and each accepts the other's proof.
func TestChains(t *testing.T) {
	t.Parallel()
	js := snarkjs.Start(t, "../..")
	for _, id := range []curve.ID{curve.BN128, curve.BLS12381} {
		for i, steps := range [][]string{
			{"our new", "our contribution", "our contribution", "their contribution", "our beacon"},
			{"their new", "their contribution", "our contribution", "their beacon"},
			{"our new", "their beacon", "our beacon", "their contribution", "our contribution"},
		} {
			c := newChain(t, js, id)
			for k, step := range steps {
				c.run(step)
				c.verify(step)
				if i == 0 || k == len(steps)-1 {
					c.use(step)
				}
			}
		}
	}
}

// TestTruncated begins ceremonies with powers of tau that snarkjs cut to just the
// circuit's size, as those are that people download.
func TestTruncated(t *testing.T) {
	t.Parallel()
	js := snarkjs.Start(t, "../..")
	for _, id := range []curve.ID{curve.BN128, curve.BLS12381} {
		c := newChain(t, js, id)
		js.Must(t, nil, "powersOfTau.truncate", c.ptau, filepath.Join(c.dir, "powers"))
		c.ptau = filepath.Join(c.dir, "powers04.ptau")
		c.run("their new")
		theirs := c.section(c.key)
		c.verify("their new")
		c.run("our new")
		ours := c.section(c.key)
		if a, b := whole(t, theirs), whole(t, ours); !bytes.Equal(a, b) {
			t.Errorf("%s: another first key than snarkjs's", c.name)
		}
		for _, step := range []string{"their contribution", "our contribution"} {
			c.run(step)
			c.verify(step)
		}
		c.use("both contributed")
		if _, err := Verify(t.Context(), tiny(t, c.name), c.section(c.key), Run{Threads: 2}); err != nil {
			t.Errorf("%s: with the whole powers of tau: %v", c.name, err)
		}
	}
}

func whole(t *testing.T, s *io.SectionReader) []byte {
	t.Helper()
	b, err := io.ReadAll(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// chain is a ceremony for the circuit tiny.
type chain struct {
	t          *testing.T
	js         *snarkjs.Process
	name       string // of the curve
	backend    scheme.Backend
	program    frontend.Program
	dir        string
	r1cs, ptau string
	key        string // the newest one's file
	made       int    // files
	circuit    string // hash
	links      []link
}

// link is what a contribution should look like afterwards.
type link struct {
	hash, name string
	beacon     bool
}

func newChain(t *testing.T, js *snarkjs.Process, id curve.ID) *chain {
	t.Helper()
	c := &chain{t: t, js: js, name: map[curve.ID]string{curve.BN128: "bn128", curve.BLS12381: "bls12381"}[id], dir: t.TempDir()}
	c.r1cs, c.ptau = c.fixture("tiny.r1cs"), c.fixture(c.name+".ptau")
	var err error
	if c.backend, err = groth16.New(id); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, role := range []string{circom.RoleR1CS, circom.RoleWasm, circom.RoleSym} {
		files[role] = read(t, c.name+"/tiny."+role)
	}
	if c.program, err = circom.New(circom.Config{}).Import(t.Context(), frontendtest.Artefacts(files)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := frontend.Release(c.program); err != nil {
			t.Error(err)
		}
	})
	return c
}

// begin returns what the ceremony begins with.
func (c *chain) begin() Circuit { return Circuit{c.section(c.r1cs), c.section(c.ptau)} }

// fixture returns the absolute path of one of snarkjs's files.
func (c *chain) fixture(name string) string {
	c.t.Helper()
	path, err := filepath.Abs(filepath.Join("../../testdata/circom", c.name, name))
	if err != nil {
		c.t.Fatal(err)
	}
	return path
}

// run does a step, which makes a new file.
func (c *chain) run(step string) {
	c.t.Helper()
	before := c.key
	c.made++
	c.key = filepath.Join(c.dir, fmt.Sprintf("%d.zkey", c.made))
	name := fmt.Sprintf("%s %d, größer", step, c.made)
	var hash string
	switch step {
	case "our new":
		c.ours(func(w io.Writer) error {
			circuit, err := New(c.t.Context(), c.begin(), Run{Threads: 2}, w)
			c.circuit = hex.EncodeToString(circuit[:])
			return err
		})
	case "their new":
		c.js.Must(c.t, &c.circuit, "zKey.newZKey", c.r1cs, c.ptau, c.key)
	case "our contribution":
		hash = c.contribute(before, Contribution{Name: name, Rand: rand.Reader, Entropy: []byte("typed")})
	case "our beacon":
		hash = c.contribute(before, Contribution{Name: name, Beacon: &zkey.Beacon{Value: []byte{0, 1, 2, 0xff}, Exponent: 10}})
	case "their contribution":
		c.js.Must(c.t, &hash, "zKey.contribute", before, c.key, name, "typed")
	case "their beacon":
		c.js.Must(c.t, &hash, "zKey.beacon", before, c.key, name, "00abcdef", 11)
	default:
		c.t.Fatalf("there is no step %q", step)
	}
	if hash != "" {
		c.links = append(c.links, link{hash, name, strings.HasSuffix(step, "beacon")})
	}
}

// contribute makes our contribution and returns its hash.
func (c *chain) contribute(before string, in Contribution) (hash string) {
	c.t.Helper()
	in.Key = c.section(before)
	c.ours(func(w io.Writer) error {
		receipt, err := Contribute(c.t.Context(), in, Run{Threads: 2}, w)
		if err != nil {
			return err
		}
		if got := hex.EncodeToString(receipt.Circuit[:]); got != c.circuit || receipt.Number != len(c.links)+1 {
			c.t.Errorf("got receipt %+v for contribution %d to circuit %s", receipt, len(c.links)+1, c.circuit)
		}
		hash = hex.EncodeToString(receipt.Hash[:])
		return nil
	})
	return hash
}

// ours makes the newest key's file.
func (c *chain) ours(write func(io.Writer) error) {
	c.t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		c.t.Fatal(err)
	}
	c.write(c.key, out.Bytes())
}

func (c *chain) write(path string, b []byte) {
	c.t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c *chain) section(path string) *io.SectionReader {
	c.t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		c.t.Fatal(err)
	}
	return section(b)
}

// verify has both verify the newest key, and compares what is reported with what
// was done.
func (c *chain) verify(step string) {
	c.t.Helper()
	report, err := Verify(c.t.Context(), c.begin(), c.section(c.key), Run{Threads: 2})
	if err != nil {
		c.t.Fatalf("%s after %s of %d: %v", c.name, step, len(c.links), err)
	}
	got := hex.EncodeToString(report.Circuit[:])
	want := c.circuit
	for i, r := range report.Contributions {
		got += fmt.Sprintf("\n%d %x %q %v", i, r.Hash, r.Name, r.Beacon != nil)
	}
	for i, l := range c.links {
		want += fmt.Sprintf("\n%d %s %q %v", i, l.hash, l.name, l.beacon)
	}
	if got != want {
		c.t.Errorf("%s after %s: got\n%s\nwant\n%s", c.name, step, got, want)
	}
	if !c.js.Accepts(c.t, "zKey.verifyFromR1cs", c.r1cs, c.ptau, c.key) {
		c.t.Fatalf("%s: snarkjs refuses the key after %s of %d", c.name, step, len(c.links))
	}
}

// use imports the newest key, has both prove with it and check the other's proof,
// and exports it again as a file that snarkjs still verifies.
func (c *chain) use(step string) {
	c.t.Helper()
	file := c.section(c.key)
	key, err := c.backend.ImportProvingKey(c.t.Context(), scheme.ImportInput{System: c.program.System(), Data: file, Size: file.Size(), Threads: 2})
	if err != nil {
		c.t.Fatalf("%s: import after %s: %v", c.name, step, err)
	}
	prover, err := prove.New(c.program, c.backend, key)
	if err != nil {
		c.t.Fatal(err)
	}
	made, err := prover.Prove(c.t.Context(), prove.Request{Arguments: read(c.t, "tiny.json"), Threads: 2, Rand: rand.Reader})
	if err != nil {
		c.t.Fatal(err)
	}
	var ours struct {
		Proof  json.RawMessage `json:"proof"`
		Public json.RawMessage `json:"public"`
	}
	if err := json.Unmarshal(made.Proof, &ours); err != nil {
		c.t.Fatal(err)
	}
	var vk json.RawMessage
	c.js.Must(c.t, &vk, "zKey.exportVerificationKey", c.key)
	if !c.js.Accepts(c.t, "groth16.verify", vk, ours.Public, ours.Proof) {
		c.t.Errorf("%s: snarkjs refuses our proof after %s", c.name, step)
	}
	var theirs struct {
		Proof  json.RawMessage `json:"proof"`
		Public json.RawMessage `json:"publicSignals"`
	}
	c.js.Must(c.t, &theirs, "groth16.prove", c.key, c.fixture("tiny.wtns"))
	proof, public, err := c.backend.ParseProof(fmt.Appendf(nil, `{"proof":%s,"public":%s}`, theirs.Proof, theirs.Public))
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.backend.Verify(key.VerifyingKey(), proof, public); err != nil {
		c.t.Errorf("%s: snarkjs's proof after %s: %v", c.name, step, err)
	}
	var exported bytes.Buffer
	if err := key.Export(&exported, c.program.System()); err != nil {
		c.t.Fatal(err)
	}
	path := filepath.Join(c.dir, "exported.zkey")
	c.write(path, exported.Bytes())
	if !c.js.Accepts(c.t, "zKey.verifyFromR1cs", c.r1cs, c.ptau, path) {
		c.t.Errorf("%s: snarkjs refuses the exported key after %s", c.name, step)
	}
}
