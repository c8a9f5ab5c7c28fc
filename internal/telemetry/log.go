// Package telemetry sets up what Provery tells its operator: the log, the
// metrics registry and the stage timer behind a proof's ledger. All of them
// are passed to those who need them; nothing here is global.
package telemetry

import (
	"io"
	"log/slog"

	"provery/internal/fault"
)

// NewLogger returns a logger that writes lines of the format, "text" or
// "json", at level and above to w.
func NewLogger(w io.Writer, level slog.Leveler, format string) (*slog.Logger, error) {
	opts := &slog.HandlerOptions{Level: level}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	}
	return nil, fault.New(fault.InvalidRequest, "unknown log format; known are text and json")
}
