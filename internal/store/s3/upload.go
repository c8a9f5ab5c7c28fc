package s3

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"io"
	"net/http"
	"strings"

	"github.com/minio/minio-go/v7"

	"provery/internal/fault"
	"provery/internal/parallel"
	"provery/internal/store"
)

const (
	crcHeader          = "X-Amz-Checksum-Crc32c"
	crcAlgorithmHeader = "X-Amz-Checksum-Algorithm"
)

// part is what is known of the bytes of one request.
type part struct {
	sha string // hex; signed with the request, so that the server checks it
	crc string // base64; "" where none is sent
}

// name returns the object's name.
func (b *Bucket) name(d store.Digest) string { return b.cfg.Prefix + "sha256/" + d.Hex() }

// Upload stores size bytes of content as the blob d; the caller answers for d.
// When it returns without an error the object is complete and has that size.
// Content that is there already is replaced, which mends a damaged object.
func (b *Bucket) Upload(ctx context.Context, d store.Digest, content io.ReaderAt, size int64) error {
	var err error
	if size <= b.cfg.PartSize {
		err = b.uploadWhole(ctx, d, content, size)
	} else {
		err = b.uploadParts(ctx, d, content, size)
	}
	if err == nil {
		err = b.checkSize(ctx, d, size)
	}
	return remoteFault(err, "upload blob "+d.String())
}

// checkSize asks the server for what it has.
func (b *Bucket) checkSize(ctx context.Context, d store.Digest, size int64) error {
	info, err := b.Stat(ctx, d)
	if err == nil && info.Size != size {
		return fault.New(fault.Internal, "the server has %d bytes of %d", info.Size, size)
	}
	return err
}

func (b *Bucket) uploadWhole(ctx context.Context, d store.Digest, content io.ReaderAt, size int64) error {
	p, err := b.sums(content, 0, size)
	if err != nil {
		return err
	}
	return b.putObject(ctx, b.name(d), io.NewSectionReader(content, 0, size), size, p)
}

// sums hashes the bytes of one request.
func (b *Bucket) sums(content io.ReaderAt, off, size int64) (part, error) {
	sha, crc := sha256.New(), crc32.New(crc32.MakeTable(crc32.Castagnoli))
	w := io.Writer(sha)
	if b.cfg.RequestChecksum == ChecksumCRC32C {
		w = io.MultiWriter(sha, crc)
	}
	if _, err := io.Copy(w, io.NewSectionReader(content, off, size)); err != nil {
		return part{}, fault.Wrap(err, fault.Internal, "read content")
	}
	p := part{sha: hex.EncodeToString(sha.Sum(nil))}
	if b.cfg.RequestChecksum == ChecksumCRC32C {
		p.crc = base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc.Sum32()))
	}
	return p, nil
}

func (b *Bucket) putOptions() minio.PutObjectOptions {
	return minio.PutObjectOptions{
		ContentType: "application/octet-stream", ServerSideEncryption: b.sse,
		DisableContentSha256: true, // ours is given instead of one for each chunk
	}
}

func (b *Bucket) putObject(ctx context.Context, name string, r io.Reader, size int64, p part) error {
	opts := b.putOptions()
	if p.crc != "" {
		opts.UserMetadata = map[string]string{crcHeader: p.crc}
	}
	_, err := b.core.PutObject(ctx, b.cfg.Bucket, name, r, size, "", p.sha, opts)
	return err
}

// uploadParts uploads in parts. If another process completes or removes the
// same upload meanwhile, its object counts if it is whole; else it starts
// again, once.
func (b *Bucket) uploadParts(ctx context.Context, d store.Digest, content io.ReaderAt, size int64) error {
	err := b.tryParts(ctx, d, content, size)
	if !gone(err) {
		return err
	}
	if b.checkSize(ctx, d, size) == nil {
		return nil
	}
	return b.tryParts(ctx, d, content, size)
}

