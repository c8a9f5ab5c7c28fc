package conformance

import (
	"context"

	"provery/internal/peer"
)

// script is a list of commands for one process of zokrates-js, and what to do
// with their results.
type script struct {
	commands []peer.Command
	handlers []func(peer.Result) error
}

func (s *script) add(c peer.Command, handle func(peer.Result) error) {
	s.commands = append(s.commands, c)
	s.handlers = append(s.handlers, handle)
}

// run runs the commands and hands out the results in order. It returns the
// first error of a handler.
func (s *script) run(ctx context.Context, tools *peer.Toolchain) error {
	if len(s.commands) == 0 {
		return nil
	}
	results, err := tools.Batch(ctx, s.commands...)
	if err != nil {
		return err
	}
	for i, r := range results {
		if e := s.handlers[i](r); e != nil && err == nil {
			err = e
		}
	}
	return err
}
