package queue

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"provery/internal/fault"
)

const (
	metaHeader  = "Provery-Meta" // meta as JSON
	opHeader    = "KV-Operation" // set by key-value clients on markers
	opPurge     = "PURGE"
	jobKeys     = "j."
	idemKeys    = "i."
	batchKeys   = "b."
	maxRecord   = 900 << 10 // bytes; the engine's messages end at 1 MiB
	maxInline   = 64 << 10  // bytes of a payload kept in the record
	maxDetail   = 4 << 10   // bytes of an error's text
	markerTTL   = time.Hour // how long a deleted job's marker stays
	callTimeout = 10 * time.Second
	opTimeout   = 3 * time.Second // of one read or write of a record
)

// snapshot is a record as it was at a revision.
type snapshot struct {
	record
	rev uint64
}

// errSwapped says that somebody else changed the key meanwhile, or is about to:
// the leader of a cluster refuses a write also while another one of the same
// key is under way, which nobody can read yet.
var errSwapped = fault.New(fault.Conflict, "the record changed meanwhile")

// bucket is the key-value bucket of the records, used through its stream: a
// key-value client can't set headers.
type bucket struct {
	js     jetstream.JetStream
	stream jetstream.Stream
	prefix string // of the subjects of its keys

	mu     sync.Mutex
	link   context.Context // done when the connection is lost
	cutOff context.CancelFunc
}

// connected begins a new connection.
func (b *bucket) connected() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.link, b.cutOff = context.WithCancel(context.Background())
}

// disconnected ends the waits for answers that won't come.
func (b *bucket) disconnected() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cutOff()
}

// op returns the context of one read or write: it is bounded in time, and ends
// with the connection.
func (b *bucket) op(ctx context.Context) (context.Context, context.CancelFunc) {
	b.mu.Lock()
	link := b.link
	b.mu.Unlock()
	op, cancel := context.WithTimeout(ctx, opTimeout)
	stop := context.AfterFunc(link, cancel)
	return op, func() { stop(); cancel() }
}

// openBucket creates the bucket or brings its settings up to date. It has the
// layout of a key-value bucket, so that operators' tools can read it. A bucket
// that has more replicas keeps them: one process with an old configuration
// must not make everybody's records less safe.
func openBucket(ctx context.Context, js jetstream.JetStream, name string, replicas int) (*bucket, error) {
	prefix := "$KV." + name + "."
	old, err := js.Stream(ctx, "KV_"+name)
	if err == nil {
		replicas = max(replicas, old.CachedInfo().Config.Replicas)
	} else if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, engineFault(ownTimeout(ctx, err), "open job records")
	}
	s, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:              "KV_" + name,
		Description:       "job records of Provery",
		Subjects:          []string{prefix + ">"},
		Storage:           jetstream.FileStorage,
		Replicas:          replicas,
		MaxMsgsPerSubject: 1,
		Discard:           jetstream.DiscardNew,
		AllowRollup:       true,
		DenyDelete:        true,
		AllowMsgTTL:       true,
		// A batch is accepted as a whole, with one sync for many records.
		AllowAtomicPublish: true,
		// A replica that lags may answer a direct get with an old revision.
		AllowDirect: replicas == 1,
	})
	if err != nil {
		return nil, engineFault(ownTimeout(ctx, err), "open job records")
	}
	b := &bucket{js: js, stream: s, prefix: prefix}
	b.connected()
	return b, nil
}

// put writes a key if its revision is still rev (0: absent), and returns the
// new revision. A ttl above 0 lets the key expire. errSwapped means that the
// revision was another one.
func (b *bucket) put(ctx context.Context, key string, rev uint64, header nats.Header, data []byte, ttl time.Duration) (uint64, error) {
	opts := []jetstream.PublishOpt{jetstream.WithExpectLastSequencePerSubject(rev)}
	if ttl > 0 {
		opts = append(opts, jetstream.WithMsgTTL(ttl))
	}
	op, cancel := b.op(ctx)
	defer cancel()
	ack, err := b.js.PublishMsg(op, &nats.Msg{Subject: b.prefix + key, Header: header, Data: data}, opts...)
	if err != nil {
		return 0, engineFault(ownTimeout(ctx, err), "write record")
	}
	return ack.Sequence, nil
}

// get reads a key. NotFound covers deleted ones, whose marker's revision is
// returned: it is what a new value has to replace.
func (b *bucket) get(ctx context.Context, key string) ([]byte, uint64, error) {
	op, cancel := b.op(ctx)
	defer cancel()
	m, err := b.stream.GetLastMsgForSubject(op, b.prefix+key)
	if err != nil {
		return nil, 0, engineFault(ownTimeout(ctx, err), "read record")
	}
	if m.Header.Get(opHeader) != "" {
		return nil, m.Sequence, fault.New(fault.NotFound, "no such record")
	}
	return m.Data, m.Sequence, nil
}

