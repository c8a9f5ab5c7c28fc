package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"provery/api"
	"provery/client"
)

// events is a stream of events.
type events = iter.Seq2[api.Event, error]

// watch prints events as they come. It fails if what it follows did.
func watch(e *env, open func(*client.Client) events) error {
	cl, err := e.client()
	if err != nil {
		return err
	}
	var last api.Event
	lines := json.NewEncoder(e.Stdout)
	for event, err := range open(cl) {
		if err != nil {
			return err
		}
		if last = event; e.json {
			if err := lines.Encode(event); err != nil {
				return err
			}
			continue
		}
		printEvent(e.Stdout, &event)
	}
	switch {
	case last.Problem != nil:
		return &client.Error{Problem: *last.Problem}
	case last.Final && last.State != api.StateSucceeded:
		return errSaid
	}
	return nil
}

// printEvent prints an event in a line.
func printEvent(w io.Writer, ev *api.Event) {
	var more []string
	add := func(format string, args ...any) { more = append(more, fmt.Sprintf(format, args...)) }
	if ev.Item != nil {
		add("item %d", *ev.Item)
	}
	if ev.Attempt > 0 {
		add("attempt %d", ev.Attempt)
	}
	if ev.Reason != "" {
		add("after it was %s", ev.Reason)
	}
	if ev.Position != nil && ev.State == api.StateQueued {
		add("%d ahead", *ev.Position)
	}
	if ev.Stage != "" {
		add("%s", ev.Stage)
	}
	for _, s := range api.States() {
		if n := ev.Counts[s]; n > 0 {
			add("%d %s", n, s)
		}
	}
	if ev.Progress != nil && !ev.Final {
		add("%.0f %%", 100**ev.Progress)
	}
	if ev.Remaining != nil {
		add("about %v left", time.Duration(*ev.Remaining*float64(time.Second)).Round(100*time.Millisecond))
	}
	line := fmt.Sprintf("%s  %-9s  %s", ev.Time.Local().Format(time.TimeOnly), ev.State, strings.Join(more, ", "))
	fmt.Fprintln(w, strings.TrimRight(line, " "))
}
