// Package httpapi serves version 1 of Provery's HTTP API. Its handlers
// translate between HTTP and the small interfaces declared here; they never
// import a proving package, so that heavy or risky work always runs where the
// daemon puts it.
package httpapi

import (
	"context"
	"io"
	"iter"
	"time"

	"provery/api"
)

// Services are what the handlers call. Every method returns *fault.Error for
// failures that a client may see; any other error is an internal one, and its
// text goes to the log only.
type Services struct {
	Circuits Circuits
	Keys     Keys
	Proofs   Proofs
	Batches  Batches
	Jobs     Jobs
	Webhooks Webhooks
	Uploads  Uploads
	Tools    Tools
	System   System
	// Compilations may be nil: then nothing can be compiled here.
	Compilations Compilations
	// Slots may be nil unless a facade needs them.
	Slots Slots
}

// Circuits registers and finds circuits. A ref is an id, name, name:tag or
// name@id; the handlers have checked its length and alphabet only.
type Circuits interface {
	// Register registers a circuit. It is idempotent: existed reports that
	// the same circuit was there before.
	Register(ctx context.Context, r Registration) (c api.Circuit, existed bool, err error)
	// Circuits returns a page of at most limit circuits, newest first.
	Circuits(ctx context.Context, cursor string, limit int) (api.Page[api.Circuit], error)
	Circuit(ctx context.Context, ref string) (api.Circuit, error)
	// Remove removes a circuit, its tags and keys.
	Remove(ctx context.Context, ref string) error
	// SetTag makes tag point to ref's circuit. tag is "tag", of the name in
	// ref, or "name:tag".
	SetTag(ctx context.Context, ref, tag string) (api.Circuit, error)
}

// Keys adds and finds the keys of circuits.
type Keys interface {
	// AddKeys checks and stores a key set, or makes one. It is idempotent
	// for uploaded keys.
	AddKeys(ctx context.Context, ref string, u KeyUpload) (k api.KeySet, existed bool, err error)
	// Keys returns a circuit's key sets, newest first.
	Keys(ctx context.Context, ref string) ([]api.KeySet, error)
	// VerifyingKey exports a verifying key as JSON. id is a key set's id,
	// or a scheme's name for its newest; format is "zokrates".
	VerifyingKey(ctx context.Context, ref, id, format string) ([]byte, error)
	// ProvingKey exports a proving key; id is as in VerifyingKey, format
	// "zokrates", "snarkjs" or "" for the one that the key has. The result must
	// be closed.
	ProvingKey(ctx context.Context, ref, id, format string) (*KeyFile, error)
	// Verifier returns the source of a contract that verifies the proofs of
	// a key set. c.Keys is as id above; "" is the newest.
	Verifier(ctx context.Context, ref string, c Contract) (source string, err error)
}

// KeyFile is a key to export.
type KeyFile struct {
	Layout string // "ark", "bellman" or "snarkjs"
	Write  func(w io.Writer) error
	Close  func()
}

// Contract is a verifier contract to generate. Empty fields take the
// generator's defaults.
type Contract struct {
	Target string // "solidity"
	Keys   string
	Name   string // of the contract
	Pragma string // of the compiler's versions
}

// Caller is who makes a request. Of jobs and what hangs on them callers see
// their own only; anybody else's are fault.NotFound.
type Caller struct {
	Name string // of the API key; "" where none are configured
	// Admin callers see and handle everybody's jobs. Where no API keys are
	// configured every caller is one: it sits on this machine.
	Admin bool
}

// Proofs takes and reports proof jobs.
type Proofs interface {
	// Submit records a job durably before it returns.
	Submit(ctx context.Context, s Submission) (api.Proof, error)
	Proof(ctx context.Context, who Caller, id string) (api.Proof, error)
	// Wait returns the proof as soon as its state is terminal, or as it is
	// after timeout. When ctx ends earlier Wait returns ctx's error; the
	// job goes on.
	Wait(ctx context.Context, who Caller, id string, timeout time.Duration) (api.Proof, error)
	// Calldata returns a succeeded proof as the call of its verifier contract.
	// target is "evm". A proof without a result is fault.Conflict.
	Calldata(ctx context.Context, who Caller, id, target string) (api.Calldata, error)
	// Proofs returns a page of at most limit proofs, newest first, without
	// their results.
	Proofs(ctx context.Context, who Caller, filter api.ProofFilter, cursor string, limit int) (api.Page[api.Proof], error)
	// Cancel stops a job. Cancelling a job that has ended changes nothing
	// and returns it as it is.
	Cancel(ctx context.Context, who Caller, id string) (api.Proof, error)
	// Delete erases the inputs and the result of a proof that has ended;
	// of one that hasn't it is fault.Conflict.
	Delete(ctx context.Context, who Caller, id string) error
}

