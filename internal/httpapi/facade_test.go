package httpapi_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"provery/api"
	"provery/internal/httpapi"
)

// allFacades serves all of them, over the services of rapidsnark's.
func allFacades(t *testing.T) (*rig, *slotService) {
	t.Helper()
	return rapidsnark(t, func(o *httpapi.Options) { o.ZoKratesAPI, o.ProverServer = &httpapi.ZoKratesAPI{}, true })
}

// TestFacadesTogether checks who answers where paths of two facades, or of a
// facade and the API, look alike.
func TestFacadesTogether(t *testing.T) {
	t.Parallel()
	r, s := allFacades(t)
	r.loose = true // paths of two facades
	for _, tc := range []struct {
		method, target string
		status         int
		want           string
	}{
		{"POST", "/input/compute-witness", 200, ""}, // a circuit of that name
		{"POST", "/" + hashOf(zokSource) + "/compute-witness", 200, `{"output":`},
		{"POST", "/input/proving-key/", 404, "no such path"},
		{"GET", "/input/auth", 405, "method"},
		{"GET", "/input", 404, "no such path"},
		{"POST", "/status", 405, "method"},
		{"POST", "/v1/compute-witness", 404, "no such path"},
		{"POST", "/something/compute-witness", 404, `{"error_message":"a program's hash`},
		{"GET", "/something/compute-witness", 405, "method"},
		{"GET", "/api/v1/status", 200, `{"status":"OK"}`},
		{"GET", "/health", 200, `"service_name"`},
		{"GET", "/healthz", 200, `"ok"`},
	} {
		w := r.do(tc.method, tc.target, jsonType, `{"payload":["1","2"]}`)
		if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.want) {
			t.Errorf("%s %s: got %d %s, want %d with %q", tc.method, tc.target, w.Code, w.Body, tc.status, tc.want)
		}
		if tc.status == 405 && w.Header().Get("Allow") == "" {
			t.Errorf("%s %s: no Allow", tc.method, tc.target)
		}
	}
	if got := s.submission.Request.Circuit; got != "compute-witness" {
		t.Errorf("got a proof of %q, want that of the circuit", got)
	}
}

// TestFacadesDocument checks that the facades' routes are documented when they
// are served, each with its own form of errors.
func TestFacadesDocument(t *testing.T) {
	t.Parallel()
	r, _ := allFacades(t)
	d, _ := readDocument(t, r, "/openapi.json")
	schemas := map[string]string{"ZoKrates-API": "ZokratesError", "iden3's prover-server": "FacadeError", "rapidsnark's proverServer": "FacadeError"}
	var documented []string
	seen := map[string]bool{}
	for path, methods := range d.Paths {
		for method, op := range methods {
			documented = append(documented, strings.ToUpper(method)+" "+path)
			want := schemas[op.Tags[0]]
			if want == "" {
				continue
			}
			seen[op.Tags[0]] = true
			for status, response := range op.Responses {
				schema := fmt.Sprint(response.Content[jsonType].Schema)
				if (status == "200") == strings.Contains(schema, want) {
					t.Errorf("%s: %s has the schema %s", path, status, schema)
				}
			}
		}
	}
	if len(seen) != len(schemas) {
		t.Errorf("got operations of %v, want those of all facades", seen)
	}
	patterns := slices.Clone(r.Patterns())
	slices.Sort(documented)
	slices.Sort(patterns)
	if !slices.Equal(documented, patterns) {
		t.Errorf("got documented\n%s\nand registered\n%s", strings.Join(documented, "\n"), strings.Join(patterns, "\n"))
	}
	wantProblem(t, newRig(t, nil).do("GET", "/status", "", ""), api.CodeNotFound) // where they are off
}

// TestFacadesRepeatNothing sends what is private in every place of a facade's
// requests: neither answers nor logs hold it.
func TestFacadesRepeatNothing(t *testing.T) {
	t.Parallel()
	r, _ := allFacades(t)
	tr := trial{"facades": r}
	hash := hashOf(zokSource)
	for _, target := range []string{
		"/input/auth", "/cancel", "/api/v1/proof/generate", "/api/v1/proof/verify",
		"/" + hash + "/compute-witness", "/" + hash + "/generate-proof", "/" + hash + "/compute-generate-proof",
	} {
		for name, body := range map[string]string{
			"not JSON":   secret,
			"broken":     `{"` + secret,
			"a string":   `"` + secret + `"`,
			"a list":     `["` + secret + `"]`,
			"as a name":  `{"` + secret + `":1}`,
			"as a value": `{"circuit_name":"a","inputs":"` + secret + `","zkp":"` + secret + `","payload":"` + secret + `"}`,
			"deep":       `{"circuit_name":"` + secret + `!","inputs":{"a":["` + secret + `"]},"zkp":{"proof":{"a":"` + secret + `"},"pub_signals":["` + secret + `"]},"payload":[{"a":"` + secret + `"}]}`,
		} {
			tr.try(t, target+" "+name, "POST", target, jsonType, body)
			tr.try(t, target+" "+name+" as text", "POST", target, "text/"+secret, body)
			tr.try(t, "status after "+target+" "+name, "GET", "/status", "", "")
		}
	}
	tr.try(t, "circuit", "POST", "/input/"+secret+"!", jsonType, "{}")
	tr.try(t, "hash", "POST", "/"+secret+"/generate-proof", jsonType, "{}")
}
