// Package worker does the proving: it leases jobs, opens circuits and keys,
// solves, proves, checks and hands in results; and it runs, under the same
// limits, what the API asks for outside of the queue: registrations, dry runs,
// verifications. It is where the two columns of the import table meet.
package worker

import (
	"slices"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/scheme"
)

// Kit holds the circuit languages and the proving schemes that a process has.
// It is immutable.
type Kit struct {
	Frontends []frontend.Frontend
	Backends  []scheme.Backend
}

// Frontend returns the front-end of a name; fault.Unsupported if there is none.
func (k *Kit) Frontend(name string) (frontend.Frontend, error) {
	i := slices.IndexFunc(k.Frontends, func(f frontend.Frontend) bool { return f.Name() == name })
	if i < 0 {
		return nil, fault.New(fault.Unsupported, "unknown front-end; GET /v1/about lists the known ones")
	}
	return k.Frontends[i], nil
}

// Backend returns the backend of a scheme on a curve; fault.Unsupported if
// there is none.
func (k *Kit) Backend(s scheme.ID, c curve.ID) (scheme.Backend, error) {
	i := slices.IndexFunc(k.Backends, func(b scheme.Backend) bool { return b.Scheme() == s && b.Curve() == c })
	if i < 0 {
		return nil, fault.New(fault.Unsupported, "%s on %v isn't supported", s, c)
	}
	return k.Backends[i], nil
}

// backends returns the backends for a curve: the one of the scheme if that is
// given, all of them if it is "".
func (k *Kit) backends(schemeName string, c curve.ID) ([]scheme.Backend, error) {
	if schemeName != "" {
		s, err := scheme.Parse(schemeName)
		if err != nil {
			return nil, err
		}
		b, err := k.Backend(s, c)
		return []scheme.Backend{b}, err
	}
	var out []scheme.Backend
	for _, b := range k.Backends {
		if b.Curve() == c {
			out = append(out, b)
		}
	}
	if len(out) == 0 {
		return nil, fault.New(fault.Unsupported, "no scheme on %v is supported", c)
	}
	return out, nil
}
