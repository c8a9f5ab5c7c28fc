package api

import (
	"encoding/json"
	"fmt"
	"time"
)

// State is the state of a proof job. A terminal state is final.
type State string

// The states of a proof job.
const (
	StateQueued    State = "queued"
	StateRunning   State = "running"
	StateSucceeded State = "succeeded"
	StateFailed    State = "failed"
	StateCancelled State = "cancelled"
	StateExpired   State = "expired"
)

// States lists every state in the order of a job's life.
func States() []State {
	return []State{StateQueued, StateRunning, StateSucceeded, StateFailed, StateCancelled, StateExpired}
}

// Terminal reports whether the state is final.
func (s State) Terminal() bool {
	switch s {
	case StateSucceeded, StateFailed, StateCancelled, StateExpired:
		return true
	}
	return false
}

// The priorities of proof jobs. The empty priority is normal.
const (
	PriorityHigh   = "high"
	PriorityNormal = "normal"
	PriorityLow    = "low"
)

// Limits on what a request may hold.
const (
	MaxLabels        = 16
	MaxLabelKey      = 63
	MaxLabelValue    = 256
	MaxIdempotencyID = 200
)

// ProofRequest asks for a proof.
type ProofRequest struct {
	Circuit   string            `json:"circuit" doc:"Reference of the circuit: its id, name, name:tag or name@id." example:"eddsa:latest"`
	Arguments json.RawMessage   `json:"arguments,omitempty" doc:"Arguments in the circuit language's own JSON. Numbers are decimal or 0x strings; bare JSON numbers only up to 2^53."`
	Witness   []byte            `json:"witness,omitempty" doc:"Witness file of the circuit language, in base64, instead of arguments: it is checked and proven. Private, as arguments are."`
	Scheme    string            `json:"scheme,omitempty" doc:"Proving scheme. Without it, the scheme of the keys." enum:"groth16,gm17"`
	Keys      string            `json:"keys,omitempty" doc:"Id of the key set. Without it, the newest of the scheme."`
	Priority  string            `json:"priority,omitempty" doc:"Class in the queue; normal without it." enum:"high,normal,low"`
	Deadline  *time.Time        `json:"deadline,omitempty" doc:"When the proof stops being of use. A job that hasn't ended by then expires."`
	Labels    map[string]string `json:"labels,omitempty" doc:"Your own marks, returned with the proof. Not for secrets." maxProperties:"16"`
	Reduce    bool              `json:"reduce,omitempty" doc:"Take numbers modulo the field instead of refusing those that are too large."`
	Webhook   string            `json:"webhook,omitempty" doc:"Address to tell when the job has ended, https://…; the requests are signed. Needs a webhook secret of the API key in the service's configuration."`

	CancelOnDisconnect bool `json:"cancel_on_disconnect,omitempty" doc:"Cancel the job when the client goes away while it waits for the outcome (Prefer: wait). Otherwise the job goes on."`
}

// Proof is a proof job and, once it has succeeded, its result.
type Proof struct {
	ID       string            `json:"id" example:"p_01jb8v6q3e7x0m2k4n5s6t7w8y"`
	State    State             `json:"state" enum:"queued,running,succeeded,failed,cancelled,expired"`
	Stage    string            `json:"stage,omitempty" doc:"What a running job is doing: load, witness, prove, prove.… or check." example:"witness"`
	Circuit  string            `json:"circuit" doc:"Id of the circuit."`
	KeySet   string            `json:"key_set" doc:"Id of the key set."`
	Scheme   string            `json:"scheme" example:"groth16"`
	Priority string            `json:"priority" enum:"high,normal,low"`
	Labels   map[string]string `json:"labels,omitempty"`
	Batch    string            `json:"batch,omitempty" doc:"Id of the batch that it is an item of."`
	Item     *int              `json:"item,omitempty" doc:"Its place in the batch, from 0."`
	Attempt  int               `json:"attempt" doc:"Number of the latest attempt; 0 before the first."`
	Attempts []Attempt         `json:"attempts,omitempty" doc:"Every attempt so far, oldest first."`
	Created  time.Time         `json:"created"`
	Started  *time.Time        `json:"started,omitempty" doc:"Start of the latest attempt."`
	Finished *time.Time        `json:"finished,omitempty"`
	Deadline *time.Time        `json:"deadline,omitempty"`
	Expires  *time.Time        `json:"expires,omitempty" doc:"When a finished proof will be erased."`
	Position *int              `json:"position,omitempty" doc:"Jobs ahead of a queued one; 0 is next."`
	StartsIn *int              `json:"starts_in,omitempty" doc:"Seconds until a queued one starts, as far as the workers and the predicted times of what is ahead tell. Not in lists."`
	Problem  *Problem          `json:"problem,omitempty" doc:"Why a failed, cancelled or expired job has no result."`
	Result   *Result           `json:"result,omitempty"`
	Ledger   *Ledger           `json:"ledger,omitempty" doc:"Where the time of the latest attempt went."`
	Links    ProofLinks        `json:"links"`
	Insecure bool              `json:"insecure,omitempty" doc:"The keys are insecure-dev ones: the proof is for development only."`
}

// Attempt is one try to make a proof.
type Attempt struct {
	Number   int        `json:"number" doc:"From 1."`
	Worker   string     `json:"worker,omitempty"`
	Outcome  string     `json:"outcome" doc:"How the attempt ended." enum:"running,succeeded,failed,lost,released,cancelled,expired"`
	Started  time.Time  `json:"started"`
	Finished *time.Time `json:"finished,omitempty"`
	Problem  *Problem   `json:"problem,omitempty"`
}

