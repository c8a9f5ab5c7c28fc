package httpapi

// What tests of package httpapi_test look at.
var (
	DiskError     = diskError
	DecodeJSON    = decodeJSON
	PreferredWait = preferredWait
)

// Patterns returns the mux's patterns in the order of their registration.
func (s *Server) Patterns() []string { return s.mux.patterns }
