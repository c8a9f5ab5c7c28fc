package cli

import (
	"fmt"
	"runtime"

	"github.com/schollz/progressbar/v3"

	"provery/internal/ceremony"
)

// steps shows the progress of a long computation on standard error: bars on a
// terminal, otherwise a line for each step.
type steps struct {
	e    *env
	name string
	bar  *progressbar.ProgressBar
}

func (e *env) steps() *steps { return &steps{e: e} }

// run returns how a ceremony's operation runs on this machine.
func (s *steps) run() ceremony.Run {
	return ceremony.Run{Threads: runtime.GOMAXPROCS(0), Progress: s.show}
}

// show shows how far a step is; a total of 0 isn't known.
func (s *steps) show(name string, done, total int64) {
	if name != s.name {
		s.end()
		s.name = name
		if !s.e.terminal() {
			fmt.Fprintf(s.e.Stderr, "%s ...\n", name)
			return
		}
		if total == 0 {
			total = -1
		}
		s.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(s.e.Stderr), progressbar.OptionSetDescription(name),
			progressbar.OptionClearOnFinish(), progressbar.OptionSetWidth(30))
	}
	if s.bar != nil {
		_ = s.bar.Set64(done) // a bar that can't be drawn doesn't matter
	}
}

// end takes the bar away.
func (s *steps) end() {
	if s.bar != nil {
		_ = s.bar.Clear()
	}
	s.bar = nil
}
