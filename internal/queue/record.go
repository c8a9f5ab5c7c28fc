package queue

import (
	"slices"
	"strings"
	"time"

	"provery/internal/fault"
	"provery/internal/store"
	"provery/internal/unknown"
)

// recordVersion is the version of the stored form. A record of a newer
// version is refused; older ones are converted in decodeRecord.
//
// Processes of two releases work on the same records during an upgrade. A field
// that an older release needn't understand is added to the top of the record
// without a new version: older processes hand it on. What they would do wrong
// without it needs a new version, and a release in between that reads it.
const recordVersion = 2

// record is the stored form of a job: what clients see, and what only the
// queue needs.
type record struct {
	Version int `json:"v"`
	Job
	// Failures counts lost and failed attempts, but not released ones.
	Failures int `json:"failures,omitempty"`
	// Garbage lists blobs that the record gave up and that may still exist.
	Garbage []store.Digest `json:"garbage,omitempty"`
	// IdemKey is the key of the idempotency entry that points here, if any.
	IdemKey string `json:"idem,omitempty"`

	unknown unknown.Fields // of a newer release
}

func (r *record) encode() ([]byte, error) {
	b, err := unknown.Encode(r, r.unknown)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "encode job record")
	}
	if len(b) > maxRecord {
		return nil, fault.New(fault.TooLarge, "encode job record: more than %d bytes", maxRecord)
	}
	return b, nil
}

func decodeRecord(b []byte) (record, error) {
	var r record
	more, err := unknown.Decode(b, &r)
	// A newer form may not fit into the struct; its version does.
	if r.Version > recordVersion || err == nil && r.Version < 1 {
		return record{}, fault.New(fault.Unsupported, "decode job record: it was written by another version of the service")
	}
	if err != nil {
		return record{}, fault.Wrap(err, fault.Internal, "decode job record")
	}
	if r.State == Running && len(r.Attempts) == 0 {
		return record{}, fault.New(fault.Internal, "decode job record: running without an attempt")
	}
	r.unknown = more
	r.Kind = or(r.Kind, KindProof) // version 1 had no kinds
	return r, nil
}

// meta is the part of a record that listing, statistics and sweeping need. It
// travels in a message header, so that following the bucket doesn't move the
// payloads. Times are Unix milliseconds, 0 for none.
type meta struct {
	State    State        `json:"s"`
	Kind     string       `json:"k,omitempty"` // empty: KindProof
	Attempt  int          `json:"a,omitempty"`
	Priority Priority     `json:"p"`
	Owner    string       `json:"o,omitempty"`
	Circuit  store.Digest `json:"c"`
	KeySet   store.Digest `json:"y,omitzero"`
	Created  int64        `json:"t"`
	Updated  int64        `json:"u"`
	Finished int64        `json:"f,omitempty"`
	Deadline int64        `json:"d,omitempty"`
	Bytes    int64        `json:"b,omitempty"` // of the arguments
	Garbage  bool         `json:"g,omitempty"`
	Dead     bool         `json:"x,omitempty"`
	Batch    string       `json:"n,omitempty"`
	Item     int          `json:"i,omitempty"`
	Session  string       `json:"e,omitempty"` // of the attempt under way
	// Delay is how long a queued job has to wait, in milliseconds from the
	// writing of the record. It isn't a time of day, so that it means the same
	// by everybody's clock.
	Delay int64 `json:"w,omitempty"`
}

func (r *record) meta() meta {
	m := meta{
		State: r.State, Attempt: r.Attempt, Priority: r.Priority, Owner: r.Owner, Circuit: r.CircuitID,
		Created: millis(r.Created), Updated: millis(r.Updated), Finished: millis(r.Finished), Deadline: millis(r.Deadline),
		Garbage: len(r.Garbage) > 0, KeySet: r.KeySetID, Dead: r.Dead, Batch: r.Batch, Item: r.Item,
	}
	if r.Kind != KindProof {
		m.Kind = r.Kind
	}
	if r.State == Running {
		m.Session = r.Attempts[len(r.Attempts)-1].Session
	}
	if r.State == Queued && r.RetryAt.After(r.Updated) {
		m.Delay = r.RetryAt.Sub(r.Updated).Milliseconds()
	}
	if r.Arguments != nil {
		m.Bytes = r.Arguments.Size
	}
	return m
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// problemOf turns a worker's error into the record's form. Text of foreign
// errors stays out: it may hold anything.
func problemOf(err *fault.Error) Problem {
	if err == nil {
		err = fault.New(fault.Internal, "the worker failed without saying why")
	}
	return Problem{
		Code: err.Code, Detail: truncate(err.Detail, maxDetail), Path: truncate(err.Path, maxDetail),
		Position: err.Position, Retryable: err.Code.Retryable(), Diagnostics: bounded(err.Diagnostics),
	}
}

// maxDiagnostics bounds the diagnostics in a record, in bytes of text.
const maxDiagnostics = 128 << 10

// bounded returns the first diagnostics, as many as a record may hold.
func bounded(list []fault.Diagnostic) []fault.Diagnostic {
	room := maxDiagnostics
	for i := range list {
		const overhead = 64 // names and numbers in JSON
		if room -= len(list[i].File) + len(list[i].Message) + overhead; room < 0 {
			return slices.Clone(list[:i])
		}
	}
	return slices.Clone(list)
}

func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
