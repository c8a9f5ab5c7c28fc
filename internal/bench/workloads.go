package bench

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"provery/examples/zokrates/eddsa/signer"
	"provery/internal/bench/synthetic"
	"provery/internal/fault"
)

// Workload is something to prove: a compiled circuit with its key, or a
// synthetic system.
type Workload struct {
	Name  string
	Title string
	// Signatures is the number of EdDSA signatures that one proof verifies.
	Signatures int
	// Frontend names the circuit's language; "" for synthetic systems.
	Frontend string
	// Files are the circuit's artefacts by role, and Key its proving key.
	// Relative names are those in the cache of made workloads.
	Files map[string]string
	Key   string
	// SetUpKey says that a key is made, for the benchmark only, if there is none.
	SetUpKey bool
	// Arguments returns the i-th argument list. Equal i give equal arguments.
	Arguments func(i int) (json.RawMessage, error)
	// Make is the command that makes the files.
	Make string
	// Synthetic, if not nil, is the system to prove.
	Synthetic *synthetic.Spec
}

// zokratesWorkload returns a program that the tool chain's build script left in
// a folder of the cache.
func zokratesWorkload(name, title, folder string, arguments func(int) (json.RawMessage, error)) Workload {
	dir := filepath.Join(folder, "bn128")
	return Workload{
		Name: name, Title: title, Frontend: "zokrates",
		Files: map[string]string{"program": filepath.Join(dir, "out"), "abi": filepath.Join(dir, "abi.json")},
		Key:   filepath.Join(dir, "ark-g16", "proving.key"), Arguments: arguments,
		Make: "make bench-workloads",
	}
}

// circomWorkload returns a circuit of bench/workloads/circom.
func circomWorkload(name, title string, arguments func(int) (json.RawMessage, error)) Workload {
	dir := filepath.Join("circom", name)
	return Workload{
		Name: "circom-" + name, Title: title, Frontend: "circom",
		Files: map[string]string{
			"r1cs": filepath.Join(dir, name+".r1cs"), "sym": filepath.Join(dir, name+".sym"),
			"wasm": filepath.Join(dir, name+"_js", name+".wasm"),
		},
		Key: filepath.Join(dir, "key.zkey"), SetUpKey: true, Arguments: arguments, Make: "make bench-workloads-circom",
	}
}

// Workloads returns the standard workloads.
func Workloads() []Workload {
	eddsa := zokratesWorkload("eddsa", "EdDSA signature, ZoKrates", "eddsa", signatures(1))
	eddsa.Signatures = 1
	two := zokratesWorkload("eddsa-2", "two EdDSA signatures, ZoKrates", "eddsa-main2", signatures(2))
	two.Signatures, two.Make = 2, "make bench-workloads-large (compiling takes 4 GB of memory)"
	out := []Workload{
		eddsa, two,
		zokratesWorkload("sha256", "SHA-256 of 512 bits, ZoKrates", "sha256", messages),
		zokratesWorkload("poseidon-merkle", "member of a Poseidon Merkle tree of 2^20, ZoKrates", "poseidon-merkle", paths),
		circomWorkload("eddsa-poseidon-1", "EdDSA-Poseidon signature, circomlib", poseidonSignature),
		circomWorkload("eddsa-poseidon-16", "16 EdDSA-Poseidon signatures, circomlib", poseidonSignatures),
		circomWorkload("sha256-512", "SHA-256 of 512 bits, circomlib", bitLists(512)),
		circomWorkload("sha256-4096", "SHA-256 of 4,096 bits, circomlib", bitLists(4096)),
	}
	for _, kind := range []synthetic.Kind{synthetic.Field, synthetic.Bits} {
		for log := 14; log <= 20; log++ {
			out = append(out, syntheticWorkload(synthetic.Spec{Kind: kind, Log: log}))
		}
	}
	return out
}

func syntheticWorkload(s synthetic.Spec) Workload {
	kind := "full-size values"
	if s.Kind == synthetic.Bits {
		kind = "nine tenths bits"
	}
	return Workload{
		Name: s.String(), Title: fmt.Sprintf("synthetic, 2^%d constraints, %s", s.Log, kind), Synthetic: &s,
		Arguments: func(int) (json.RawMessage, error) { return json.RawMessage("[]"), nil },
		Make:      "provery bench prepare " + s.String(),
	}
}

// Find returns the workloads of the names: standard ones, "field-2^N" and
// "bits-2^N" for other sizes too, and "zokrates", "circom", "synthetic" or "all" for
// those of that kind. No names are those that take no more than half a minute each.
func Find(names []string) ([]Workload, error) {
	if len(names) == 0 {
		names = []string{"zokrates", "field-2^14", "field-2^17", "bits-2^14", "bits-2^17"}
	}
	all := Workloads()
	var out []Workload
	for _, name := range names {
		found := slices.DeleteFunc(slices.Clone(all), func(w Workload) bool { return !w.isCalled(name) })
		if len(found) == 0 {
			w, ok := parseSynthetic(name)
			if !ok {
				return nil, fault.New(fault.InvalidRequest, "there is no workload %q; 'provery bench list' lists them", name)
			}
			found = []Workload{w}
		}
		for _, w := range found {
			if !slices.ContainsFunc(out, func(o Workload) bool { return o.Name == w.Name }) {
				out = append(out, w)
			}
		}
	}
	return out, nil
}

