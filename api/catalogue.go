package api

import "net/http"

// Code names a kind of error.
type Code string

// Scope says where the cause of an error lies.
type Scope string

// The scopes.
const (
	ScopeRequest  Scope = "request"  // change the request
	ScopeCircuit  Scope = "circuit"  // change the circuit or its keys
	ScopeCapacity Scope = "capacity" // come back later
	ScopeInternal Scope = "internal" // ask the operator
)

// The codes.
const (
	CodeInvalidRequest       Code = "invalid_request"
	CodeUnauthenticated      Code = "unauthenticated"
	CodeForbidden            Code = "forbidden"
	CodeNotFound             Code = "not_found"
	CodeMethodNotAllowed     Code = "method_not_allowed"
	CodeRequestTimeout       Code = "request_timeout"
	CodeConflict             Code = "conflict"
	CodeCanceled             Code = "canceled"
	CodeTooLarge             Code = "too_large"
	CodeUnsupportedMediaType Code = "unsupported_media_type"
	CodeUnsatisfiedWitness   Code = "unsatisfied_witness"
	CodeInvalidArtifact      Code = "invalid_artifact"
	CodeUnsupported          Code = "unsupported"
	CodeRateLimited          Code = "rate_limited"
	CodeInternal             Code = "internal"
	CodeOverloaded           Code = "overloaded"
	CodeDeadlineExceeded     Code = "deadline_exceeded"
	CodeInsufficientStorage  Code = "insufficient_storage"
)

// ErrorType is an entry of the error catalogue.
type ErrorType struct {
	Code        Code   `json:"code"`
	Status      int    `json:"status"`
	Title       string `json:"title"`
	Retryable   bool   `json:"retryable"`
	Scope       Scope  `json:"scope"`
	Description string `json:"description"`
}

// Type returns the reference that problems of this kind carry in "type",
// relative to the service's address.
func (t ErrorType) Type() string { return "/docs#error-" + string(t.Code) }

// Lookup returns the catalogue's entry of a code.
func Lookup(code Code) (ErrorType, bool) {
	for _, t := range Catalogue() {
		if t.Code == code {
			return t, true
		}
	}
	return ErrorType{}, false
}

// Catalogue lists every kind of error that the API returns, by status.
func Catalogue() []ErrorType {
	return []ErrorType{
		{CodeInvalidRequest, http.StatusBadRequest, "Invalid request", false, ScopeRequest,
			"The request is malformed, or a field or argument has the wrong shape, count or range. path names the culprit; its value is never repeated."},
		{CodeUnauthenticated, http.StatusUnauthorized, "Not authenticated", false, ScopeRequest,
			"The service asks for an API key (Authorization: Bearer pvk_…), and there was none or it isn't known."},
		{CodeForbidden, http.StatusForbidden, "Forbidden", false, ScopeRequest,
			"The service doesn't allow this: for example an insecure-dev setup where it is switched off, an operator's route with a key that isn't an admin's, or a request that a browser sent for another site."},
		{CodeNotFound, http.StatusNotFound, "Not found", false, ScopeRequest,
			"There is no such circuit, key set, proof, batch, job or path, or it isn't this API key's. Finished proofs are erased when their time to live ends."},
		{CodeMethodNotAllowed, http.StatusMethodNotAllowed, "Method not allowed", false, ScopeRequest,
			"The path exists, but not with this method. The Allow header lists those that do."},
		{CodeRequestTimeout, http.StatusRequestTimeout, "Request timed out", true, ScopeRequest,
			"The request's body came too slowly."},
		{CodeConflict, http.StatusConflict, "Conflict", false, ScopeRequest,
			"The request contradicts the present state: for example an Idempotency-Key that was used with another body, or deleting a proof that is running."},
		{CodeCanceled, http.StatusConflict, "Cancelled", false, ScopeRequest,
			"The proof was cancelled before it ended. The same request may be submitted again."},
		{CodeTooLarge, http.StatusRequestEntityTooLarge, "Too large", false, ScopeRequest,
			"A body, part or set of arguments is over the service's limit."},
		{CodeUnsupportedMediaType, http.StatusUnsupportedMediaType, "Unsupported media type", false, ScopeRequest,
			"The Content-Type isn't one that the path takes: application/json, and multipart/form-data for uploads."},
		{CodeUnsatisfiedWitness, http.StatusUnprocessableEntity, "Unsatisfied circuit", false, ScopeRequest,
			"The arguments don't satisfy the circuit. position is the failed assertion's place in the source, where the program carries it."},
		{CodeInvalidArtifact, http.StatusUnprocessableEntity, "Invalid artefact", false, ScopeCircuit,
			"A program or key is damaged, or belongs to another program, curve or scheme."},
		{CodeUnsupported, http.StatusUnprocessableEntity, "Unsupported", false, ScopeCircuit,
			"The circuit, key or request uses a feature that this service doesn't have, or needs more memory than its workers will ever have."},
		{CodeRateLimited, http.StatusTooManyRequests, "Rate limited", true, ScopeCapacity,
			"Your own share is used up: requests of this API key came too fast, or its waiting jobs fill its part of the queue. Retry-After says when to come back."},
		{CodeInternal, http.StatusInternalServerError, "Internal error", true, ScopeInternal,
			"Something failed inside the service. incident names the cause in its log."},
		{CodeOverloaded, http.StatusServiceUnavailable, "Overloaded", true, ScopeCapacity,
			"The queue, the uploads or the waiting requests are at their limit, or the service is stopping. Retry-After says when to come back."},
		{CodeDeadlineExceeded, http.StatusGatewayTimeout, "Deadline exceeded", true, ScopeCapacity,
			"The request's deadline passed before the proof ended."},
		{CodeInsufficientStorage, http.StatusInsufficientStorage, "Insufficient storage", true, ScopeCapacity,
			"The service's disk is full. Nothing that was accepted before is lost."},
	}
}