// Slots keep what each caller asked for last, for interfaces that know one job
// at a time.
type Slots interface {
	Slot(ctx context.Context, who Caller) (Slot, error)
	// SetSlot replaces what is in the caller's slot, durably, and returns that.
	SetSlot(ctx context.Context, who Caller, s Slot) (before Slot, err error)
}

// Slot is the job that was asked for last, or why that was refused.
type Slot struct {
	Job     string // its id
	Refused string // in words for the client
}

// Jobs shows and handles jobs of every kind, and follows them.
type Jobs interface {
	Job(ctx context.Context, who Caller, id string) (api.Job, error)
	// WaitJob returns the job as Proofs.Wait does.
	WaitJob(ctx context.Context, who Caller, id string, timeout time.Duration) (api.Job, error)
	// Jobs returns a page of at most limit jobs, newest first.
	Jobs(ctx context.Context, who Caller, filter api.JobFilter, cursor string, limit int) (api.Page[api.Job], error)
	// CancelJob stops a job. One that has ended stays as it is.
	CancelJob(ctx context.Context, who Caller, id string) (api.Job, error)
	// RetryJob runs a job now that waits after a failure, or a dead letter;
	// any other is fault.Conflict. It is for admins.
	RetryJob(ctx context.Context, who Caller, id string) (api.Job, error)
	// DeleteJob erases a job that has ended; of one that hasn't it is
	// fault.Conflict.
	DeleteJob(ctx context.Context, who Caller, id string) error
	// JobEvents yields a job's events after the one of the id after ("": all)
	// until the final one, or ctx ends. The last pair may have an error. It
	// yields nothing where the final event is not after that id.
	JobEvents(ctx context.Context, who Caller, id, after string) iter.Seq2[api.Event, error]
	// Workers returns the processes that prove.
	Workers(ctx context.Context, who Caller) ([]api.Worker, error)
}

// Tools runs what needs no queue entry.
type Tools interface {
	// Verify reports whether a proof holds. A proof that doesn't is no
	// error.
	Verify(ctx context.Context, r api.VerifyRequest) (api.VerifyResult, error)
	// DryRun computes a witness and throws it away, or returns it in the
	// format that r.Witness names. A failed assertion is no error.
	DryRun(ctx context.Context, ref string, r api.WitnessRequest) (api.WitnessResult, error)
}

// System describes the running service.
type System interface {
	About(ctx context.Context) api.About
	// Ready must answer fast, whatever the workers do.
	Ready(ctx context.Context) api.Readiness
	Queue(ctx context.Context) (api.QueueStats, error)
}

// Registration is an upload of a circuit.
type Registration struct {
	Frontend  string
	Name      string // may be empty: no tag is set then
	Tag       string // "latest" if a name was given without a tag
	Artefacts map[string]Upload
	Caller    string
}

// KeyUpload is an upload of keys, or a request to make them.
type KeyUpload struct {
	Scheme       string  // may be empty in an upload: find it out
	Layout       string  // may be empty: find it out
	ProvingKey   *Upload // nil with Setup
	VerifyingKey *Upload // may be nil: then it is taken from the proving key
	Ceremony     string  // which ceremony made the keys; may be empty
	Setup        bool    // make insecure-dev keys
	Caller       string
}

// Upload is a received file. It lies in the spool directory, and is removed
// when the handler that it was passed to returns.
type Upload struct {
	Digest [32]byte // SHA-256
	Size   int64
	Reader *io.SectionReader
}

// Submission is a request for a proof.
type Submission struct {
	Request        api.ProofRequest
	Caller         Caller
	IdempotencyKey string
}
