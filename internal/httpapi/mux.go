package httpapi

import (
	"net/http"
	"strings"
)

// routeMux is a ServeMux that remembers its patterns, and in which a path that
// begins with a name, such as /input/{circuit}, goes before those that begin with
// a wildcard, such as /{hash}/compute-witness. ServeMux takes two like these for a
// conflict and panics, since a path may match both; here facades that have them
// can be served side by side. Below a name nothing but its own patterns is found.
type routeMux struct {
	named    *http.ServeMux
	names    map[string]bool // with which its patterns begin
	wild     *http.ServeMux
	patterns []string
}

func newRouteMux() *routeMux {
	return &routeMux{named: http.NewServeMux(), names: map[string]bool{}, wild: http.NewServeMux()}
}

// HandleFunc registers a handler and records its pattern, METHOD /path.
func (m *routeMux) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	m.patterns = append(m.patterns, pattern)
	_, path, _ := strings.Cut(pattern, " ")
	name := firstStep(path)
	if strings.HasPrefix(name, "{") {
		m.wild.HandleFunc(pattern, h)
		return
	}
	m.names[name] = true
	m.named.HandleFunc(pattern, h)
}

// Handler returns the handler of a request and its pattern, "" if there is none.
func (m *routeMux) Handler(r *http.Request) (http.Handler, string) { return m.of(r).Handler(r) }

// ServeHTTP answers a request.
func (m *routeMux) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.of(r).ServeHTTP(w, r) }

func (m *routeMux) of(r *http.Request) *http.ServeMux {
	if m.names[firstStep(r.URL.Path)] {
		return m.named
	}
	return m.wild
}

func firstStep(path string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return name
}
