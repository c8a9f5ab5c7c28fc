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
	document, err := Document(true)
	if err != nil {
		return nil, err
	}
	return New(document)
})

// Document returns the OpenAPI document of a service with every route of its
// own, and with those of all facades if they are asked for.
func Document(facades bool) ([]byte, error) {
	dir, err := os.MkdirTemp("", "provery-contract-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	o := httpapi.Options{
		Services:  httpapi.Services{Batches: struct{ httpapi.Batches }{}, Jobs: struct{ jobs }{}, Compilations: struct{ httpapi.Compilations }{}},
		Frontends: []api.Frontend{{Name: "zokrates", Compiler: &api.Compiler{Extension: ".zok"}}},
		SpoolDir:  filepath.Join(dir, "spool"), ProverServer: facades, Rapidsnark: facades, Metrics: http.NotFoundHandler(),
	}
	if facades {
		o.ZoKratesAPI = &httpapi.ZoKratesAPI{}
	}
	s, err := httpapi.New(o)
	if err != nil {
		return nil, err
	}
	r := httptest.NewRequest(http.MethodGet, "/openapi.json", nil)
	r.Host = "localhost"
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Body.Bytes(), nil
}
