package queue

import (
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"provery/internal/fault"
	"provery/internal/parallel"
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
	rev  uint64
	home *shard // where it is stored
}

// errSwapped says that somebody else changed the key meanwhile, or is about to:
// the leader of a cluster refuses a write also while another one of the same
// key is under way, which nobody can read yet.
var errSwapped = fault.New(fault.Conflict, "the record changed meanwhile")

// shards is how many buckets share the records of single jobs.
//
// A server syncs the writes of a bucket one after the other, and three of them
// make a job: a disk that takes half a millisecond for each would bound the
// service to some hundred jobs a second. It syncs several files in the same
// time, nearly, as one. The number is part of the layout: a record is found by
// the hash of its key.
const shards = 4

// bucket is where the records are: the first shard has the batches with their
// items, so that they can be written together, and the others the single jobs
// and the idempotency keys.
type bucket struct {
	js      jetstream.JetStream
	shards  [1 + shards]*shard
	timeout time.Duration        // of one read or write
	inBatch func(id string) bool // a hint for reading: the job is an item

	mu     sync.Mutex
	link   context.Context // done when the connection is lost
	cutOff context.CancelFunc
}

// shard is one key-value bucket, used through its stream: a key-value client
// can't set headers.
type shard struct {
	b      *bucket
	stream jetstream.Stream
	prefix string      // of the subjects of its keys
	mute   atomic.Bool // the last write got no answer; see Healthy
}

// of returns the shard of a key, which for the items of batches is the first
// instead.
func (b *bucket) of(key string) *shard {
	if strings.HasPrefix(key, batchKeys) {
		return b.shards[0]
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	return b.shards[1+h.Sum32()%shards]
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
	op, cancel := context.WithTimeout(ctx, b.timeout)
	stop := context.AfterFunc(link, cancel)
	return op, func() { stop(); cancel() }
}

// openBucket creates the shards or brings their settings up to date.
func openBucket(ctx context.Context, js jetstream.JetStream, name string, cfg *Config) (*bucket, error) {
	b := &bucket{js: js, timeout: cfg.opTimeout, inBatch: func(string) bool { return false }}
	b.connected()
	err := parallel.Each(ctx, len(b.shards), len(b.shards), func(i int) (err error) {
		b.shards[i], err = b.openShard(ctx, shardName(name, i), cfg.Replicas)
		return err
	})
	if err != nil {
		return nil, engineFault(ownTimeout(ctx, err), "open job records")
	}
	return b, nil
}

// shardName returns the name of a bucket's shard.
func shardName(bucket string, i int) string {
	if i == 0 {
		return bucket
	}
	return bucket + "-" + strconv.Itoa(i)
}

// openShard opens one shard. It has the layout of a key-value bucket, so that
// operators' tools can read it. One that has more replicas keeps them: one
// process with an old configuration must not make everybody's records less
// safe.
func (b *bucket) openShard(ctx context.Context, name string, replicas int) (*shard, error) {
	prefix := "$KV." + name + "."
	old, err := b.js.Stream(ctx, "KV_"+name)
	if err == nil {
		replicas = max(replicas, old.CachedInfo().Config.Replicas)
	} else if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, err
	}
	s, err := b.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
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
	return &shard{b: b, stream: s, prefix: prefix}, err
}

// put, get and remove are those of the key's shard.
func (b *bucket) put(ctx context.Context, key string, rev uint64, header nats.Header, data []byte, ttl time.Duration) (uint64, error) {
	return b.of(key).put(ctx, key, rev, header, data, ttl)
}

func (b *bucket) get(ctx context.Context, key string) ([]byte, uint64, error) {
	return b.of(key).get(ctx, key)
}

func (b *bucket) remove(ctx context.Context, key string, rev uint64) (uint64, error) {
	return b.of(key).remove(ctx, key, rev)
}

// put writes a key if its revision is still rev (0: absent), and returns the
// new revision. A ttl above 0 lets the key expire. errSwapped means that the
// revision was another one.
func (s *shard) put(ctx context.Context, key string, rev uint64, header nats.Header, data []byte, ttl time.Duration) (uint64, error) {
	opts := []jetstream.PublishOpt{jetstream.WithExpectLastSequencePerSubject(rev)}
	if ttl > 0 {
		opts = append(opts, jetstream.WithMsgTTL(ttl))
	}
	op, cancel := s.b.op(ctx)
	defer cancel()
	ack, err := s.b.js.PublishMsg(op, &nats.Msg{Subject: s.prefix + key, Header: header, Data: data}, opts...)
	if err = s.heard(ownTimeout(ctx, err)); err != nil {
		return 0, engineFault(err, "write record")
	}
	return ack.Sequence, nil
}

// get reads a key. NotFound covers deleted ones, whose marker's revision is
// returned: it is what a new value has to replace.
func (s *shard) get(ctx context.Context, key string) ([]byte, uint64, error) {
	op, cancel := s.b.op(ctx)
	defer cancel()
	m, err := s.stream.GetLastMsgForSubject(op, s.prefix+key)
	if err != nil {
		return nil, 0, engineFault(ownTimeout(ctx, err), "read record")
	}
	if m.Header.Get(opHeader) != "" {
		return nil, m.Sequence, fault.New(fault.NotFound, "no such record")
	}
	return m.Data, m.Sequence, nil
}

// remove replaces a key by a marker that goes away by itself.
func (s *shard) remove(ctx context.Context, key string, rev uint64) (uint64, error) {
	h := nats.Header{opHeader: {opPurge}, jetstream.MsgRollup: {jetstream.MsgRollupSubject}}
	return s.put(ctx, key, rev, h, nil, markerTTL)
}

// putJob writes a job's record, as put does.
func (s *shard) putJob(ctx context.Context, r *record, rev uint64) (uint64, error) {
	data, err := r.encode()
	if err != nil {
		return 0, err
	}
	m, err := json.Marshal(r.meta())
	if err != nil {
		return 0, fault.Wrap(err, fault.Internal, "encode job record")
	}
	return s.put(ctx, jobKeys+r.ID, rev, nats.Header{metaHeader: {string(m)}}, data, 0)
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
	homes := []*shard{b.of(jobKeys + id), b.shards[0]}
	if b.inBatch(id) {
		slices.Reverse(homes)
	}
	var gone snapshot
	for _, home := range homes {
		data, rev, err := home.get(ctx, jobKeys+id)
		if fault.Is(err, fault.NotFound) {
			gone.rev = max(gone.rev, rev)
			continue
		}
		if err != nil {
			return snapshot{}, err
		}
		r, err := decodeRecord(data)
		return snapshot{record: r, rev: rev, home: home}, err
	}
	return gone, fault.New(fault.NotFound, "no such job")
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
// fault, from the end of the caller's context. A lost connection cancels what is
// under way: where the caller's time is over too, that is what is told, since a
// canceled call isn't repeated.
func ownTimeout(ctx context.Context, err error) error {
	switch {
	case !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled):
		return err
	case ctx.Err() == nil:
		return nats.ErrTimeout
	}
	return ctx.Err()
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
