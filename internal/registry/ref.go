package registry

import (
	"regexp"
	"slices"
	"strings"

	"provery/internal/fault"
	"provery/internal/store"
)

// Latest is the tag that a name stands for where none is given.
const Latest = "latest"

// minPrefix is the shortest abbreviation of an id, in hexadecimal digits.
const minPrefix = 12

var (
	nameForm   = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,126}[a-z0-9])?$`)
	prefixForm = regexp.MustCompile(`^[0-9a-f]{12,64}$`)
)

// CheckName reports whether s can be a name or a tag: up to 128 characters of
// [a-z0-9._-], a letter or digit at both ends. A circuit's name, besides, must
// not look like an id (12 to 64 hexadecimal digits and nothing else) or be
// "sha256": AddCircuit and Tag refuse those.
func CheckName(s string) error {
	if !nameForm.MatchString(s) {
		return fault.New(fault.InvalidRequest, "names and tags are up to 128 characters of a-z, 0-9, '.', '_' and '-', with a letter or digit at both ends")
	}
	return nil
}

func checkCircuitName(s string) error {
	if err := CheckName(s); err != nil {
		return err
	}
	if s == "sha256" || prefixForm.MatchString(s) {
		return fault.New(fault.InvalidRequest, "a circuit's name must not look like an id")
	}
	return nil
}

// Ref is a parsed reference to a circuit: exactly one of ID, Prefix and Name
// is set, except that Name may come with an ID that it must have pointed to.
type Ref struct {
	ID     store.Digest
	Prefix string // 12 to 63 hexadecimal digits
	Name   string
	Tag    string // with Name and without ID; Latest where none was given
}

// ParseRef reads "sha256:…", 12 to 64 hexadecimal digits, "name", "name:tag"
// or "name@sha256:…". Errors are InvalidRequest.
func ParseRef(s string) (Ref, error) {
	bad := fault.New(fault.InvalidRequest, "a circuit is referred to as sha256:…, name, name:tag, name@sha256:… or at least %d digits of its id", minPrefix)
	if strings.HasPrefix(s, "sha256:") || len(s) == 64 && prefixForm.MatchString(s) {
		id, err := store.ParseDigest(s)
		return Ref{ID: id}, err
	}
	if prefixForm.MatchString(s) {
		return Ref{Prefix: s}, nil
	}
	if name, digest, ok := strings.Cut(s, "@"); ok {
		id, err := store.ParseDigest(digest)
		if err != nil || !strings.HasPrefix(digest, "sha256:") || checkCircuitName(name) != nil {
			return Ref{}, bad
		}
		return Ref{Name: name, ID: id}, nil
	}
	name, tag, ok := strings.Cut(s, ":")
	if !ok {
		tag = Latest
	}
	if checkCircuitName(name) != nil || CheckName(tag) != nil {
		return Ref{}, bad
	}
	return Ref{Name: name, Tag: tag}, nil
}

// pointer returns "name:tag".
func pointer(name, tag string) string { return name + ":" + tag }

// withPrefix returns the ids among sorted ones that begin with the digits.
func withPrefix(sorted []string, digits string) []string {
	lo, _ := slices.BinarySearch(sorted, digits)
	hi := lo
	for hi < len(sorted) && strings.HasPrefix(sorted[hi], digits) {
		hi++
	}
	return sorted[lo:hi]
}
