package config

import (
	"net/url"
	"slices"
	"strings"
)

// Store says where circuits, keys and large results live.
type Store struct {
	// CacheDir holds copies of S3's blobs; each process should have its own.
	// Default "": cache in the data directory.
	CacheDir string `yaml:"cache_dir"`
	// CacheBytes bounds the copies. It must hold every key that is in use at
	// a time. Default 20GiB.
	CacheBytes Bytes `yaml:"cache_bytes"`
	S3         S3    `yaml:"s3"`
}

// S3 is a bucket on a server that speaks Amazon's S3 protocol.
type S3 struct {
	// Bucket must exist. Default "": blobs are files in the data directory.
	Bucket string `yaml:"bucket"`
	// Endpoint is the server's URL. Default "": Amazon's own, of Region.
	Endpoint string `yaml:"endpoint"`
	// Region of the bucket. Default "": the server is asked.
	Region string `yaml:"region"`
	// Prefix starts the names of all objects; it ends in "/". Default none.
	Prefix string `yaml:"prefix"`
	// CredentialsFile is in the format of ~/.aws/credentials. Default "":
	// the environment (AWS_…), the default files, or the identity that the
	// cloud gives to this machine or pod.
	CredentialsFile string `yaml:"credentials_file"`
	// Profile is the section of that file. Default AWS_PROFILE, or default.
	Profile string `yaml:"profile"`
	// CAFile holds PEM certificates to trust instead of the system's.
	// Default none.
	CAFile string `yaml:"ca_file"`
	// Encryption at rest to ask for: none (the bucket's own default), aes256
	// or kms. Default none.
	Encryption string `yaml:"encryption"`
	// KMSKey is the key's id, for kms.
	KMSKey string `yaml:"kms_key"`
	// RequestChecksum is crc32c to send that beside the signed SHA-256, or
	// none: some servers refuse it. Default none.
	RequestChecksum string `yaml:"request_checksum"`
	// PartSize is the size of an upload's parts. Default 64MiB.
	PartSize Bytes `yaml:"part_size"`
}

func defaultStore() Store {
	return Store{CacheBytes: 20 << 30, S3: S3{Encryption: "none", RequestChecksum: "none", PartSize: 64 << 20}}
}

func (v *validator) store(s Store) {
	b := s.S3
	v.check(s.CacheBytes >= 1<<20, "store.cache_bytes: at least 1MiB")
	v.check(slices.Contains([]string{"none", "aes256", "kms"}, b.Encryption), "store.s3.encryption: none, aes256 or kms")
	v.check((b.Encryption == "kms") == (b.KMSKey != ""), "store.s3.kms_key: goes with encryption kms, and only with it")
	v.check(b.RequestChecksum == "none" || b.RequestChecksum == "crc32c", "store.s3.request_checksum: none or crc32c")
	v.check(b.PartSize >= 5<<20 && b.PartSize <= 5<<30, "store.s3.part_size: between 5MiB and 5GiB")
	v.check(b.Prefix == "" || strings.HasSuffix(b.Prefix, "/") && b.Prefix[0] != '/', "store.s3.prefix: must end in / and not begin with one")
	if b.Endpoint != "" {
		u, err := url.Parse(b.Endpoint)
		ok := err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil && strings.Trim(u.Path, "/") == ""
		v.check(ok, "store.s3.endpoint: want https://host:port")
	}
	v.check(b.Bucket != "" || b.Endpoint == "", "store.s3.bucket: not set, but there is an endpoint")
}
