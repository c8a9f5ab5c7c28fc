package httpapi

import (
	"encoding/json"
	"net/http"

	"provery/api"
	"provery/internal/fault"
)

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
)

// proverServer answers the requests of clients of iden3's prover-server
// (github.com/iden3/prover-server). A circuit is one of the registry, by name.
type proverServer struct{ *facade }

func (s *Server) proverServerRoutes() {
	f := &proverServer{&facade{
		Server: s, name: "iden3's prover-server", id: "prover-server", arguments: "/inputs",
		errorBody: func(message string) any { return facadeError{message} }, errorDoc: jsonContent[facadeError](s),
	}}
	f.add(
		facadeRoute{id: "status", pattern: "GET /api/v1/status", summary: "Whether the service runs", open: true, answer: jsonContent[proverServerStatus](s), handle: f.status},
		facadeRoute{id: "generate", pattern: "POST /api/v1/proof/generate", summary: "Prove", body: jsonContent[proverServerRequest](s), answer: jsonContent[proverServerProof](s), handle: f.generate},
		facadeRoute{id: "verify", pattern: "POST /api/v1/proof/verify", summary: "Verify a proof", body: jsonContent[proverServerVerify](s), answer: jsonContent[proverServerValid](s), handle: f.verify},
	)
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
	files, err := snarkJSOf(&p)
	return proverServerProof{files.Proof, files.Public}, err
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
