// Package s3 keeps blobs as objects of a bucket on any server that speaks
// Amazon's S3 protocol. It moves whole blobs and knows no local files: package
// cached puts a disk in front of it and makes it a store.Blobs.
//
// Layout: one object for each blob, named prefix + "sha256/" + 64 hex digits.
// An object becomes visible when it is complete. Uploads of more than one part
// that were interrupted stay on the server, invisible, and go on where they
// stopped when the same content is put again; a life-cycle rule of the bucket
// should remove those that nobody resumes.
package s3

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/encrypt"

	"provery/internal/fault"
)

// The kinds of encryption at rest that a bucket can be asked for.
const (
	EncryptNone = "none" // whatever the bucket's own default is
	EncryptAES  = "aes256"
	EncryptKMS  = "kms"
)

// The checks that travel with requests beside the signed SHA-256.
const (
	ChecksumNone   = "none"
	ChecksumCRC32C = "crc32c"
)

// MinPartSize is the smallest part that the protocol allows.
const MinPartSize = 5 << 20

// maxParts is the protocol's limit on the parts of one object.
const maxParts = 10_000

// Config says where the bucket is.
type Config struct {
	// Endpoint is the server's URL, http:// or https://, without a path.
	// "" is Amazon's own, of Region.
	Endpoint string
	Bucket   string
	// Prefix starts the names of all objects. "" or ending in "/".
	Prefix string
	// Region of the bucket. "" asks the server.
	Region string
	// CredentialsFile is a file in the format of ~/.aws/credentials, read
	// anew when its keys expire. "" looks in the environment (AWS_…), the
	// default files, and at the identity that a cloud gives to machines and
	// pods, in this order.
	CredentialsFile string
	// Profile is the section of the file. "" is AWS_PROFILE, or default.
	Profile string
	// CAFile holds PEM certificates to trust instead of the system's.
	CAFile string

	// Encryption is one of the Encrypt constants, and KMSKey the key's id for
	// EncryptKMS. "" is EncryptNone.
	Encryption string
	KMSKey     string
	// RequestChecksum is one of the Checksum constants. Servers that don't
	// know the header refuse it. "" is ChecksumNone.
	RequestChecksum string

	// PartSize is the size of parts, at least MinPartSize; an object that
	// fits in one goes in one request. Default: 64 MiB.
	PartSize int64
	// Parallel is how many parts of one object are under way at a time.
	// Default: 4.
	Parallel int
	// Attempts is how often a request is tried. Default: 5.
	Attempts int
}

func (c Config) withDefaults() (Config, error) {
	if c.PartSize == 0 {
		c.PartSize = 64 << 20
	}
	if c.Parallel == 0 {
		c.Parallel = 4
	}
	if c.Attempts == 0 {
		c.Attempts = 5
	}
	switch {
	case c.Bucket == "":
		return c, fault.New(fault.InvalidRequest, "open bucket: no bucket is named")
	case c.Prefix != "" && !strings.HasSuffix(c.Prefix, "/"):
		return c, fault.New(fault.InvalidRequest, "open bucket: the prefix must end in /")
	case c.PartSize < MinPartSize || c.Parallel < 1 || c.Attempts < 1:
		return c, fault.New(fault.InvalidRequest, "open bucket: part size below 5MiB, or nothing to work with")
	}
	return c, nil
}

// Bucket is an open bucket. Its methods may be called concurrently, also by
// several processes. Errors are *fault.Error: NotFound for an absent blob,
// Overloaded where the server can't be reached or refuses the credentials
// (both heal without a restart), Canceled and DeadlineExceeded when ctx ends,
// Internal otherwise.
type Bucket struct {
	cfg       Config
	core      minio.Core
	sse       encrypt.ServerSide // nil: none is asked for
	transport *http.Transport
	silence   time.Duration // how long an answer may pause; see headerTimeout
}