func (b *Bucket) tryParts(ctx context.Context, d store.Digest, content io.ReaderAt, size int64) error {
	id, done, err := b.resume(ctx, d)
	if err != nil {
		return err
	}
	if id == "" {
		opts := b.putOptions()
		if b.cfg.RequestChecksum == ChecksumCRC32C {
			opts.UserMetadata = map[string]string{crcAlgorithmHeader: "CRC32C"}
		}
		if id, err = b.core.NewMultipartUpload(ctx, b.cfg.Bucket, b.name(d), opts); err != nil {
			return err
		}
	}
	partSize := max(b.cfg.PartSize, (size+maxParts-1)/maxParts)
	parts := make([]minio.CompletePart, (size+partSize-1)/partSize)
	err = parallel.Each(ctx, b.cfg.Parallel, len(parts), func(i int) (err error) {
		off := int64(i) * partSize
		section := io.NewSectionReader(content, off, min(partSize, size-off))
		parts[i], err = b.uploadPart(ctx, partOf{b.name(d), id, i + 1}, section, done[i+1])
		return err
	})
	if err != nil {
		return err
	}
	_, err = b.core.CompleteMultipartUpload(ctx, b.cfg.Bucket, b.name(d), id, parts, minio.PutObjectOptions{ServerSideEncryption: b.sse})
	return err
}

// partOf names one part of an upload.
type partOf struct {
	name, id string
	number   int
}

// uploadPart uploads one part, unless there is proof that the server has
// those very bytes from an earlier attempt.
func (b *Bucket) uploadPart(ctx context.Context, u partOf, r *io.SectionReader, have minio.ObjectPart) (minio.CompletePart, error) {
	p, err := b.sums(r, 0, r.Size())
	if err != nil {
		return minio.CompletePart{}, err
	}
	if have.Size == r.Size() {
		same, err := sameBytes(have, p, r)
		if err != nil {
			return minio.CompletePart{}, err
		}
		if same {
			return minio.CompletePart{PartNumber: u.number, ETag: have.ETag, ChecksumCRC32C: have.ChecksumCRC32C}, nil
		}
	}
	opts := minio.PutObjectPartOptions{Sha256Hex: p.sha, DisableContentSha256: true, CustomHeader: http.Header{}}
	if p.crc != "" {
		opts.CustomHeader.Set(crcHeader, p.crc)
	}
	sent, err := b.core.PutObjectPart(ctx, b.cfg.Bucket, u.name, u.id, u.number, io.NewSectionReader(r, 0, r.Size()), r.Size(), opts)
	return minio.CompletePart{PartNumber: u.number, ETag: sent.ETag, ChecksumCRC32C: p.crc}, err
}

// sameBytes compares a part on the server with the bytes to send, by the
// part's ETag, which is an MD5 unless a KMS key encrypts.
func sameBytes(have minio.ObjectPart, p part, r *io.SectionReader) (bool, error) {
	if p.crc != "" && have.ChecksumCRC32C != p.crc {
		return false, nil
	}
	sum := md5.New()
	if _, err := io.Copy(sum, io.NewSectionReader(r, 0, r.Size())); err != nil {
		return false, fault.Wrap(err, fault.Internal, "read content")
	}
	return strings.Trim(have.ETag, `"`) == hex.EncodeToString(sum.Sum(nil)), nil
}

// resume finds the newest unfinished upload of the blob and its parts by
// number; "" if there is none, or if the server can't list them.
func (b *Bucket) resume(ctx context.Context, d store.Digest) (string, map[int]minio.ObjectPart, error) {
	name := b.name(d)
	list, err := b.core.ListMultipartUploads(ctx, b.cfg.Bucket, name, "", "", "", 1000)
	if err != nil {
		if ctx.Err() != nil {
			return "", nil, ctx.Err()
		}
		return "", nil, nil // a server that can't tell gets everything again
	}
	var newest minio.ObjectMultipartInfo
	for _, u := range list.Uploads {
		if u.Key == name && (newest.UploadID == "" || u.Initiated.After(newest.Initiated)) {
			newest = u
		}
	}
	if newest.UploadID == "" {
		return "", nil, nil
	}
	done := map[int]minio.ObjectPart{}
	for marker := 0; ; {
		page, err := b.core.ListObjectParts(ctx, b.cfg.Bucket, name, newest.UploadID, marker, 1000)
		if gone(err) {
			return "", nil, nil
		}
		if err != nil {
			return "", nil, err
		}
		for _, p := range page.ObjectParts {
			done[p.PartNumber] = p
		}
		if !page.IsTruncated || page.NextPartNumberMarker <= marker {
			return newest.UploadID, done, nil
		}
		marker = page.NextPartNumberMarker
	}
}
