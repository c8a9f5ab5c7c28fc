package engine

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/nats-io/nats.go"

	"provery/internal/fault"
)

// The server's own interface for copies of streams, which the client library
// has no names for. The nats command uses the same.
const (
	snapshotSubject = "$JS.API.STREAM.SNAPSHOT."
	restoreSubject  = "$JS.API.STREAM.RESTORE."
	chunkBytes      = 128 << 10
	chunkTimeout    = time.Minute // for one chunk
	eofStatus       = "204"
)

// copyHead describes a stream: the server's own JSON, in front of its content.
type copyHead struct {
	Config json.RawMessage `json:"config"`
	State  json.RawMessage `json:"state"`
}

// answer is what the server says to a request about copies.
type answer struct {
	Error *struct {
		Description string `json:"description"`
	} `json:"error"`
	copyHead
	DeliverSubject string `json:"deliver_subject"`
}

// Backup writes a copy of a stream, as it is at one moment, to w: a line of JSON
// and the server's snapshot. Records go on being read and written meanwhile.
func (e *Engine) Backup(ctx context.Context, stream string, w io.Writer) error {
	inbox := nats.NewInbox()
	sub, err := e.conn.SubscribeSync(inbox)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "back up %s", stream)
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only where the connection is gone
	a, err := e.ask(ctx, snapshotSubject+stream, map[string]any{
		"deliver_subject": inbox, "no_consumers": true, "chunk_size": chunkBytes, "jsck": true,
	})
	if err != nil {
		return fault.Wrap(err, fault.Internal, "back up %s", stream)
	}
	out := bufio.NewWriter(w)
	if err := json.NewEncoder(out).Encode(a.copyHead); err != nil {
		return fault.Wrap(err, fault.Internal, "back up %s", stream)
	}
	for {
		m, err := nextChunk(ctx, sub)
		if err != nil {
			return fault.Wrap(err, fault.Overloaded, "back up %s", stream)
		}
		if len(m.Data) == 0 {
			if s := m.Header.Get("Status"); s != "" && s != eofStatus {
				return fault.New(fault.Internal, "back up %s: the server broke off: %s %s", stream, s, m.Header.Get("Description"))
			}
			return fault.Wrap(out.Flush(), fault.Internal, "back up %s", stream)
		}
		if _, err := out.Write(m.Data); err != nil {
			return fault.Wrap(err, fault.Internal, "back up %s", stream)
		}
		if m.Reply != "" {
			if err := m.Respond(nil); err != nil {
				return fault.Wrap(err, fault.Overloaded, "back up %s", stream)
			}
		}
	}
}

func nextChunk(ctx context.Context, sub *nats.Subscription) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, chunkTimeout)
	defer cancel()
	return sub.NextMsgWithContext(ctx)
}

// Restore makes a stream from a copy that Backup wrote. Conflict where there is
// a stream of that name.
func (e *Engine) Restore(ctx context.Context, stream string, r io.Reader) error {
	if _, err := e.js.Stream(ctx, stream); err == nil {
		return fault.New(fault.Conflict, "restore %s: it is there already", stream)
	}
	in := bufio.NewReader(r)
	line, err := in.ReadBytes('\n')
	var head copyHead
	if err == nil {
		err = json.Unmarshal(line, &head)
	}
	if err != nil {
		return fault.New(fault.InvalidArtifact, "restore %s: the file is no copy of a stream", stream)
	}
	a, err := e.ask(ctx, restoreSubject+stream, head)
	if err != nil {
		return fault.Wrap(err, fault.Internal, "restore %s", stream)
	}
	chunk := make([]byte, chunkBytes)
	for {
		n, err := io.ReadFull(in, chunk)
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return fault.Wrap(err, fault.Internal, "restore %s", stream)
		}
		if n > 0 {
			if _, err := e.say(ctx, a.DeliverSubject, chunk[:n]); err != nil {
				return fault.Wrap(err, fault.Internal, "restore %s", stream)
			}
		}
		if last { // the server makes the stream of it, and says whether it could
			_, err := e.say(ctx, a.DeliverSubject, nil)
			return fault.Wrap(err, fault.Internal, "restore %s", stream)
		}
	}
}

// ask makes a request in JSON.
func (e *Engine) ask(ctx context.Context, subject string, request any) (answer, error) {
	b, err := json.Marshal(request)
	if err != nil {
		return answer{}, err
	}
	return e.say(ctx, subject, b)
}

// say makes a request and returns what was answered, an error if that is one.
func (e *Engine) say(ctx context.Context, subject string, data []byte) (a answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, chunkTimeout)
	defer cancel()
	m, err := e.conn.RequestWithContext(ctx, subject, data)
	if err != nil {
		return a, unreachable(err, "the server doesn't answer; may the account use $JS.API.> and $JS.SNAPSHOT.>?")
	}
	if len(m.Data) == 0 {
		return a, nil
	}
	if err := json.Unmarshal(m.Data, &a); err != nil {
		return a, fault.Wrap(err, fault.Internal, "the server's answer can't be read")
	}
	if a.Error != nil {
		return a, fault.New(fault.Internal, "the server refuses: %s", a.Error.Description)
	}
	return a, nil
}