// remove replaces a key by a marker that goes away by itself.
func (b *bucket) remove(ctx context.Context, key string, rev uint64) (uint64, error) {
	h := nats.Header{opHeader: {opPurge}, jetstream.MsgRollup: {jetstream.MsgRollupSubject}}
	return b.put(ctx, key, rev, h, nil, markerTTL)
}

// putJob writes a job's record, as put does.
func (b *bucket) putJob(ctx context.Context, r *record, rev uint64) (uint64, error) {
	data, err := r.encode()
	if err != nil {
		return 0, err
	}
	m, err := json.Marshal(r.meta())
	if err != nil {
		return 0, fault.Wrap(err, fault.Internal, "encode job record")
	}
	return b.put(ctx, jobKeys+r.ID, rev, nats.Header{metaHeader: {string(m)}}, data, 0)
}

// swapPause waits, after the nth refusal of a write in a row, until what it lost
// against can be read. It reports whether ctx allows another try.
func swapPause(ctx context.Context, n int) bool {
	if n == 0 {
		return ctx.Err() == nil
	}
	return pause(ctx, time.Millisecond<<min(n-1, 6))
}

// getJob reads a job's record. With NotFound the snapshot's revision is that of
// the marker, 0 if there was none: the record may still be about to be written.
func (b *bucket) getJob(ctx context.Context, id string) (snapshot, error) {
	if err := CheckID(id); err != nil {
		return snapshot{}, err
	}
	data, rev, err := b.get(ctx, jobKeys+id)
	if fault.Is(err, fault.NotFound) {
		return snapshot{rev: rev}, fault.New(fault.NotFound, "no such job")
	}
	if err != nil {
		return snapshot{}, err
	}
	r, err := decodeRecord(data)
	return snapshot{record: r, rev: rev}, err
}

// engineFault classifies an error of the engine. Its text stays in the cause.
func engineFault(err error, doing string) error {
	var api *jetstream.APIError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(err, fault.CodeOf(err), "%s", doing)
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return &fault.Error{Code: fault.NotFound, Detail: doing + ": not found", Err: err}
	case errors.As(err, &api):
		return apiFault(api, err, doing)
	case engineAway(err):
		return &fault.Error{Code: fault.Overloaded, Detail: doing + ": the job engine does not answer", RetryAfter: engineRetry, Err: err}
	}
	return fault.Wrap(err, fault.Internal, "%s", doing)
}

// ownTimeout tells time-outs and lost connections, which are the engine's
// fault, from the end of the caller's context.
func ownTimeout(ctx context.Context, err error) error {
	ended := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
	if ended && ctx.Err() == nil {
		return nats.ErrTimeout
	}
	return err
}

// engineRetry is when to come back while the engine is away.
const engineRetry = 2 * time.Second

func engineAway(err error) bool {
	for _, e := range []error{
		nats.ErrTimeout, nats.ErrNoResponders, nats.ErrConnectionClosed, nats.ErrDisconnected, nats.ErrConnectionDraining,
		nats.ErrReconnectBufExceeded, jetstream.ErrNoStreamResponse, jetstream.ErrJetStreamNotEnabled,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// Error codes of the server that the client library has no names for.
const (
	codeNoPeers               = 10005
	codeUnavailable           = 10008
	codeNotLeader             = 10009
	codeInsufficientResources = 10023
	codeStorageExceeded       = 10047
	codeStoreFailed           = 10077
	codeStreamOffline         = 10118
	codeBatchIncomplete       = 10176
	codeBatchesInFlight       = 10210
)

func apiFault(api *jetstream.APIError, err error, doing string) error {
	switch api.ErrorCode {
	case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant:
		return errSwapped
	case jetstream.JSErrCodeJetStreamNotEnabled, codeNoPeers, codeUnavailable, codeNotLeader, codeStreamOffline, codeBatchIncomplete, codeBatchesInFlight:
		return &fault.Error{Code: fault.Overloaded, Detail: doing + ": the job engine does not answer", RetryAfter: engineRetry, Err: err}
	case codeInsufficientResources, codeStorageExceeded:
		return &fault.Error{Code: fault.InsufficientStorage, Detail: doing + ": the job engine's storage is full", Err: err}
	case codeStoreFailed:
		if strings.Contains(api.Description, "exceeded") { // a limit of the stream
			return &fault.Error{Code: fault.Overloaded, Detail: doing + ": the queue is full", RetryAfter: engineRetry, Err: err}
		}
		if strings.Contains(api.Description, "no space left") {
			return &fault.Error{Code: fault.InsufficientStorage, Detail: doing + ": the job engine's disk is full", Err: err}
		}
	}
	return fault.Wrap(err, fault.Internal, "%s", doing)
}
