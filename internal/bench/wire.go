package bench

import (
	"encoding/json"

	"provery/internal/bench/synthetic"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/store"
)

// material is a workload as a child process needs it.
type material struct {
	Frontend  string            `json:"frontend,omitempty"`
	Files     map[string]string `json:"files,omitempty"`
	Key       string            `json:"key,omitempty"`
	SetUpKey  bool              `json:"set_up_key,omitempty"`
	Synthetic *synthetic.Spec   `json:"synthetic,omitempty"`
	// Cache is the directory of prepared programs and keys.
	Cache string `json:"cache"`
	// Arguments are what is proven, in turn.
	Arguments []json.RawMessage `json:"arguments"`
}

// request is one line to a child, or to another prover's process that takes
// part (toolchain/*/peer.mjs). Exactly one field is set.
type request struct {
	Prepare *material    `json:"prepare,omitempty"`
	Open    *openRequest `json:"open,omitempty"`
	Run     *runRequest  `json:"run,omitempty"`
	Load    *loadRequest `json:"load,omitempty"`
	// Verify is a proof to verify, in the language's own format.
	Verify json.RawMessage `json:"verify,omitempty"`
	Save   *saveRequest    `json:"save,omitempty"`
	// Bound asks for the bound of the open workload.
	Bound bool `json:"bound,omitempty"`
}

// openRequest asks to open what was prepared.
type openRequest struct {
	Material material `json:"material"`
	Prepared Prepared `json:"prepared"`
}

// runRequest asks for one proof.
type runRequest struct {
	Index   int `json:"index"` // of the arguments
	Threads int `json:"threads"`
	// Keep asks for the proof.
	Keep bool `json:"keep,omitempty"`
}

// saveRequest asks for a witness in a file, in one of the language's formats.
type saveRequest struct {
	Index  int    `json:"index"`
	Format string `json:"format"`
	File   string `json:"file"`
}

// loadRequest asks for proofs by several goroutines at once, until there are
// Proofs of them or Seconds have passed; those that are in work then are
// finished. Every goroutine makes at least one.
type loadRequest struct {
	Parallel int     `json:"parallel"`
	Threads  int     `json:"threads"` // of each proof
	Proofs   int     `json:"proofs"`
	Seconds  float64 `json:"seconds"`
}

// reply is one line from a child.
type reply struct {
	Error    *problem  `json:"error,omitempty"`
	Prepared *Prepared `json:"prepared,omitempty"`
	Opened   *Opened   `json:"opened,omitempty"`
	Run      *Run      `json:"run,omitempty"`
	Load     *Load     `json:"load,omitempty"`
	Bound    *Bound    `json:"bound,omitempty"`
	// Proof is the one that was made, if it was asked for.
	Proof json.RawMessage `json:"proof,omitempty"`
	Peak  int64           `json:"peak_bytes"` // of the child so far
}

// problem is an error on its way to the parent.
type problem struct {
	Code   fault.Code `json:"code"`
	Detail string     `json:"detail"`
}

// Prepared is what registering a workload cost and left behind.
type Prepared struct {
	Statistics frontend.Statistics `json:"statistics"`
	Program    store.Digest        `json:"program,omitzero"` // none for synthetic systems
	Key        store.Digest        `json:"key"`
	// Source is the size of the artefacts, Foreign that of their key; Compact
	// and Mapped are the sizes of the prepared forms.
	Source  int64 `json:"source_bytes,omitempty"`
	Foreign int64 `json:"foreign_key_bytes,omitempty"`
	Compact int64 `json:"program_bytes,omitempty"`
	Mapped  int64 `json:"key_bytes"`
	// Import and ImportKey are the cost of reading and checking everything;
	// ImportPeak is the process's memory at the end of the former.
	Import     Cost  `json:"import"`
	ImportPeak int64 `json:"import_peak_bytes,omitempty"`
	ImportKey  Cost  `json:"import_key"`
	// Setup is the cost of making the key, if it was made; zero if it was
	// there already.
	Setup Cost `json:"setup,omitzero"`
}

// Opened is what opening the prepared forms cost.
type Opened struct {
	Cost
	Curve  string `json:"curve"`
	Domain int    `json:"domain"`
}

// Run is the cost of one proof by its phases, which are those of a proof's
// ledger: the stages of Prove are the scheme's.
type Run struct {
	Witness Cost    `json:"witness"`
	Prove   Cost    `json:"prove"`
	Check   Cost    `json:"check"`
	Stages  []Stage `json:"stages"`
}

// Stage is a part of the prove phase.
type Stage struct {
	Name string `json:"name"`
	Cost
}

// Load is what a loadRequest led to.
type Load struct {
	Cost
	Proofs int `json:"proofs"`
	// Latencies are the wall times of the proofs, witness and check included.
	Latencies []float64 `json:"latencies_s"`
}
