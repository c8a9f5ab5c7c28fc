package api

import (
	"encoding/json"
	"time"
)

// Circuit is a registered circuit: an immutable version, addressed by its id.
type Circuit struct {
	ID         string          `json:"id" doc:"Content id: SHA-256 of the circuit's canonical manifest." example:"sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"`
	Tags       []string        `json:"tags" doc:"Movable references to this version, as name:tag." example:"[\"eddsa:latest\"]"`
	Frontend   string          `json:"frontend" doc:"Circuit language." example:"zokrates"`
	Curve      string          `json:"curve" doc:"Curve of the constraint system." example:"bn128"`
	Schemes    []string        `json:"schemes" doc:"Proving schemes for which the circuit has keys." example:"[\"groth16\"]"`
	Statistics Statistics      `json:"statistics"`
	ABI        json.RawMessage `json:"abi,omitempty" doc:"Arguments and outputs, in the circuit language's own JSON. Left out of lists."`
	Artefacts  []Artefact      `json:"artefacts,omitempty" doc:"Files that the circuit was registered from."`
	KeySets    []KeySet        `json:"key_sets" doc:"Keys of the circuit, newest first. The newest of a scheme is its default."`
	Created    time.Time       `json:"created"`
}

// Statistics are a circuit's counts.
type Statistics struct {
	Constraints  int   `json:"constraints" doc:"Rows of the constraint system."`
	Variables    int   `json:"variables" doc:"Length of the witness, the constant 1 included."`
	PublicInputs int   `json:"public_inputs" doc:"Public arguments and outputs, flattened."`
	Outputs      int   `json:"outputs" doc:"Outputs, flattened."`
	Arguments    int   `json:"arguments" doc:"Arguments, flattened."`
	Terms        int   `json:"terms,omitempty" doc:"Terms of the distinct linear combinations."`
	Coefficients int   `json:"coefficients,omitempty" doc:"Distinct coefficients."`
	Directives   int   `json:"directives,omitempty" doc:"Solver calls of the witness computation."`
	CompactBytes int64 `json:"compact_bytes,omitempty" doc:"Size of the stored circuit."`
}

// Artefact is a file that a circuit was registered from.
type Artefact struct {
	Role   string `json:"role" doc:"What the file is to its front-end." example:"program"`
	Digest string `json:"digest" doc:"SHA-256 of the file." example:"sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"`
	Bytes  int64  `json:"bytes"`
}

// Provenance says where a key set comes from.
type Provenance string

// The provenances.
const (
	// ProvenanceUploaded keys come from a setup outside of Provery.
	ProvenanceUploaded Provenance = "uploaded"
	// ProvenanceCeremony keys come from a ceremony of several parties, as the
	// keys themselves or whoever uploaded them says: forging proofs takes all
	// of them.
	ProvenanceCeremony Provenance = "ceremony"
	// ProvenanceInsecureDev keys were set up by one machine, or are the first
	// ones of a ceremony: whoever had the machine's randomness, or anybody,
	// can forge proofs. They stay marked for ever.
	ProvenanceInsecureDev Provenance = "insecure-dev"
)

// KeySet is a proving key with its verifying key, for one circuit and scheme.
type KeySet struct {
	ID                 string         `json:"id" doc:"Content id of the keys." example:"sha256:8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92"`
	Circuit            string         `json:"circuit" doc:"Id of the circuit that the keys belong to."`
	Scheme             string         `json:"scheme" example:"groth16"`
	Curve              string         `json:"curve" example:"bn128"`
	Layout             string         `json:"layout" doc:"File layout that the proving key was read from." enum:"ark,bellman,snarkjs,native" example:"ark"`
	Provenance         Provenance     `json:"provenance" doc:"Where the keys come from. Proofs of insecure-dev keys prove nothing to anyone who doesn't trust the machine that made the keys." enum:"uploaded,ceremony,insecure-dev"`
	Ceremony           string         `json:"ceremony,omitempty" doc:"Which ceremony made the keys, in the words of whoever uploaded them. The service can't check it."`
	Contributions      []Contribution `json:"contributions,omitempty" doc:"The contributions that the proving key itself tells of, up to 1000 of the last ones; in a circuit's description only the last one. Each was checked to follow from the one before, and the key from the last. Whether the first key was the circuit's, 'provery ceremony verify' checks."`
	SelfTest           string         `json:"self_test,omitempty" doc:"Whether a proof with sample arguments was made and verified at registration: passed, or why not."`
	ProvingKeyDigest   string         `json:"proving_key_digest"`
	ProvingKeyBytes    int64          `json:"proving_key_bytes" doc:"Size of the stored proving key."`
	VerifyingKeyDigest string         `json:"verifying_key_digest"`
	Created            time.Time      `json:"created"`
	Estimate           Estimate       `json:"estimate" doc:"What one proof with these keys is expected to take."`
}

// Contribution is an author's part of the ceremony that made a key.
type Contribution struct {
	Number int    `json:"number" doc:"From 1." example:"3"`
	Hash   string `json:"hash" doc:"BLAKE2b-512 in hexadecimal, by which its author knows it. It covers all contributions before." example:"808f338c5f5f8a0287b149a95d3559a0b75ecbebacdc3981136efd4686d0d0a2a7597b630da1f9651adc4699aeb32b774772ac504a9c3ebfbb41eb70108ad148"`
	Name   string `json:"name,omitempty" doc:"In its author's words."`
	Beacon bool   `json:"beacon,omitempty" doc:"Whether its secret is computed from a public value that nobody could choose."`
}

// Estimate is what one proof takes. It is predicted from the circuit's size, and
// corrected by what earlier proofs took.
type Estimate struct {
	MemoryBytes      int64   `json:"memory_bytes" doc:"Memory at the peak, beside the keys and the circuit, which are mapped."`
	ProcessorSeconds float64 `json:"processor_seconds" doc:"Time of all threads together."`
	Learned          bool    `json:"learned" doc:"Whether earlier proofs of the circuit were seen."`
}

// SetupRequest asks for keys made by the service itself.
type SetupRequest struct {
	Setup  string `json:"setup" doc:"Kind of setup. The name is the warning." enum:"insecure-dev"`
	Scheme string `json:"scheme" enum:"groth16,gm17"`
}

// The roles of the parts of a key upload.
const (
	RoleProvingKey   = "proving_key"
	RoleVerifyingKey = "verifying_key"
)

// The names of the form fields of circuit and key uploads.
const (
	FieldFrontend = "frontend"
	FieldName     = "name"
	FieldTag      = "tag"
	FieldScheme   = "scheme"
	FieldLayout   = "layout"
	FieldCeremony = "ceremony"
)

// MaxCeremony bounds the name of a ceremony, in bytes.
const MaxCeremony = 500

// Page is one page of a list.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"Cursor of the next page. Not there on the last one."`
}

// KindCompile is the kind of jobs that compile sources and register the
// circuit. Their stages are wait, load, compile, write and register.
const KindCompile = "compile"

// The names of the form fields and parts of a circuit's sources.
const (
	FieldMain     = "main"
	FieldCurve    = "curve"
	FieldDebug    = "debug"
	FieldOptimize = "optimize"
	FieldInclude  = "include" // folders, separated by commas
	FieldPriority = "priority"
	FieldDeadline = "deadline"
	PartSource    = "source"  // one source file; its filename is its path. It may be repeated
	PartArchive   = "archive" // tar, tar.gz or zip of source files
)
