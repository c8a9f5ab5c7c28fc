package contracttest

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"

	"provery/api"
	"provery/internal/httpapi"
)

// jobs has another name than its method Jobs, so that it can be embedded.
type jobs = httpapi.Jobs

// Service returns the contract of a service that has every route, also those of
// its facades.
var Service = sync.OnceValues(func() (*Contract, error) {
	dir, err := os.MkdirTemp("", "provery-contract-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, err := httpapi.New(httpapi.Options{
		Services:  httpapi.Services{Batches: struct{ httpapi.Batches }{}, Jobs: struct{ jobs }{}, Compilations: struct{ httpapi.Compilations }{}},
		Frontends: []api.Frontend{{Name: "zokrates", Compiler: &api.Compiler{Extension: ".zok"}}},
		SpoolDir:  filepath.Join(dir, "spool"), ZoKratesAPI: &httpapi.ZoKratesAPI{}, ProverServer: true, Rapidsnark: true, Metrics: http.NotFoundHandler(),
	})
	if err != nil {
		return nil, err
	}
	r := httptest.NewRequest(http.MethodGet, "/openapi.json", nil)
	r.Host = "localhost"
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return New(w.Body.Bytes())
})
