package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"provery/api"
)

func (s *Server) toolRoutes() {
	registerBody(s, huma.Operation{
		Method: http.MethodPost, Path: "/v1/verify", OperationID: "verify-proof", Tags: []string{tagProofs},
		Summary: "Verify a proof", Description: "With the key of a circuit, or one that the request brings. A proof that doesn't hold is an answer, not an error.",
		Errors: []int{404, 422, 503},
	}, func(ctx context.Context, _ *struct{ jsonBody }, r *api.VerifyRequest) (*bodyOf[api.VerifyResult], error) {
		if err := checkVerifyRequest(r); err != nil {
			return nil, err
		}
		result, err := s.services.Tools.Verify(ctx, *r)
		return &bodyOf[api.VerifyResult]{result}, err
	})
	registerBody(s, huma.Operation{
		Method: http.MethodPost, Path: "/v1/circuits/{ref}/witness", OperationID: "run-witness", Tags: []string{tagCircuits},
		Summary: "Try arguments",
		Description: "A dry run: computes the witness, says whether it satisfies the circuit, and throws it away. " +
			"A failed assertion is an answer, not an error. With witness, the answer holds the witness as a file: it is private, " +
			"since it holds the private arguments and everything that was computed from them.",
		Errors: []int{404, 422, 503},
	}, func(ctx context.Context, in *struct {
		jsonBody
		RefPath
	}, r *api.WitnessRequest) (*bodyOf[api.WitnessResult], error) {
		if err := s.checkWitnessRequest(r); err != nil {
			return nil, err
		}
		result, err := s.services.Tools.DryRun(ctx, in.Ref, *r)
		return &bodyOf[api.WitnessResult]{result}, err
	})
}
