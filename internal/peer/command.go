package peer

import "encoding/json"

// Suite names a curve ("bn128", "bls12_381", "bls12_377", "bw6_761"), a backend
// ("ark", "bellman") and a scheme ("g16", "gm17"). An empty field has the default
// bn128, ark, g16.
type Suite struct {
	Curve   string `json:"curve,omitempty"`
	Backend string `json:"backend,omitempty"`
	Scheme  string `json:"scheme,omitempty"`
}

// Command is one of [Compile], [Setup], [Witness], [Prove], [Verify] and
// [Solidity]. Their fields are paths, absolute or relative to the working
// directory, unless the field's name says otherwise; folders are made as needed.
type Command interface{ name() string }

// Compile compiles Source to out and abi.json in the folder Out. Its result is
// a [Compiled].
type Compile struct {
	Source string `json:"source"`
	Out    string `json:"out"`
	Curve  string `json:"curve,omitempty"`
	Debug  bool   `json:"debug,omitempty"` // keep log statements
}

// Setup makes proving.key and verification.key in the folder Out. With an Entropy
// the keys are a function of it. It has no result.
type Setup struct {
	Suite
	Program string `json:"program"`
	Out     string `json:"out"`
	Entropy string `json:"entropy,omitempty"`
}

// Witness computes witness and output.json in the folder Out. Without an ABI the
// arguments are a flat list of field elements. Its result is a [Computed].
type Witness struct {
	Program string `json:"program"`
	ABI     string `json:"abi,omitempty"`
	Args    string `json:"args"`
	Out     string `json:"out"`
	Curve   string `json:"curve,omitempty"`
}

// Prove writes the proof to the file Out. With an Entropy the proof is a function
// of it. It has no result.
type Prove struct {
	Suite
	Program string `json:"program"`
	Witness string `json:"witness"`
	Key     string `json:"key"`
	Out     string `json:"out"`
	Entropy string `json:"entropy,omitempty"`
}

// Verify checks a proof. Its result is a bool. Scheme and curve are those that
// the two files name.
type Verify struct {
	VK      string `json:"vk"`
	Proof   string `json:"proof"`
	Backend string `json:"backend,omitempty"`
}

// Solidity writes the verifier contract of a bn128 key to the file Out. It has no
// result.
type Solidity struct {
	VK  string `json:"vk"`
	Out string `json:"out"`
}

func (Compile) name() string  { return "compile" }
func (Setup) name() string    { return "setup" }
func (Witness) name() string  { return "witness" }
func (Prove) name() string    { return "prove" }
func (Verify) name() string   { return "verify" }
func (Solidity) name() string { return "solidity" }

// Compiled is the result of [Compile].
type Compiled struct {
	Constraints  int `json:"constraints"`
	ProgramBytes int `json:"programBytes"`
}

// Computed is the result of [Witness].
type Computed struct {
	Output json.RawMessage `json:"output"` // compact JSON of the program's return value
	Logs   []string        `json:"logs"`   // what the program's log statements printed
}

// Kind classifies an [Error].
type Kind string

// The kinds of error.
const (
	Usage    Kind = "usage"    // wrong or missing option
	File     Kind = "file"     // a file cannot be read or written
	Rejected Kind = "rejected" // zokrates-js refused: compile error, unsatisfied program, malformed key
	Panic    Kind = "panic"    // zokrates-js crashed
)

// Error is a command's failure as zokrates-js tells it.
type Error struct {
	Kind    Kind   `json:"kind"`
	Message string `json:"message"`
}

// Error returns the kind and the message.
func (e *Error) Error() string { return string(e.Kind) + ": " + e.Message }

// Stats is the cost of one command, without the start of Node and zokrates-js.
type Stats struct {
	CPUSeconds        float64 `json:"cpuSeconds"`
	WallSeconds       float64 `json:"wallSeconds"`
	PeakRSSBytes      int64   `json:"peakRSSBytes"` // of the process up to this command's end
	StartupCPUSeconds float64 `json:"startupCPUSeconds"`
}

// Result is the outcome of one command of a batch.
type Result struct {
	Value json.RawMessage // if Err is nil
	Err   *Error
	Stats Stats // zero if the command was not started
}

// Decode stores the command's value in v, or returns the command's error.
func (r Result) Decode(v any) error {
	if r.Err != nil {
		return r.Err
	}
	return json.Unmarshal(r.Value, v)
}