// Result is what a proof job produced. The proof has been verified.
type Result struct {
	Proof              json.RawMessage `json:"proof" doc:"Proof in the circuit language's own JSON: ZoKrates's proof.json, public inputs included."`
	PublicInputs       []string        `json:"public_inputs" doc:"Instance as 0x-prefixed hex, in the order of the verifying key."`
	Outputs            json.RawMessage `json:"outputs" doc:"Return value of the program, decoded by its ABI."`
	CircuitDigest      string          `json:"circuit_digest"`
	ProvingKeyDigest   string          `json:"proving_key_digest"`
	VerifyingKeyDigest string          `json:"verifying_key_digest"`
}

// Ledger says where the time of an attempt went, in milliseconds.
type Ledger struct {
	Queue           float64 `json:"queue_ms" doc:"Waiting for a worker."`
	Load            float64 `json:"load_ms" doc:"Opening circuit and keys."`
	Witness         float64 `json:"witness_ms" doc:"Computing the witness."`
	Prove           float64 `json:"prove_ms" doc:"Making the proof."`
	Check           float64 `json:"check_ms" doc:"Verifying the proof before its release."`
	Total           float64 `json:"total_ms" doc:"From acceptance to the result."`
	Stages          []Stage `json:"stages,omitempty" doc:"Parts of prove_ms, in order."`
	PeakMemoryBytes int64   `json:"peak_memory_bytes,omitempty" doc:"Highest memory use of the worker's process during the attempt."`
}

// Stage is a part of a phase.
type Stage struct {
	Name         string  `json:"name" example:"prove.msm_a"`
	Milliseconds float64 `json:"ms"`
}

// ProofLinks are the paths of what a client may ask next.
type ProofLinks struct {
	Self    string `json:"self" doc:"The proof; add ?wait=30 to wait for its end."`
	Events  string `json:"events,omitempty" doc:"Server-sent events of the job."`
	Cancel  string `json:"cancel,omitempty" doc:"Where to POST to stop the job. Not there once it has ended."`
	Circuit string `json:"circuit"`
}

// ProofFilter selects proofs in a list. Empty fields select all.
type ProofFilter struct {
	State   State
	Circuit string
}

// Calldata is a proof as the call of its verifier contract.
type Calldata struct {
	Target    string          `json:"target" enum:"evm"`
	Function  string          `json:"function" doc:"Canonical signature of the function to call."`
	Selector  string          `json:"selector" doc:"First four bytes of the call." example:"0x21ae5ea1"`
	Calldata  string          `json:"calldata" doc:"The whole call, as 0x-prefixed hex."`
	Arguments json.RawMessage `json:"arguments" doc:"The arguments as contract libraries take them: [[a, b, c], inputs]."`
}

// VerifyRequest asks whether a proof holds. The key is either the verifying
// key of a circuit's key set or given in full.
type VerifyRequest struct {
	Circuit      string          `json:"circuit,omitempty" doc:"Reference of the circuit whose key to use."`
	Keys         string          `json:"keys,omitempty" doc:"Id of the circuit's key set. Without it, the newest of the proof's scheme."`
	VerifyingKey json.RawMessage `json:"verifying_key,omitempty" doc:"Verifying key in ZoKrates's JSON, instead of a circuit."`
	Proof        json.RawMessage `json:"proof" doc:"Proof in ZoKrates's JSON."`
	PublicInputs []string        `json:"public_inputs,omitempty" doc:"Instance to check against, as 0x-prefixed hex or decimal, instead of the one in the proof."`
}

// VerifyResult is the answer to a VerifyRequest.
type VerifyResult struct {
	Valid  bool   `json:"valid"`
	Reason string `json:"reason,omitempty" doc:"Why the proof isn't valid."`
}

// WitnessRequest asks for a dry run: the witness is computed, checked and
// thrown away, unless a file of it is asked for.
type WitnessRequest struct {
	Arguments json.RawMessage `json:"arguments" doc:"As in a proof request."`
	Reduce    bool            `json:"reduce,omitempty" doc:"As in a proof request."`
	Logs      bool            `json:"logs,omitempty" doc:"Return what the program's log statements print."`
	Witness   string          `json:"witness,omitempty" doc:"Return the witness as a file in this format: words of 4 bytes (zokrates-js), words of 8 bytes (ZoKrates's command line), or text; wtns for a Circom circuit. It holds the private arguments and everything computed from them." enum:"zokrates32,zokrates64,zokrates-text,wtns"`
}

// The formats of witness files, as WitnessRequest names them.
const (
	WitnessZoKrates32   = "zokrates32"
	WitnessZoKrates64   = "zokrates64"
	WitnessZoKratesText = "zokrates-text"
	WitnessSnarkJS      = "wtns"
)

// WitnessResult is the outcome of a dry run.
type WitnessResult struct {
	Satisfied bool            `json:"satisfied" doc:"The arguments satisfy the circuit."`
	Outputs   json.RawMessage `json:"outputs,omitempty" doc:"Return value of the program, decoded by its ABI."`
	Assertion *Assertion      `json:"assertion,omitempty" doc:"The assertion that failed."`
	Logs      []string        `json:"logs,omitempty"`
	Witness   []byte          `json:"witness,omitempty" doc:"The witness file that was asked for, in base64. PRIVATE: whoever has it knows the private arguments."`
}

// Assertion is a failed assertion of a program.
type Assertion struct {
	Message  string    `json:"message,omitempty" doc:"The program's own text."`
	Position *Position `json:"position,omitempty"`
}

// Position is a place in a circuit's source, from 1. The column is 0 where it
// isn't known.
type Position struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

// String returns "file:line:column", without the column where it isn't known.
func (p *Position) String() string {
	if p.Column == 0 {
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}
