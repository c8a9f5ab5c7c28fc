package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"strings"

	"provery/internal/fault"
)

// APIKey is a client's key, by the SHA-256 of its whole text.
type APIKey struct {
	Name  string // the caller
	Hash  [sha256.Size]byte
	Admin bool // see Caller
	Rate  Rate
}

// admit returns the caller of a request that may go on.
func (s *Server) admit(r *http.Request) (Caller, error) {
	if err := s.origins.Check(r); err != nil {
		return Caller{}, fault.New(fault.Forbidden, "a browser sent the request for another site")
	}
	if len(s.keys) == 0 {
		// An open API is for this machine only. A name that resolves to
		// loopback lets other sites' pages in (DNS rebinding).
		if !loopbackHost(r.Host) {
			return Caller{}, fault.New(fault.Forbidden, "without API keys the service answers to localhost and loopback addresses only")
		}
		return Caller{Admin: true}, nil
	}
	if s.public[r.URL.Path] {
		return Caller{}, nil
	}
	return s.authenticate(r.Header.Values("Authorization"))
}

// authenticate compares with every key, so that time tells nothing about
// which one was close.
func (s *Server) authenticate(headers []string) (Caller, error) {
	scheme, token, _ := strings.Cut(strings.Join(headers, ","), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return Caller{}, fault.New(fault.Unauthenticated, "an API key is needed: Authorization: Bearer pvk_…")
	}
	hash, found := sha256.Sum256([]byte(strings.TrimSpace(token))), -1
	for i := range s.keys {
		if subtle.ConstantTimeCompare(hash[:], s.keys[i].Hash[:]) == 1 {
			found = i
		}
	}
	if found < 0 {
		return Caller{}, fault.New(fault.Unauthenticated, "the API key isn't known")
	}
	return Caller{Name: s.keys[found].Name, Admin: s.keys[found].Admin}, nil
}

func loopbackHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return ip != nil && ip.IsLoopback()
}
