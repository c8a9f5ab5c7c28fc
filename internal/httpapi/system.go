package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"provery/api"
)

func (s *Server) systemRoutes(metrics http.Handler) {
	register(s, huma.Operation{
		Method: http.MethodGet, Path: "/v1/about", OperationID: "about", Tags: []string{tagSystem},
		Summary: "What is running",
	}, func(ctx context.Context, _ *struct{}) (*bodyOf[api.About], error) {
		about := s.services.System.About(ctx)
		about.Frontends, about.Backends = orEmpty(about.Frontends), orEmpty(about.Backends)
		return &bodyOf[api.About]{about}, nil
	})
	register(s, huma.Operation{
		Method: http.MethodGet, Path: "/v1/queue", OperationID: "queue", Tags: []string{tagSystem},
		Summary: "State of the queue",
	}, func(ctx context.Context, _ *struct{}) (*bodyOf[api.QueueStats], error) {
		stats, err := s.services.System.Queue(ctx)
		return &bodyOf[api.QueueStats]{stats}, err
	})
	register(s, huma.Operation{
		Method: http.MethodGet, Path: "/healthz", OperationID: "healthz", Tags: []string{tagSystem}, Security: public(),
		Summary: "Liveness", Description: "Answers while the process serves requests.",
	}, func(context.Context, *struct{}) (*bodyOf[api.Health], error) {
		return &bodyOf[api.Health]{api.Health{Status: "ok"}}, nil
	})
	register(s, huma.Operation{
		Method: http.MethodGet, Path: "/readyz", OperationID: "readyz", Tags: []string{tagSystem}, Security: public(),
		Summary: "Readiness", Description: "Whether the service can take work, with every check and what is wrong.",
		Responses: map[string]*huma.Response{
			"503": {Description: "Not ready", Content: jsonContent[api.Readiness](s)},
		},
	}, s.ready)
	if metrics != nil {
		s.raw(huma.Operation{
			Method: http.MethodGet, Path: "/metrics", OperationID: "metrics", Tags: []string{tagSystem},
			Summary:   "Metrics in Prometheus's format",
			Responses: map[string]*huma.Response{"200": textResponse("Metrics", "text/plain")},
		}, metrics.ServeHTTP)
	}
}

type readyOutput struct {
	Status int
	Body   api.Readiness
}

func (s *Server) ready(ctx context.Context, _ *struct{}) (*readyOutput, error) {
	ready := readiness(ctx, s.services.System, s.draining)
	return &readyOutput{Status: readyStatus(ready), Body: ready}, nil
}
