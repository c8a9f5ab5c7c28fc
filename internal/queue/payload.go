package queue

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"provery/internal/fault"
	"provery/internal/store"
)

// Kinds of payload.
const (
	payloadArguments = "arguments"
	payloadResult    = "result"
)

// payloadHead is the first line of a payload's blob. It makes blobs of
// different jobs different, so that deleting one never takes another's.
func payloadHead(kind, id string) string { return fmt.Sprintf("provery %s 1 %s\n", kind, id) }

// keepPayload stores content of the job id: up to maxInline bytes in the
// record, more as a blob.
func (q *Queue) keepPayload(ctx context.Context, kind, id string, content []byte) (Payload, error) {
	p := Payload{Size: int64(len(content))}
	if len(content) <= maxInline {
		p.Inline = content
		return p, nil
	}
	head := payloadHead(kind, id)
	d, _, err := q.blobs.Put(ctx, io.MultiReader(bytes.NewReader([]byte(head)), bytes.NewReader(content)), int64(len(head)+len(content)))
	if err != nil {
		return Payload{}, fault.Wrap(err, fault.Internal, "keep %s", kind)
	}
	p.Blob = d
	return p, nil
}

// loadPayload returns the content of p.
func (q *Queue) loadPayload(ctx context.Context, kind, id string, p *Payload) ([]byte, error) {
	if p.Blob.IsZero() {
		return p.Inline, nil
	}
	b, err := q.blobs.Open(ctx, p.Blob)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "load %s", kind)
	}
	defer b.Close()
	content, ok := bytes.CutPrefix(b.Bytes(), []byte(payloadHead(kind, id)))
	if !ok || int64(len(content)) != p.Size {
		return nil, fault.New(fault.Internal, "load %s: the blob is not the job's", kind)
	}
	return bytes.Clone(content), nil
}

// Result returns the result that a succeeded job's worker handed in. NotFound
// where j has none, or where it was deleted meanwhile.
func (q *Queue) Result(ctx context.Context, j Job) ([]byte, error) {
	if j.Result == nil {
		return nil, fault.New(fault.NotFound, "the job has no result")
	}
	return q.loadPayload(ctx, payloadResult, j.ID, j.Result)
}

// erase deletes the blobs that a record gave up, and then forgets them.
// Whatever fails is done again by the sweeper.
func (q *Queue) erase(ctx context.Context, s snapshot) error {
	if len(s.Garbage) == 0 {
		return nil
	}
	if err := q.deleteBlobs(ctx, s.Garbage); err != nil {
		return err
	}
	_, err := q.update(ctx, s.ID, &s, erased{blobs: s.Garbage, now: q.cfg.Now()})
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

func (q *Queue) deleteBlobs(ctx context.Context, blobs []store.Digest) error {
	for _, d := range blobs {
		if err := q.blobs.Delete(ctx, d); err != nil {
			return fault.Wrap(err, fault.Internal, "erase payload")
		}
	}
	return nil
}