// Open connects to the bucket and looks whether it can be written to. Errors:
// InvalidRequest for a config that can't work: contradictory, no credentials,
// no such bucket, refused access; Overloaded where the server can't be
// reached.
func Open(ctx context.Context, cfg Config) (*Bucket, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	b := &Bucket{cfg: cfg, silence: headerTimeout}
	if b.sse, err = encryption(cfg); err != nil {
		return nil, err
	}
	host, secure, err := endpoint(cfg)
	if err != nil {
		return nil, err
	}
	if b.transport, err = transport(cfg.CAFile, secure); err != nil {
		return nil, err
	}
	creds, err := credentialsOf(ctx, cfg, b.transport)
	if err != nil {
		return nil, err
	}
	core, err := minio.NewCore(host, &minio.Options{
		Creds: creds, Secure: secure, Region: cfg.Region, Transport: b.transport, MaxRetries: cfg.Attempts,
	})
	if err != nil {
		return nil, &fault.Error{Code: fault.InvalidRequest, Detail: "open bucket: " + err.Error(), Err: err}
	}
	b.core = *core
	if err := b.probe(ctx); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// encryption returns the header set that asks for encryption.
func encryption(cfg Config) (encrypt.ServerSide, error) {
	if cfg.KMSKey != "" && cfg.Encryption != EncryptKMS {
		return nil, fault.New(fault.InvalidRequest, "open bucket: a KMS key is of use with encryption kms only")
	}
	switch cfg.Encryption {
	case EncryptNone, "":
		return nil, nil
	case EncryptAES:
		return encrypt.NewSSE(), nil
	case EncryptKMS:
		sse, err := encrypt.NewSSEKMS(cfg.KMSKey, nil)
		return sse, fault.Wrap(err, fault.InvalidRequest, "open bucket: KMS key")
	}
	return nil, fault.New(fault.InvalidRequest, "open bucket: encryption is none, aes256 or kms")
}

// endpoint returns the host that the config names, and whether TLS is spoken.
func endpoint(cfg Config) (host string, secure bool, err error) {
	if cfg.Endpoint == "" {
		if cfg.Region == "" || cfg.Region == "us-east-1" {
			return "s3.amazonaws.com", true, nil
		}
		return "s3." + cfg.Region + ".amazonaws.com", true, nil
	}
	u, err := url.Parse(cfg.Endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || strings.Trim(u.Path, "/") != "" {
		return "", false, fault.New(fault.InvalidRequest, "open bucket: the endpoint must be http://host:port or https://host:port")
	}
	return u.Host, u.Scheme == "https", nil
}

// How long a server may stay silent before a request counts as failed and is
// tried again, and how long a connection is kept for the next one.
const (
	headerTimeout = 60 * time.Second
	idleTimeout   = 60 * time.Second
)

func transport(caFile string, secure bool) (*http.Transport, error) {
	t, err := minio.DefaultTransport(secure)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "open bucket: prepare transport")
	}
	t.ResponseHeaderTimeout, t.IdleConnTimeout = headerTimeout, idleTimeout
	if caFile == "" {
		return t, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, &fault.Error{Code: fault.InvalidRequest, Detail: "open bucket: the CA file can't be read", Err: err}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fault.New(fault.InvalidRequest, "open bucket: the CA file holds no certificate")
	}
	if t.TLSClientConfig == nil {
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	t.TLSClientConfig.RootCAs = pool
	return t, nil
}

// probe writes and removes an object, which finds a bucket that is missing or
// read-only before the first upload does.
func (b *Bucket) probe(ctx context.Context) error {
	name := b.cfg.Prefix + "probe/" + strings.ToLower(rand.Text())
	err := b.putObject(ctx, name, strings.NewReader("provery"), 7, part{})
	if err == nil {
		err = b.core.RemoveObject(ctx, b.cfg.Bucket, name, minio.RemoveObjectOptions{})
	}
	return probeFault(err)
}

// Healthy asks the server whether the bucket is there. It returns nil, or
// Overloaded with the reason.
func (b *Bucket) Healthy(ctx context.Context) error {
	ok, err := b.core.BucketExists(ctx, b.cfg.Bucket)
	if err == nil && !ok {
		return fault.New(fault.Overloaded, "blob store: the bucket doesn't exist")
	}
	return remoteFault(err, "blob store")
}

// Close lets go of idle connections. Calls under way go on.
func (b *Bucket) Close() { b.transport.CloseIdleConnections() }
