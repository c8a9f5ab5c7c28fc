package queue_test

import (
	"strings"
	"testing"

	"provery/internal/queue"
)

// TestOtherReleases lets a job's record be written by an older and by a newer
// release, which run beside this one, and finishes it here.
func TestOtherReleases(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ before, after, kept string }{
		"older": {`"v":2`, `"v":1`, ``},
		"newer": {`{"`, `{"zone":{"eu":[1]},"`, `"zone":{"eu":[1]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t, "", queue.Config{})
			n := newJob()
			j := enqueue(t, f.Queue, n)
			if err := queue.Rewrite(t.Context(), f.Queue, j.ID, func(text string) string {
				return strings.Replace(text, c.before, c.after, 1)
			}); err != nil {
				t.Fatal(err)
			}
			l := lease(t, f.Queue)
			if args, err := l.Arguments(t.Context()); err != nil || string(args) != string(n.Sealed) {
				t.Errorf("got %q, %v, want the arguments", args, err)
			}
			if err := l.Complete(t.Context(), queue.Result{Body: []byte("proof")}); err != nil {
				t.Fatal(err)
			}
			if got := finished(t, f.Queue, j.ID); got.State != queue.Succeeded {
				t.Errorf("got %s", got.State)
			}
			raw, err := queue.Raw(t.Context(), f.Queue, j.ID)
			if err != nil || !strings.Contains(string(raw), c.kept) {
				t.Errorf("got %s, %v, want %s in it", raw, err, c.kept)
			}
		})
	}
}
