package httpapi

import (
	"net/http"

	"github.com/rs/cors"

	"provery/api"
	"provery/internal/fault"
)

// AnyOrigin allows pages of all sites.
const AnyOrigin = "*"

// allowOrigins lets pages of other sites use the API. Cookies play no part: a page
// has to bring an API key, which its browser adds to nothing by itself. So the
// API must not be open.
func (s *Server) allowOrigins(origins []string) error {
	if len(origins) == 0 {
		return nil
	}
	if len(s.keys) == 0 {
		return fault.New(fault.InvalidRequest, "without API keys no other site's pages may use the service")
	}
	for _, origin := range origins {
		if origin == AnyOrigin {
			s.origins.AddInsecureBypassPattern("/")
			continue
		}
		if err := s.origins.AddTrustedOrigin(origin); err != nil {
			return fault.Wrap(err, fault.InvalidRequest, "allow origins")
		}
	}
	s.cors = cors.New(cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete},
		AllowedHeaders: []string{"Accept", "Authorization", "Content-Range", "Content-Type", api.HeaderIdempotencyKey, api.HeaderLastEventID, api.HeaderPrefer, api.HeaderRequestID},
		ExposedHeaders: []string{
			"Location", "Retry-After", api.HeaderKeyLayout, api.HeaderPreferenceApplied,
			api.HeaderRateLimit, api.HeaderRateRemaining, api.HeaderRateReset, api.HeaderRequestID,
		},
		MaxAge: 3600, // seconds
	})
	return nil
}

// preflight writes what a browser wants to know of pages of other sites, and
// reports whether it asked for nothing else.
func (s *Server) preflight(w http.ResponseWriter, r *http.Request) bool {
	if s.cors == nil {
		return false
	}
	s.cors.HandlerFunc(w, r)
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}
