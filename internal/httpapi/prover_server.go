package httpapi

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"provery/api"
	"provery/internal/fault"
)

const tagProverServer = "prover-server"

// The bodies of iden3's prover-server.
type (
	proverServerRequest struct {
		Circuit string          `json:"circuit_name" doc:"Circuit: name, name:tag or id."`
		Inputs  json.RawMessage `json:"inputs" doc:"Arguments by the names of the circuit's inputs."`
	}
	proverServerProof struct {
		Proof   json.RawMessage `json:"proof" doc:"snarkjs's proof.json."`
		Signals []string        `json:"pub_signals" doc:"snarkjs's public.json."`
	}
	proverServerVerify struct {
		Circuit string            `json:"circuit_name" doc:"Circuit: name, name:tag or id."`
		Proof   proverServerProof `json:"zkp"`
	}
	proverServerValid struct {
		Valid bool `json:"valid"`
	}
	proverServerStatus struct {
		Status string `json:"status" example:"OK"`
	}
	proverServerError struct {
		Message string `json:"error" doc:"What is wrong. It never repeats a value."`
	}
)

// proverServer answers the requests of clients of iden3's prover-server
// (github.com/iden3/prover-server). A circuit is one of the registry, by name.
type proverServer struct{ *Server }

func (s *Server) proverServerRoutes() {
	f := &proverServer{s}
	doc := s.api.OpenAPI()
	doc.Tags = append(doc.Tags, &huma.Tag{Name: tagProverServer, Description: "The interface of iden3's prover-server, for clients that exist. Use /v1 for new ones."})
	f.route("status", "GET /api/v1/status", "Whether the service runs", nil, jsonContent[proverServerStatus](s), f.status)
	f.route("generate", "POST /api/v1/proof/generate", "Prove", jsonContent[proverServerRequest](s), jsonContent[proverServerProof](s), f.generate)
	f.route("verify", "POST /api/v1/proof/verify", "Verify a proof", jsonContent[proverServerVerify](s), jsonContent[proverServerValid](s), f.verify)
}

// route adds and documents an operation, whose failures have prover-server's
// form whoever finds them.
func (f *proverServer) route(id, pattern, summary string, body, answer map[string]*huma.MediaType, handle func(*http.Request) (any, error)) {
	method, path, _ := strings.Cut(pattern, " ")
	op := huma.Operation{Method: method, Path: path, OperationID: "prover-server-" + id, Tags: []string{tagProverServer}, Summary: summary}
	if body == nil {
		op.Security = public()
	} else {
		op.RequestBody = &huma.RequestBody{Required: true, Content: body}
		op.Errors = []int{400, 404, 408, 409, 413, 415, 422, 500, 503, 504, 507}
	}
	f.access(&op)
	op.Responses = map[string]*huma.Response{"200": {Description: "Done", Content: answer}}
	for _, status := range op.Errors {
		op.Responses[statusKey(status)] = &huma.Response{Description: http.StatusText(status), Content: jsonContent[proverServerError](f.Server)}
	}
	f.api.OpenAPI().AddOperation(&op)
	f.failures[pattern] = writeProverServerError
	f.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		answer, err := handle(r)
		if err != nil {
			exchangeOf(r.Context()).fail(err)
			return
		}
		writeJSON(w, http.StatusOK, "application/json", answer)
	})
}

// writeProverServerError writes a problem as prover-server's error.
func writeProverServerError(w http.ResponseWriter, p *api.Problem) {
	message := p.Detail
	if message == "" {
		message = p.Title
	}
	if p.Path != "" {
		message = strings.Replace(p.Path, "/arguments", "/inputs", 1) + ": " + message
	}
	if p.Incident != "" {
		message += " (incident " + p.Incident + ")"
	}
	writeJSON(w, p.Status, "application/json", proverServerError{message})
}

func (f *proverServer) status(*http.Request) (any, error) { return proverServerStatus{"OK"}, nil }

// read reads a JSON body. Fields that aren't known are ignored, as there.
func (f *proverServer) read(r *http.Request, dst any) error {
	if err := checkJSON(r.Header.Get("Content-Type")); err != nil {
		return err
	}
	body, err := f.body(r, f.limits.BodyBytes)
	if err != nil {
		return err
	}
	if json.Unmarshal(body, dst) != nil {
		return fault.New(fault.InvalidRequest, "not JSON of the expected form")
	}
	return nil
}

// generate proves arguments and waits for the proof.
func (f *proverServer) generate(r *http.Request) (any, error) {
	var in proverServerRequest
	if err := f.read(r, &in); err != nil {
		return nil, err
	}
	if in.Circuit == "" || in.Inputs == nil {
		return nil, fault.New(fault.InvalidRequest, "want circuit_name and inputs")
	}
	p, err := f.proveNow(r, api.ProofRequest{Circuit: in.Circuit, Arguments: in.Inputs})
	if err != nil {
		return nil, err
	}
	var out struct {
		Proof  json.RawMessage `json:"proof"`
		Public []string        `json:"public"`
	}
	if json.Unmarshal(p.Result.Proof, &out) != nil || out.Public == nil {
		return nil, fault.New(fault.Unsupported, "the circuit's proofs have no form in snarkjs's files")
	}
	return proverServerProof{out.Proof, out.Public}, nil
}

// verify checks a proof with the circuit's newest key.
func (f *proverServer) verify(r *http.Request) (any, error) {
	var in proverServerVerify
	if err := f.read(r, &in); err != nil {
		return nil, err
	}
	if in.Circuit == "" || in.Proof.Proof == nil || in.Proof.Signals == nil {
		return nil, fault.New(fault.InvalidRequest, "want circuit_name and zkp with proof and pub_signals")
	}
	proof, err := json.Marshal(in.Proof)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "encode proof")
	}
	result, err := f.services.Tools.Verify(r.Context(), api.VerifyRequest{Circuit: in.Circuit, Proof: proof})
	return proverServerValid{result.Valid}, err
}
