package httpapi

import (
	"context"
	"iter"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/parallel"
)

// itemsRoute adds a stream of a batch's items as lines of JSON.
func (s *Server) itemsRoute(path, operation, summary string, results bool) {
	zero := 0.0
	s.raw(huma.Operation{
		Method: http.MethodGet, Path: path, OperationID: operation, Tags: []string{tagBatches}, Summary: summary,
		Description: "One proof in JSON on each line, in the order of the items. With wait, each comes when it has ended. " +
			"A stream that ends early breaks the connection, so that a part isn't taken for the whole: go on with from. " +
			"Items that were deleted are left out. Empty lines mean nothing; one comes every 15 s while nothing else does.",
		Parameters: []*huma.Param{
			{Name: "id", In: "path", Required: true, Description: "Id of the batch.", Schema: &huma.Schema{Type: huma.TypeString}},
			{Name: "from", In: "query", Description: "Number of the first item, from 0.", Schema: &huma.Schema{Type: huma.TypeInteger, Minimum: &zero}},
			{Name: "wait", In: "query", Description: "Wait for the end of each item.", Schema: &huma.Schema{Type: huma.TypeBoolean}},
		},
		Responses: map[string]*huma.Response{
			"200": {Description: "The items", Content: map[string]*huma.MediaType{api.MediaTypeLines: {Schema: schemaOf[api.Proof](s)}}},
		},
		Errors: []int{400, 404, 503},
	}, func(_ http.ResponseWriter, r *http.Request) {
		if err := s.serveItems(r, results); err != nil {
			exchangeOf(r.Context()).fail(err)
		}
	})
}

// serveItems writes the stream. The error is for an answer that hasn't begun;
// later ones break the connection.
func (s *Server) serveItems(r *http.Request, results bool) error {
	q := ItemsQuery{Results: results}
	if err := parseItems(r, &q); err != nil {
		return err
	}
	x := exchangeOf(r.Context())
	release, ok := s.takeWaiter()
	if !ok {
		return errNoWaiter("; ask again later")
	}
	defer release()
	x.clearReadDeadline()
	source, stop := parallel.Pull(r.Context(), ahead, func(ctx context.Context) iter.Seq2[api.Proof, error] {
		return s.services.Batches.BatchItems(ctx, x.caller, r.PathValue("id"), q)
	})
	defer stop()
	out := &lineWriter{w: x.writer}
	err := s.copyItems(r.Context(), out, source)
	if err != nil && out.begun {
		_ = x.writer.control.Flush() // what there is may arrive
		panic(http.ErrAbortHandler)
	}
	return err
}

func parseItems(r *http.Request, q *ItemsQuery) (err error) {
	values := r.URL.Query()
	for name := range values {
		if name != "from" && name != "wait" {
			return fault.New(fault.InvalidRequest, "unknown parameter").At("query." + safeName(name))
		}
	}
	if text := values.Get("from"); text != "" {
		if q.From, err = strconv.Atoi(text); err != nil || q.From < 0 {
			return fault.New(fault.InvalidRequest, "want a number of at least 0").At("query.from")
		}
	}
	if text := values.Get("wait"); text != "" {
		if q.Wait, err = strconv.ParseBool(text); err != nil {
			return fault.New(fault.InvalidRequest, "want true or false").At("query.wait")
		}
	}
	return nil
}

// copyItems writes items as they come until the source ends, which is no error.
func (s *Server) copyItems(ctx context.Context, out *lineWriter, source <-chan parallel.Pulled[api.Proof]) error {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		var err error
		select {
		case t, open := <-source:
			switch {
			case !open:
				return out.end()
			case t.Err != nil:
				return t.Err
			}
			err = out.line(&t.Value, len(source) == 0)
			tick.Reset(heartbeat)
		case <-tick.C:
			err = out.empty()
		case <-s.draining:
			return errDraining
		case <-ctx.Done():
			return ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}

// lineWriter writes lines of JSON.
type lineWriter struct {
	w     *writer
	begun bool
}

func (l *lineWriter) begin() {
	if !l.begun {
		l.begun = true
		l.w.Header().Set("Content-Type", api.MediaTypeLines)
		l.w.Header().Set("X-Accel-Buffering", "no") // for nginx
	}
}

// line writes one line, and sends it off unless more are about to follow.
func (l *lineWriter) line(v any, send bool) error {
	l.begin()
	if err := encodeJSON(l.w, v); err != nil || !send {
		return err
	}
	return l.w.control.Flush()
}

func (l *lineWriter) empty() error {
	l.begin()
	if _, err := l.w.Write([]byte("\n")); err != nil {
		return err
	}
	return l.w.control.Flush()
}

// end makes a stream without lines one, too.
func (l *lineWriter) end() error {
	l.begin()
	_, err := l.w.Write(nil)
	return err
}
