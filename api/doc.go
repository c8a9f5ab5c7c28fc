// Package api holds the wire types of Provery's HTTP API, version 1, and its
// catalogue of errors. It imports the standard library only, so that clients
// can depend on it alone.
//
// The text of a field is its doc tag: the OpenAPI document is made from it.
package api

// Version is the version of the API that this package describes: the first
// segment of every path.
const Version = "v1"

// BasePath precedes every versioned path.
const BasePath = "/" + Version

// Headers that the API reads or writes beside the standard ones.
const (
	HeaderRequestID         = "X-Request-Id"       // both ways: names one exchange in the log
	HeaderIdempotencyKey    = "Idempotency-Key"    // request: the same key and body give the same proof
	HeaderPrefer            = "Prefer"             // request: "wait=30" asks for the outcome, RFC 7240
	HeaderPreferenceApplied = "Preference-Applied" // response: the wait that was granted
	HeaderKeyLayout         = "Provery-Key-Layout" // response: layout of an exported key

	// Responses to callers whose requests are limited in their rate.
	HeaderRateLimit     = "RateLimit-Limit"     // requests at once
	HeaderRateRemaining = "RateLimit-Remaining" // of those, how many are left
	HeaderRateReset     = "RateLimit-Reset"     // seconds until all are there again
)

// MediaTypeProblem is the content type of every error, RFC 9457.
const MediaTypeProblem = "application/problem+json"
