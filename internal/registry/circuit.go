// Package registry keeps circuits and key sets by content id: records in a
// key-value bucket of the job engine, artefacts in the blob store. Names and
// tags are movable pointers to circuits.
//
// The registry knows no cryptography: whoever adds something has checked it.
// What it watches over is that records, pointers and blobs belong together,
// and that a blob is still what it was.
package registry

import (
	"encoding/json"
	"time"

	"provery/internal/fault"
	"provery/internal/store"
)

// Artifact is a blob with its size in bytes.
type Artifact struct {
	Digest store.Digest `json:"digest"`
	Size   int64        `json:"size"`
}

// Manifest is what a circuit's id stands for: the same sources for the same
// front-end and curve are the same circuit.
type Manifest struct {
	Frontend string // "zokrates", "circom"
	Curve    string // "bn254", ...
	// Sources are the digests of the artefacts as they were uploaded, by role
	// ("program", "abi").
	Sources map[string]store.Digest
}

// ID returns the circuit's id: the SHA-256 of the canonical manifest, which is
// JSON without spaces, with sorted keys.
func (m Manifest) ID() store.Digest {
	return canonical(map[string]any{"v": "provery/circuit/1", "frontend": m.Frontend, "curve": m.Curve, "sources": m.Sources})
}

// canonical hashes the JSON form of v. encoding/json sorts a map's keys, and
// none of the manifests' texts needs escapes.
func canonical(v map[string]any) store.Digest {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of texts and digests can be encoded
	}
	return store.Sum(b)
}

// Stats counts the parts of a constraint system.
type Stats struct {
	Constraints int   `json:"constraints"`
	Variables   int   `json:"variables"` // the constant one included
	Public      int   `json:"public"`    // public inputs and outputs, without the one
	Outputs     int   `json:"outputs"`
	Terms       int64 `json:"terms"` // of the distinct linear combinations

	Arguments    int `json:"arguments,omitempty"`    // flattened
	Coefficients int `json:"coefficients,omitempty"` // distinct
	Directives   int `json:"directives,omitempty"`   // solver calls
	Rows         int `json:"rows,omitempty"`         // distinct linear combinations; 0: not known

	SolverBytes int64 `json:"solver_bytes,omitempty"` // memory of a witness calculator
}

// Circuit is a registered circuit. All but Names is immutable.
type Circuit struct {
	ID       store.Digest            `json:"id"`
	Frontend string                  `json:"frontend"`
	Curve    string                  `json:"curve"`
	Sources  map[string]store.Digest `json:"sources"`
	// Compact is the circuit in the service's own form, which is what gets
	// opened. Further artefacts that are kept have a role in Extra (a Wasm
	// witness calculator, say).
	Compact Artifact            `json:"compact"`
	Extra   map[string]Artifact `json:"extra,omitempty"`
	Stats   Stats               `json:"stats"`
	// SourceBytes are the sizes of Sources, by role.
	SourceBytes map[string]int64 `json:"source_bytes,omitempty"`
	ABI         json.RawMessage  `json:"abi,omitempty"` // up to 512 KiB
	Created     time.Time        `json:"created"`

	// Names lists the pointers to the circuit as "name:tag", sorted. It is
	// filled in where a circuit is read, and ignored where one is added.
	Names []string `json:"-"`
}

// Contribution is an author's part of a ceremony.
type Contribution struct {
	Number int    `json:"number"` // from 1
	Hash   string `json:"hash"`   // hex, as its author knows it
	Name   string `json:"name,omitempty"`
	Beacon bool   `json:"beacon,omitempty"` // its secret is computed from a public value
}

// MaxContributions bounds the contributions of a record.
const MaxContributions = 1000

// Manifest returns what the id stands for.
func (c *Circuit) Manifest() Manifest {
	return Manifest{Frontend: c.Frontend, Curve: c.Curve, Sources: c.Sources}
}

// artifacts lists the blobs that the record refers to.
func (c *Circuit) artifacts() []Artifact {
	out := []Artifact{c.Compact}
	for _, a := range c.Extra {
		out = append(out, a)
	}
	return out
}

// Provenance says where a key set comes from.
type Provenance string

