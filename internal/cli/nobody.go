package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"provery/api"
	"provery/client"
)

// kindProofs is the kind of the jobs that prove.
const kindProofs = "proof"

// patience is how long a job may be queued before somebody who waits for it is
// told why, if there is a reason.
const patience = 5 * time.Second

// nobody says so if no process of the service takes jobs of a kind: the job
// waits until one does, and that may be forever.
func (e *env) nobody(ctx context.Context, cl *client.Client, kind string) {
	workers, err := cl.Workers(ctx)
	if err != nil || slices.ContainsFunc(workers, func(w api.Worker) bool { return slices.Contains(w.Kinds, kind) }) {
		return // what is only a hint may fail
	}
	missing := "a process that proves (role worker or all)"
	if kind == api.KindCompile {
		missing = "one that has the compiler ('provery toolchain install')"
	}
	fmt.Fprintf(e.Stderr, "No process of the service takes such jobs now; this one waits for %s. 'provery workers' lists them.\n", missing)
}
