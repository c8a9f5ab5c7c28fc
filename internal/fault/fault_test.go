package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"provery/internal/fault"
)

func TestWrapKeepsTheInnerClass(t *testing.T) {
	t.Parallel()
	inner := fault.New(fault.InvalidArtifact, "section 3: truncated").At("/program")
	inner.Position = &fault.Position{File: "a.zok", Line: 2, Column: 3}
	inner.RetryAfter = time.Second
	err := fault.Wrap(fmt.Errorf("between: %w", inner), fault.Internal, "read program %s", "x")

	var got *fault.Error
	if !errors.As(err, &got) {
		t.Fatalf("got %T, want *fault.Error", err)
	}
	if got.Code != fault.InvalidArtifact || got.Path != "/program" || got.RetryAfter != time.Second || got.Position.String() != "a.zok:2:3" {
		t.Errorf("got %+v, want the inner error's class", got)
	}
	if want := "/program: read program x: section 3: truncated"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

func TestWrapHidesForeignText(t *testing.T) {
	t.Parallel()
	cause := errors.New("value 12345 is secret")
	err := fault.Wrap(cause, fault.Internal, "solve")
	if err.Error() != "solve" {
		t.Errorf("got %q, want %q", err, "solve")
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	if fault.Wrap(nil, fault.Internal, "x") != nil {
		t.Error("got an error from nil")
	}
}

func TestWrapKeepsContextErrors(t *testing.T) {
	t.Parallel()
	for cause, want := range map[error]fault.Code{
		context.Canceled:         fault.Canceled,
		context.DeadlineExceeded: fault.DeadlineExceeded,
	} {
		err := fault.Wrap(fmt.Errorf("between: %w", cause), fault.InvalidArtifact, "read")
		if !fault.Is(err, want) || !errors.Is(err, cause) {
			t.Errorf("got %v, want %s", fault.CodeOf(err), want)
		}
	}
}

func TestCodeOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		want fault.Code
	}{
		{"nil", nil, ""},
		{"own", fault.New(fault.NotFound, "x"), fault.NotFound},
		{"wrapped", fmt.Errorf("a: %w", fault.New(fault.Conflict, "x")), fault.Conflict},
		{"canceled", fmt.Errorf("a: %w", context.Canceled), fault.Canceled},
		{"deadline", context.DeadlineExceeded, fault.DeadlineExceeded},
		{"foreign", errors.New("x"), fault.Internal},
	}
	for _, tc := range tests {
		if got := fault.CodeOf(tc.err); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
}
