package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"

	"provery/api"
)

// ProofEvents yields what happens to a proof: what has happened so far, and then
// what comes, until its final event or ctx ends. When the connection breaks, or
// is silent for too long, it is taken up again where it stopped: no change of
// state is missed or told twice. The last pair has the error, if any: *Error
// where the service refuses, and any other after as many failures in a row as
// the client repeats calls.
func (c *Client) ProofEvents(ctx context.Context, id string) iter.Seq2[api.Event, error] {
	return c.events(ctx, path("proofs", id, "events"), c.retries)
}

// JobEvents is ProofEvents for jobs of any kind.
func (c *Client) JobEvents(ctx context.Context, id string) iter.Seq2[api.Event, error] {
	return c.events(ctx, path("jobs", id, "events"), c.retries)
}

// follow calls on, unless it is nil, with the events of a stream until its end, or
// until it can't be had: a service may have no room for one more, and a proxy may
// hold it back. The error is of a refusal for good, or the end of ctx.
func (c *Client) follow(ctx context.Context, path string, on func(api.Event)) error {
	const retries = 1
	for e, err := range c.events(ctx, path, retries) {
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("client: %w", ctx.Err())
		case err != nil && CodeOf(err) != "" && !again(ctx, err):
			return err
		case err == nil && on != nil:
			on(e)
		}
	}
	return nil
}

// silence is how long a stream may be without a word. The service says
// something every 15 s.
const silence = 45 * time.Second

// events follows a stream over as many connections as it takes, of which retries
// in a row may fail after the first.
func (c *Client) events(ctx context.Context, path string, retries int) iter.Seq2[api.Event, error] {
	return func(yield func(api.Event, error) bool) {
		s := &stream{c: c, path: path, delay: 2 * time.Second}
		for failures := 0; ; failures++ {
			s.heard = false
			ended, err := s.connect(ctx, yield)
			if ended {
				return
			}
			if s.heard {
				failures = 0
			}
			if err != nil && (failures >= retries || !again(ctx, err)) {
				yield(api.Event{}, err)
				return
			}
			if err == nil { // the service ended it, to stop or to start anew
				err = sleep(ctx, s.delay)
			} else {
				err = c.pause(ctx, failures, err)
			}
			if err != nil {
				yield(api.Event{}, err)
				return
			}
		}
	}
}

// stream is what is remembered from one connection to the next.
type stream struct {
	c     *Client
	path  string
	last  string        // id of the last event
	heard bool          // something came over the connection
	delay time.Duration // before a connection after one that ended well
}

// connect makes one connection and yields its events. ended reports that there
// is nothing to come back for.
func (s *stream) connect(ctx context.Context, yield func(api.Event, error) bool) (ended bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := s.c.request(ctx, http.MethodGet, s.path, nil)
	if err != nil {
		return false, err
	}
	req.Header.Set("Accept", api.MediaTypeEvents+", "+api.MediaTypeProblem)
	if s.last != "" {
		req.Header.Set(api.HeaderLastEventID, s.last)
	}
	idle := time.AfterFunc(silence, cancel)
	defer idle.Stop()
	res, err := s.c.http.Do(req)
	if err != nil {
		return false, fmt.Errorf("client: %w", err)
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusNoContent:
		return true, nil
	case res.StatusCode != http.StatusOK:
		return false, problemOf(res)
	}
	r := newEventReader(&awake{res.Body, idle})
	for {
		m, err := r.next()
		if m.retry > 0 {
			s.delay = min(m.retry, maxPause)
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("client: read events: %w", err)
		}
		var e api.Event
		if err := json.Unmarshal(m.data, &e); err != nil {
			return false, fmt.Errorf("client: read events: %w", err)
		}
		s.heard = true
		if e.ID = m.id; e.ID != "" {
			s.last = e.ID
		}
		if !yield(e, nil) || e.Final {
			return true, nil
		}
	}
}

// awake puts a timer off as long as something is read.
type awake struct {
	io.Reader
	idle *time.Timer
}

// Read reads.
func (a *awake) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if n > 0 {
		a.idle.Reset(silence)
	}
	return n, err
}

// maxMessage bounds a message of an event stream.
const maxMessage = 1 << 20

// message is one message of an event stream.
type message struct {
	id    string
	data  []byte
	retry time.Duration
}

// eventReader reads an event stream as the HTML standard defines it, as far as
// the service uses it: line ends are LF or CRLF.
type eventReader struct{ lines *bufio.Scanner }

func newEventReader(r io.Reader) *eventReader {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxMessage)
	return &eventReader{s}
}

// next returns the next message that has data. At the end of the stream it is
// io.EOF; what stands before it without an empty line is not a message. With an
// error, too, the message has the delay that was set.
func (r *eventReader) next() (message, error) {
	var m message
	for r.lines.Scan() {
		line := r.lines.Text()
		if line == "" {
			if m.data != nil {
				return m, nil
			}
			m.id = ""
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "id":
			m.id = value
		case "data":
			if m.data != nil {
				m.data = append(m.data, '\n')
			}
			if len(m.data)+len(value) > maxMessage {
				return m, bufio.ErrTooLong
			}
			m.data = append(m.data, value...)
			if m.data == nil {
				m.data = []byte{}
			}
		case "retry":
			if ms, err := strconv.ParseUint(value, 10, 31); err == nil {
				m.retry = time.Duration(ms) * time.Millisecond
			}
		}
	}
	if err := r.lines.Err(); err != nil {
		return m, err
	}
	return m, io.EOF
}