// The provenances.
const (
	Uploaded    Provenance = "uploaded"
	Ceremony    Provenance = "ceremony"     // of several parties, as the key or whoever uploaded it says
	InsecureDev Provenance = "insecure-dev" // set up by this service, or open to all: whoever ran it could forge proofs
)

// KeyManifest is what a key set's id stands for.
type KeyManifest struct {
	Circuit store.Digest
	Scheme  string       // "groth16", "gm17"
	Curve   string       // the circuit's
	Source  store.Digest // of the proving key as it was uploaded or set up
}

// ID returns the key set's id: the SHA-256 of the canonical manifest.
func (m KeyManifest) ID() store.Digest {
	return canonical(map[string]any{"v": "provery/keyset/1", "circuit": m.Circuit, "scheme": m.Scheme, "curve": m.Curve, "source": m.Source})
}

// KeySet is a proving key with its verifying key. It is immutable.
type KeySet struct {
	ID         store.Digest `json:"id"`
	Circuit    store.Digest `json:"circuit"`
	Scheme     string       `json:"scheme"`
	Curve      string       `json:"curve"`
	Layout     string       `json:"layout"` // of the source: "ark", "bellman", ...
	Provenance Provenance   `json:"provenance"`
	// Ceremony says which ceremony made the keys, in the uploader's words.
	Ceremony string `json:"ceremony,omitempty"`
	// Contributions are those of the ceremony that the key itself tells of, the
	// last MaxContributions of them.
	Contributions []Contribution `json:"contributions,omitempty"`
	Source        Artifact       `json:"source"` // digest and size of the key as it came; the blob needn't be kept
	// ProvingKey is the key in the service's own form, VerifyingKey the
	// verifying key as JSON; both are blobs.
	ProvingKey   Artifact `json:"proving_key"`
	VerifyingKey Artifact `json:"verifying_key"`
	// SelfTest says whether a proof with sample arguments was made and
	// verified at registration, and if not, why.
	SelfTest string    `json:"self_test,omitempty"`
	Created  time.Time `json:"created"`
}

// Manifest returns what the id stands for.
func (k *KeySet) Manifest() KeyManifest {
	return KeyManifest{Circuit: k.Circuit, Scheme: k.Scheme, Curve: k.Curve, Source: k.Source.Digest}
}

func (k *KeySet) artifacts() []Artifact { return []Artifact{k.ProvingKey, k.VerifyingKey} }

// maxRecord bounds a record's length in bytes: the engine's messages end at
// 1 MiB.
const (
	maxRecord = 900 << 10
	maxABI    = 512 << 10
)

// checkCircuit validates a circuit before it is added.
func checkCircuit(c *Circuit) error {
	switch {
	case c.Frontend == "" || c.Curve == "" || len(c.Sources) == 0:
		return fault.New(fault.InvalidRequest, "add circuit: front-end, curve and sources are needed")
	case c.Compact.Digest.IsZero():
		return fault.New(fault.InvalidRequest, "add circuit: no compact form")
	case len(c.ABI) > maxABI:
		return fault.New(fault.TooLarge, "add circuit: an ABI of more than %d bytes", maxABI)
	}
	return nil
}

// checkKeySet validates a key set of circuit c before it is added.
func checkKeySet(k *KeySet, c *Circuit) error {
	switch {
	case k.Scheme == "" || k.Source.Digest.IsZero():
		return fault.New(fault.InvalidRequest, "add key set: scheme and source are needed")
	case k.Curve != c.Curve:
		return fault.New(fault.InvalidArtifact, "add key set: the key is for curve %s, the circuit for %s", k.Curve, c.Curve)
	case k.Provenance != Uploaded && k.Provenance != Ceremony && k.Provenance != InsecureDev:
		return fault.New(fault.InvalidRequest, "add key set: no provenance")
	case k.Ceremony != "" && k.Provenance != Ceremony:
		return fault.New(fault.InvalidRequest, "add key set: a ceremony of keys that come from none")
	case len(k.Contributions) > MaxContributions:
		return fault.New(fault.Internal, "add key set: %d contributions", len(k.Contributions))
	case k.ProvingKey.Digest.IsZero() || k.VerifyingKey.Digest.IsZero():
		return fault.New(fault.InvalidRequest, "add key set: proving and verifying key are needed")
	}
	return nil
}
