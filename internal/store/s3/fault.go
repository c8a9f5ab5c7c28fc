package s3

import (
	"context"
	"errors"
	"net/http"

	"github.com/minio/minio-go/v7"

	"provery/internal/fault"
)

// The server's codes for credentials that it doesn't take.
var refused = map[string]bool{
	"AccessDenied": true, "InvalidAccessKeyId": true, "SignatureDoesNotMatch": true, "ExpiredToken": true, "InvalidToken": true,
	"AuthorizationHeaderMalformed": true, "AllAccessDisabled": true, "AccountProblem": true,
}

// remoteFault classifies an error of the server or of the way to it. The
// server's text stays in the cause: it repeats names and keys' ids.
func remoteFault(err error, doing string) error {
	var f *fault.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &f), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(err, fault.Internal, "%s", doing)
	}
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) || answer.StatusCode == 0 {
		return &fault.Error{Code: fault.Overloaded, Detail: doing + ": the server can't be reached", Err: err}
	}
	code, text := fault.Internal, "the server refuses with "+answer.Code
	switch {
	case answer.Code == minio.NoSuchKey:
		code, text = fault.NotFound, "not found"
	case answer.Code == minio.NoSuchBucket:
		code, text = fault.Overloaded, "the bucket doesn't exist"
	case answer.Code == "RequestTimeTooSkewed":
		code, text = fault.Overloaded, "this machine's clock and the server's differ too much"
	case refused[answer.Code], answer.StatusCode == http.StatusForbidden, answer.StatusCode == http.StatusUnauthorized:
		code, text = fault.Overloaded, "the server refuses access ("+answer.Code+")"
	case answer.StatusCode == http.StatusInsufficientStorage, answer.Code == "QuotaExceeded", answer.Code == "XMinioStorageFull":
		code, text = fault.InsufficientStorage, "the server is full"
	case answer.StatusCode == http.StatusTooManyRequests, answer.StatusCode >= 500 && answer.StatusCode != http.StatusNotImplemented:
		code, text = fault.Overloaded, "the server fails with "+answer.Code
	}
	return &fault.Error{Code: code, Detail: doing + ": " + text, Err: err}
}

// probeFault makes what a wrong configuration causes InvalidRequest: before
// the first use nothing else is likely, and nothing would heal it.
func probeFault(err error) error {
	out := remoteFault(err, "open bucket: write a test object")
	var answer minio.ErrorResponse
	if errors.As(err, &answer) && answer.StatusCode >= 400 && answer.StatusCode < 500 && answer.StatusCode != http.StatusTooManyRequests {
		return &fault.Error{Code: fault.InvalidRequest, Detail: out.Error(), Err: err}
	}
	return out
}

// gone reports whether err says that a multipart upload isn't there any more.
func gone(err error) bool {
	var answer minio.ErrorResponse
	return errors.As(err, &answer) && answer.Code == minio.NoSuchUpload
}
