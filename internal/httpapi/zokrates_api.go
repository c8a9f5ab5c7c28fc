package httpapi

import (
	"cmp"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"provery/api"
	"provery/internal/fault"
)

// ZoKratesAPI configures the routes of ZoKrates-API
// (github.com/ZK-Plus/zokrates-api), for clients that exist. They lie at the
// root, beside /v1, and go through the same services: a program is a circuit
// whose tag is the hash of its source, so that requests share no files and
// nothing is lost at a restart.
type ZoKratesAPI struct {
	// Scheme and Curve are used where a request doesn't name one. Default
	// gm17 and bn128, the only ones that ZoKrates-API has.
	Scheme, Curve string
}

const (
	// zokratesName is the name in the registry whose tags are the programs'
	// hashes.
	zokratesName = "zokrates-api"
	// zokratesVersion is the version of ZoKrates whose programs are read.
	zokratesVersion = "0.8.8"
	// maxZoKratesSource bounds a program's source, as ZoKrates-API does.
	maxZoKratesSource = 1 << 20
)

var (
	zokratesCurves = []string{"bn128", "bls12_381", "bls12_377", "bw6_761"}
	hashPattern    = regexp.MustCompile(`^[0-9A-Fa-f]{64}$`)
)

// The bodies of ZoKrates-API.
type (
	zokratesError struct {
		Message string `json:"error_message" doc:"What is wrong. It never repeats a value."`
	}
	zokratesHealth struct {
		Service  string `json:"service_name" example:"provery"`
		Version  string `json:"version"`
		ZoKrates string `json:"zokrates_version" doc:"Version whose programs are read." example:"0.8.8"`
	}
	zokratesProgram struct {
		Hash string          `json:"program_hash" doc:"SHA-256 of the source, in upper-case hex."`
		ABI  json.RawMessage `json:"abi" doc:"Arguments and output."`
	}
	zokratesMessage struct {
		Message string `json:"message"`
	}
	zokratesArguments struct {
		Payload json.RawMessage `json:"payload" doc:"Arguments in ZoKrates's JSON."`
	}
	zokratesWitness struct {
		Output  json.RawMessage `json:"output" doc:"Return value of the program."`
		Witness string          `json:"witness" doc:"Every variable with its value, a line each. PRIVATE: it holds the private arguments."`
	}
	zokratesProof struct {
		Payload json.RawMessage `json:"payload" doc:"ZoKrates's proof.json."`
		Time    zokratesTime    `json:"time" doc:"From the request to the proof."`
	}
	zokratesTime struct {
		Seconds     int64 `json:"secs"`
		Nanoseconds int64 `json:"nanos"`
	}
)

// zokratesFacade answers ZoKrates-API's requests.
type zokratesFacade struct {
	*facade
	defaults ZoKratesAPI
}

func (s *Server) zokratesRoutes(z ZoKratesAPI) {
	z.Scheme = cmp.Or(z.Scheme, "gm17")
	z.Curve = cmp.Or(z.Curve, "bn128")
	f := &zokratesFacade{&facade{
		Server: s, name: "ZoKrates-API", id: zokratesName, arguments: "/payload",
		errorBody: func(message string) any { return zokratesError{message} }, errorDoc: jsonContent[zokratesError](s),
		statuses: map[api.Code]int{api.CodeUnsatisfiedWitness: http.StatusBadRequest},
	}, z}
	text := map[string]*huma.MediaType{"text/plain": {Schema: file("A .zok file without imports but of the standard library.")}}
	raw := func(what string) map[string]*huma.MediaType {
		return map[string]*huma.MediaType{"application/octet-stream": {Schema: file(what)}}
	}
	arguments := jsonContent[zokratesArguments](s)
	compile, program := zokratesParameters(false), zokratesParameters(true)
	f.add(
		facadeRoute{id: "health", pattern: "GET /health", summary: "What is running", open: true, answer: jsonContent[zokratesHealth](s), handle: f.health},
		facadeRoute{id: "compile", pattern: "POST /compile", summary: "Compile a program and register it", parameters: compile, body: text, answer: jsonContent[zokratesProgram](s), handle: f.compile},
		facadeRoute{id: "proving-key", pattern: "POST /{hash}/proving-key", summary: "Upload a program's proving key", parameters: program, body: raw("Proving key; it is checked."), answer: jsonContent[zokratesMessage](s), handle: f.provingKey},
		facadeRoute{id: "compute-witness", pattern: "POST /{hash}/compute-witness", summary: "Compute a witness", parameters: program, body: arguments, answer: jsonContent[zokratesWitness](s), handle: f.computeWitness},
		facadeRoute{id: "generate-proof", pattern: "POST /{hash}/generate-proof", summary: "Prove a witness", parameters: program, body: raw("Witness file, binary or text."), answer: jsonContent[zokratesProof](s), handle: f.generateProof},
		facadeRoute{id: "compute-generate-proof", pattern: "POST /{hash}/compute-generate-proof", summary: "Compute a witness and prove it", parameters: program, body: arguments, answer: jsonContent[zokratesProof](s), handle: f.computeGenerateProof},
	)
}