func (w *Workload) isCalled(name string) bool {
	return name == w.Name || name == "all" || name != "" && name == w.Frontend || name == "synthetic" && w.Synthetic != nil
}

func parseSynthetic(name string) (Workload, bool) {
	kind, size, ok := strings.Cut(name, "-2^")
	s := synthetic.Spec{Kind: synthetic.Kind(kind)}
	if _, err := fmt.Sscanf(size, "%d", &s.Log); !ok || err != nil || s.String() != name {
		return Workload{}, false
	}
	if s.Kind != synthetic.Field && s.Kind != synthetic.Bits || s.Log < synthetic.MinLog || s.Log > synthetic.MaxLog {
		return Workload{}, false
	}
	return syntheticWorkload(s), true
}

// in returns the workload with its files below the cache's directory.
func (w Workload) in(cache string) Workload {
	at := func(name string) string {
		if name == "" || filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(cache, name)
	}
	files := map[string]string{}
	for role, name := range w.Files {
		files[role] = at(name)
	}
	w.Files, w.Key = files, at(w.Key)
	return w
}

// Missing returns a file of the workload's that isn't in the cache, or "".
func (w *Workload) Missing(cache string) string {
	made := w.in(cache)
	names := []string{made.Key}
	if made.SetUpKey {
		names = nil
	}
	for _, name := range made.Files {
		names = append(names, name)
	}
	for _, name := range names {
		if name == "" {
			continue
		}
		if _, err := os.Stat(name); err != nil {
			return name
		}
	}
	return ""
}

// seed determines the arguments of the standard workloads.
const seed = "bench"

func signatures(per int) func(int) (json.RawMessage, error) {
	return func(i int) (json.RawMessage, error) {
		statements := make([]signer.Statement, per)
		for k := range statements {
			statements[k] = signer.Generate(seed, i*per+k)
		}
		return signer.Arguments(statements...)
	}
}

// poseidonInputs returns the inputs of the i-th EdDSA-Poseidon signature: points
// of the curve and scalars of full size, which aren't one. The circuits are told not
// to insist; their constraints and the sizes of their values are the same.
func poseidonInputs(i int) map[string]string {
	key, other := signer.Generate(seed, 2*i), signer.Generate(seed, 2*i+1)
	return map[string]string{
		"Ax": key.Key.X.String(), "Ay": key.Key.Y.String(), "R8x": other.Key.X.String(), "R8y": other.Key.Y.String(),
		"S": key.Signature.S.String(), "M": other.Signature.S.String(),
	}
}

// poseidonSignature returns the arguments of eddsa-poseidon-1.
func poseidonSignature(i int) (json.RawMessage, error) {
	in := poseidonInputs(i)
	in["enabled"] = "0"
	return json.Marshal(in)
}

// poseidonSignatures returns the arguments of eddsa-poseidon-16.
func poseidonSignatures(i int) (json.RawMessage, error) {
	const n = 16
	in := map[string]any{"enabled": "0"}
	for k := range n {
		for name, v := range poseidonInputs(i*n + k) {
			list, _ := in[name].([]string)
			in[name] = append(list, v)
		}
	}
	return json.Marshal(in)
}

// bitLists makes the arguments of a hash of n bits, a multiple of 256.
func bitLists(n int) func(i int) (json.RawMessage, error) {
	return func(i int) (json.RawMessage, error) {
		var in []string
		for part := range n / 256 {
			for _, b := range digest("bits", i, part) {
				for bit := range 8 {
					in = append(in, string('0'+b>>bit&1))
				}
			}
		}
		return json.Marshal(map[string]any{"in": in})
	}
}

// digest returns 32 bytes that depend on what is given.
func digest(of ...any) [sha256.Size]byte {
	return sha256.Sum256([]byte(fmt.Sprint(append([]any{seed}, of...))))
}

// messages returns the arguments of bench/workloads/sha256.
func messages(i int) (json.RawMessage, error) {
	var words []string
	for half := range 2 {
		d := digest("message", i, half)
		for k := 0; k < len(d); k += 4 {
			words = append(words, fmt.Sprintf("0x%08x", binary.BigEndian.Uint32(d[k:])))
		}
	}
	return json.Marshal([]any{words})
}

// paths returns the arguments of bench/workloads/poseidon-merkle. Every path
// leads to some root.
func paths(i int) (json.RawMessage, error) {
	const depth = 20
	element := func(k int) string {
		d := digest("node", i, k)
		return fmt.Sprintf("0x%x", d[:31])
	}
	right, siblings := make([]bool, depth), make([]string, depth)
	for k := range depth {
		right[k], siblings[k] = digest("side", i, k)[0]&1 == 1, element(k)
	}
	return json.Marshal([]any{element(depth), right, siblings})
}
