package engine

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

// slogBridge hands the server's messages to slog.
type slogBridge struct {
	log   *slog.Logger
	fatal func(text string)
}

// The methods below implement server.Logger. The server's text is kept as the
// message's attribute, so that it can't be mistaken for ours.

func (b *slogBridge) emit(level slog.Level, format string, v []any) {
	if b.log.Enabled(context.Background(), level) {
		b.log.Log(context.Background(), level, "engine", "text", strings.TrimSpace(fmt.Sprintf(format, v...)))
	}
}

func (b *slogBridge) Noticef(format string, v ...any) { b.emit(slog.LevelDebug, format, v) }
func (b *slogBridge) Warnf(format string, v ...any)   { b.emit(slog.LevelWarn, format, v) }
func (b *slogBridge) Errorf(format string, v ...any)  { b.emit(slog.LevelError, format, v) }
func (b *slogBridge) Debugf(format string, v ...any)  { b.emit(slog.LevelDebug, format, v) }
func (b *slogBridge) Tracef(string, ...any)           {}

func (b *slogBridge) Fatalf(format string, v ...any) {
	b.emit(slog.LevelError, format, v)
	b.fatal(strings.TrimSpace(fmt.Sprintf(format, v...)))
}
