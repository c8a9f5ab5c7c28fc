package queue

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"provery/internal/fault"
)

// Headers of the engine's atomic batches, which the client library has no
// names for.
const (
	batchIDHeader     = "Nats-Batch-Id"
	batchSeqHeader    = "Nats-Batch-Sequence"
	batchCommitHeader = "Nats-Batch-Commit"
)

// Bounds of one atomic write. The server's own default is 1,000 messages.
const (
	maxAtomic      = 1000
	maxAtomicBytes = 8 << 20
)

// write is one key of an atomic write; it must not exist.
type write struct {
	key    string
	header nats.Header
	data   []byte
}

// jobWrite returns the write of a new job's record.
func jobWrite(r *record) (write, error) {
	data, err := r.encode()
	if err != nil {
		return write{}, err
	}
	return newWrite(jobKeys+r.ID, r.meta(), data)
}

func newWrite(key string, meta any, data []byte) (write, error) {
	m, err := json.Marshal(meta)
	if err != nil {
		return write{}, fault.Wrap(err, fault.Internal, "encode record")
	}
	return write{key: key, header: nats.Header{metaHeader: {string(m)}}, data: data}, nil
}

// putAll writes new keys of a batch, all or none, and returns when they are on
// disk: the engine syncs once for all of them. errSwapped means that one was
// there. The headers are modified.
func (b *bucket) putAll(ctx context.Context, writes []write) error {
	op, cancel := b.op(ctx)
	defer cancel()
	id := rand.Text()
	for i, w := range writes {
		w.header.Set(batchIDHeader, id)
		w.header.Set(batchSeqHeader, strconv.Itoa(i+1))
		w.header.Set(jetstream.ExpectedLastSubjSeqHeader, "0")
		m := &nats.Msg{Subject: b.shards[0].prefix + w.key, Header: w.header, Data: w.data}
		if i < len(writes)-1 {
			if err := b.js.Conn().PublishMsg(m); err != nil {
				return engineFault(err, "write records")
			}
			continue
		}
		w.header.Set(batchCommitHeader, "1")
		answer, err := b.js.Conn().RequestMsgWithContext(op, m)
		if err = b.shards[0].heard(ownTimeout(ctx, err)); err != nil {
			return engineFault(err, "write records")
		}
		return commitFault(answer.Data)
	}
	return nil
}

// commitFault reads the answer to a commit.
func commitFault(data []byte) error {
	var ack struct {
		Error *jetstream.APIError `json:"error"`
		Seq   uint64              `json:"seq"`
	}
	if err := json.Unmarshal(data, &ack); err != nil {
		return fault.Wrap(err, fault.Internal, "write records")
	}
	if ack.Error != nil {
		return engineFault(ack.Error, "write records")
	}
	return nil
}

// chunks cuts writes into parts that fit into one atomic write each.
func chunks(writes []write) [][]write {
	var out [][]write
	start, size := 0, 0
	for i, w := range writes {
		if i > start && (i-start == maxAtomic || size+len(w.data) > maxAtomicBytes) {
			out, start, size = append(out, writes[start:i]), i, 0
		}
		size += len(w.data)
	}
	return append(out, writes[start:])
}
