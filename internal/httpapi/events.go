package httpapi

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/parallel"
)

const (
	// heartbeat is how often a silent stream says that it is there, so that
	// proxies don't cut it off and a client that went away is noticed.
	heartbeat = 15 * time.Second
	// reconnect is when a client should take a stream up again that ended
	// before its final event.
	reconnect = 2 * time.Second
)

// follow yields the events of something after one of them, as
// Jobs.JobEvents does.
type follow func(ctx context.Context, who Caller, id, after string) iter.Seq2[api.Event, error]

// eventRoute adds a stream of server-sent events.
func (s *Server) eventRoute(path, operation, tag, summary string, events follow) {
	text := &huma.Schema{Type: huma.TypeString}
	s.raw(huma.Operation{
		Method: http.MethodGet, Path: path, OperationID: operation, Tags: []string{tag}, Summary: summary,
		Description: "Server-sent events: everything that has happened so far, and then what happens, until the final event. " +
			"Each message's data is one event in JSON. After a break a client goes on behind the event that it names in " + api.HeaderLastEventID + "; " +
			"events without an id aren't repeated, but the present stage and estimate are told again. " +
			"A comment comes every 15 s while nothing else does.",
		Parameters: []*huma.Param{
			{Name: "id", In: "path", Required: true, Description: "Id of the job or batch.", Schema: text},
			{Name: api.HeaderLastEventID, In: "header", Description: "Id of the last event that the client has seen.", Schema: text},
		},
		Responses: map[string]*huma.Response{
			"200": {Description: "The events", Content: map[string]*huma.MediaType{api.MediaTypeEvents: {Schema: schemaOf[api.Event](s)}}},
			"204": {Description: "The client has seen the final event: there is nothing to come back for"},
		},
		Errors: []int{404, 503},
	}, func(_ http.ResponseWriter, r *http.Request) {
		if err := s.serveEvents(r, events); err != nil {
			exchangeOf(r.Context()).fail(err)
		}
	})
}

// ahead is how many values of a source may wait to be written.
const ahead = 16

// serveEvents writes a stream. The error is for an answer that hasn't begun.
func (s *Server) serveEvents(r *http.Request, events follow) error {
	x := exchangeOf(r.Context())
	release, ok := s.takeWaiter()
	if !ok {
		return errNoWaiter("; ask again later")
	}
	defer release()
	x.clearReadDeadline()
	source, stop := parallel.Pull(r.Context(), ahead, func(ctx context.Context) iter.Seq2[api.Event, error] {
		return events(ctx, x.caller, r.PathValue("id"), r.Header.Get(api.HeaderLastEventID))
	})
	defer stop()
	return s.copyEvents(r.Context(), &eventWriter{w: x.writer}, source)
}

// copyEvents writes events as they come, until the source ends, the client goes
// away or the server drains. A stream that ends before its final event is taken
// up again by its client.
func (s *Server) copyEvents(ctx context.Context, out *eventWriter, source <-chan parallel.Pulled[api.Event]) error {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		var err error
		select {
		case t, open := <-source:
			if !open || t.Err != nil {
				return s.endEvents(ctx, out, t.Err)
			}
			err = out.event(&t.Value)
			tick.Reset(heartbeat)
		case <-tick.C:
			err = out.comment()
		case <-s.draining:
			return s.endEvents(ctx, out, errDraining)
		case <-ctx.Done():
			return nil
		}
		if err != nil {
			return nil // the client is gone
		}
	}
}

// endEvents ends a stream whose source has ended, with err if that isn't nil. It
// returns err where that can still be the answer.
func (s *Server) endEvents(ctx context.Context, out *eventWriter, err error) error {
	switch {
	case out.begun && err != nil:
		s.log.LogAttrs(ctx, slog.LevelDebug, "event stream ended early", slog.String("cause", causes(err)))
		return nil
	case !out.begun && err == nil:
		out.w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// errDraining refuses new work while the service stops.
var errDraining = &fault.Error{Code: fault.Overloaded, Detail: "the service is stopping", RetryAfter: drainRetry}

// drainRetry is when another process should be there.
const drainRetry = 5 * time.Second

// eventWriter writes messages of an event stream.
type eventWriter struct {
	w     *writer
	begun bool
}

// begin sends the header, and the delay of reconnections.
func (e *eventWriter) begin(b *bytes.Buffer) {
	if e.begun {
		return
	}
	e.begun = true
	h := e.w.Header()
	h.Set("Content-Type", api.MediaTypeEvents)
	h.Set("X-Accel-Buffering", "no") // for nginx
	fmt.Fprintf(b, "retry: %d\n\n", reconnect.Milliseconds())
}

// event writes one event.
func (e *eventWriter) event(ev *api.Event) error {
	var b bytes.Buffer
	e.begin(&b)
	if ev.ID != "" {
		fmt.Fprintf(&b, "id: %s\n", ev.ID)
	}
	fmt.Fprintf(&b, "event: %s\ndata: ", ev.Type)
	if err := encodeJSON(&b, ev); err != nil { // one line, with its end
		return err
	}
	b.WriteByte('\n')
	return e.send(&b)
}

// comment writes what clients ignore.
func (e *eventWriter) comment() error {
	var b bytes.Buffer
	e.begin(&b)
	b.WriteString(":\n\n")
	return e.send(&b)
}

func (e *eventWriter) send(b *bytes.Buffer) error {
	if _, err := e.w.Write(b.Bytes()); err != nil {
		return err
	}
	return e.w.control.Flush()
}