func zokratesParameters(hash bool) []*huma.Param {
	params := []*huma.Param{
		{Name: "curve", In: "query", Description: "Curve, if it isn't the configured one.", Schema: text("", zokratesCurves...)},
		{Name: "scheme", In: "query", Description: "Scheme, if it isn't the configured one.", Schema: text("", "gm17", "g16", "groth16")},
		{Name: "reduce", In: "query", Description: "Take numbers modulo the field, as ZoKrates does, instead of refusing large ones.", Schema: &huma.Schema{Type: huma.TypeBoolean}},
	}
	if hash {
		params = append(params, &huma.Param{
			Name: "hash", In: "path", Required: true, Description: "SHA-256 of the program's source in hex.",
			Schema: &huma.Schema{Type: huma.TypeString, Pattern: hashPattern.String()},
		})
	}
	return params
}

// zokratesChoice is what a request selects.
type zokratesChoice struct {
	hash          string // upper case
	scheme, curve string
	reduce        bool
}

// ref returns the program's reference in the registry.
func (c *zokratesChoice) ref() string { return zokratesName + ":" + c.tag() }

func (c *zokratesChoice) tag() string { return strings.ToLower(c.hash) + "-" + c.curve }

// choose reads path and query.
func (f *zokratesFacade) choose(r *http.Request) (c zokratesChoice, err error) {
	q := r.URL.Query()
	c = zokratesChoice{scheme: f.defaults.Scheme, curve: f.defaults.Curve}
	if v := q.Get("scheme"); v != "" {
		c.scheme = v
	}
	if v := q.Get("curve"); v != "" {
		c.curve = v
	}
	if v := q.Get("reduce"); v != "" {
		if c.reduce, err = strconv.ParseBool(v); err != nil {
			return c, fault.New(fault.InvalidRequest, "want true or false").At("query.reduce")
		}
	}
	if !slices.Contains(zokratesCurves, c.curve) {
		return c, fault.New(fault.InvalidRequest, "want one of %s", strings.Join(zokratesCurves, ", ")).At("query.curve")
	}
	if err := checkWord(c.scheme, "query.scheme"); err != nil {
		return c, err
	}
	if hash := r.PathValue("hash"); hash != "" {
		if !hashPattern.MatchString(hash) {
			return c, fault.New(fault.NotFound, "a program's hash is the SHA-256 of its source: 64 hex digits")
		}
		c.hash = strings.ToUpper(hash)
	}
	return c, nil
}

// registered returns the program's circuit.
func (f *zokratesFacade) registered(r *http.Request, c *zokratesChoice) (api.Circuit, error) {
	circuit, err := f.services.Circuits.Circuit(r.Context(), c.ref())
	if fault.Is(err, fault.NotFound) {
		return circuit, fault.New(fault.NotFound, "program %s isn't registered for %s: compile it first", c.hash, c.curve)
	}
	return circuit, err
}

func (f *zokratesFacade) health(r *http.Request) (any, error) {
	about := f.services.System.About(r.Context())
	return zokratesHealth{Service: about.Service, Version: about.Version, ZoKrates: zokratesVersion}, nil
}

func elapsed(x *exchange) zokratesTime {
	d := time.Since(x.start)
	return zokratesTime{Seconds: int64(d / time.Second), Nanoseconds: int64(d % time.Second)}
}
