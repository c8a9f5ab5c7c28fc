package httpapi_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"provery/api"
)

// document is what the tests look at of an OpenAPI document.
type document struct {
	OpenAPI string `json:"openapi"`
	Info    struct{ Title, Version string }
	Paths   map[string]map[string]struct {
		OperationID string `json:"operationId"`
		Summary     string
		Tags        []string
		Security    *[]map[string][]string
		Parameters  []struct {
			Name, In, Description string
			Required              bool
		}
		RequestBody *struct {
			Content map[string]struct{ Schema map[string]any }
		} `json:"requestBody"`
		Responses map[string]struct {
			Description string
			Content     map[string]struct{ Schema map[string]any }
		}
	}
	Components struct {
		Schemas         map[string]struct{ Properties map[string]any }
		SecuritySchemes map[string]any `json:"securitySchemes"`
	}
	Tags   []struct{ Name string }
	Errors []api.ErrorType `json:"x-errors"`
}

func readDocument(t *testing.T, r *rig, target string) (document, string) {
	t.Helper()
	w := r.do("GET", target, "", "")
	var d document
	if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	return d, w.Body.String()
}

// TestDocumentAndMuxAgree checks that every pattern of the mux is documented
// and every documented operation has a pattern and a call that tests it.
func TestDocumentAndMuxAgree(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	d, _ := readDocument(t, r, "/openapi.json")
	var documented []string
	for path, methods := range d.Paths {
		for method := range methods {
			documented = append(documented, strings.ToUpper(method)+" "+path)
		}
	}
	patterns := slices.Clone(r.Patterns())
	slices.Sort(documented)
	slices.Sort(patterns)
	if !slices.Equal(documented, patterns) {
		t.Errorf("got documented\n%s\nand registered\n%s", strings.Join(documented, "\n"), strings.Join(patterns, "\n"))
	}
}

func TestDocumentIsComplete(t *testing.T) {
	t.Parallel()
	parameter := regexp.MustCompile(`\{([^}]+)\}`)
	for _, target := range []string{"/openapi.json", "/openapi-3.0.json"} {
		d, _ := readDocument(t, newRig(t, nil), target)
		ids := map[string]bool{}
		for path, methods := range d.Paths {
			for method, op := range methods {
				name := method + " " + path
				if op.OperationID == "" || ids[op.OperationID] {
					t.Errorf("%s: operation id %q is missing or occurs twice", name, op.OperationID)
				}
				ids[op.OperationID] = true
				if op.Summary == "" || len(op.Tags) != 1 || !slices.ContainsFunc(d.Tags, func(tag struct{ Name string }) bool { return tag.Name == op.Tags[0] }) {
					t.Errorf("%s: no summary or known tag", name)
				}
				if op.Security == nil {
					t.Errorf("%s: says nothing about security", name)
				}
				var declared []string
				for _, p := range op.Parameters {
					if p.Description == "" {
						t.Errorf("%s: parameter %s has no description", name, p.Name)
					}
					if p.In == "path" {
						declared = append(declared, p.Name)
					}
				}
				var inPath []string
				for _, m := range parameter.FindAllStringSubmatch(path, -1) {
					inPath = append(inPath, m[1])
				}
				slices.Sort(declared)
				slices.Sort(inPath)
				if !slices.Equal(declared, inPath) {
					t.Errorf("%s: got parameters %v, want %v", name, declared, inPath)
				}
				good := 0
				for status, response := range op.Responses {
					if response.Description == "" {
						t.Errorf("%s: %s has no description", name, status)
					}
					if status < "300" {
						good++
					} else if _, ok := response.Content[api.MediaTypeProblem]; !ok && op.OperationID != "readyz" {
						t.Errorf("%s: %s isn't a problem", name, status)
					}
				}
				if good == 0 {
					t.Errorf("%s: no good response", name)
				}
			}
		}
	}
}

// TestReferencesResolve checks that every $ref has its schema, every schema a
// use, and requests alone are closed.
func TestReferencesResolve(t *testing.T) {
	t.Parallel()
	reference := regexp.MustCompile(`"#/components/schemas/([^"]+)"`)
	for _, target := range []string{"/openapi.json", "/openapi-3.0.json"} {
		d, text := readDocument(t, newRig(t, nil), target)
		used := map[string]bool{}
		for _, m := range reference.FindAllStringSubmatch(text, -1) {
			used[m[1]] = true
			if _, ok := d.Components.Schemas[m[1]]; !ok {
				t.Errorf("%s: no schema %s", target, m[1])
			}
		}
		for name := range d.Components.Schemas {
			if !used[name] {
				t.Errorf("%s: schema %s has no use", target, name)
			}
		}
		if strings.Contains(text, "$schema") {
			t.Errorf("%s: $schema is in it", target)
		}
		if d.OpenAPI < "3.1" && strings.Contains(text, `"contentMediaType"`) {
			t.Errorf("%s: a keyword of 3.1 is in it", target)
		}
	}
}

func TestDocumentHoldsTheCatalogue(t *testing.T) {
	t.Parallel()
	d, _ := readDocument(t, newRig(t, nil), "/openapi.json")
	if !slices.Equal(d.Errors, api.Catalogue()) {
		t.Errorf("got %v, want the catalogue", d.Errors)
	}
	form := d.Paths["/v1/circuits"]["post"].RequestBody.Content["multipart/form-data"].Schema["properties"].(map[string]any)
	for _, name := range []string{"program", "abi", "frontend", "name", "tag"} {
		if form[name] == nil {
			t.Errorf("the form has no %s", name)
		}
	}
}

func TestDocsPageIsSelfContained(t *testing.T) {
	t.Parallel()
	w := newRig(t, nil).do("GET", "/docs", "", "")
	body := w.Body.String()
	for _, foreign := range []string{"http://", "https://", "src=", "@import", "url(", "innerHTML"} {
		if strings.Contains(body, foreign) {
			t.Errorf("the page holds %q", foreign)
		}
	}
	if strings.Contains(body, "/* page.") {
		t.Error("style or script isn't in place")
	}
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || strings.Count(policy, "'sha256-") != 2 {
		t.Errorf("got policy %q", policy)
	}
}
