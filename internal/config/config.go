// Package config holds Provery's configuration: one struct with documented
// defaults, filled from a YAML file, then the environment, then flags, and
// checked as a whole.
package config

import (
	"cmp"
	"log/slog"
	"path/filepath"
	"time"
)

// Config is the whole configuration. Its YAML keys, joined by dots, are the
// names that Set takes; the environment's names are the same in upper case,
// joined by underscores, after PROVERY_.
type Config struct {
	// Role is what this process does: RoleAll, RoleAPI or RoleWorker. Default
	// all. The others need an external engine, which joins them.
	Role string `yaml:"role"`
	// Listen is the address of the HTTP listener. Default 127.0.0.1:8080.
	// One that isn't loopback needs API keys. A worker has none.
	Listen string `yaml:"listen"`
	// AdminListen is the address of a listener for /healthz, /readyz and
	// /metrics alone, which need no API key there. Default none.
	AdminListen string `yaml:"admin_listen"`
	// AdminPprof serves Go's profiles of the process on AdminListen, below
	// /debug/pprof/. Default false.
	AdminPprof bool `yaml:"admin_pprof"`
	// DataDir holds everything that lasts. Load fills it in: by default
	// $XDG_DATA_HOME/provery, or ~/.local/share/provery.
	DataDir string `yaml:"data_dir"`
	// BlobDir holds the circuits, keys and large results. The processes of
	// one service share it. Default: blobs in DataDir.
	BlobDir string `yaml:"blob_dir"`
	// SealKey is the file of the keys that private arguments are sealed with.
	// The processes of one service have the same. Default: seal.key in DataDir.
	SealKey string `yaml:"seal_key"`
	// APIKeys are the keys that clients may use. Default none: the API is
	// open, which needs a loopback listener.
	APIKeys []APIKey `yaml:"api_keys"`
	// Origins are those whose pages may use the API from a browser, such as
	// https://app.example; "*" is all. Default none. They need APIKeys.
	Origins  []string `yaml:"origins"`
	Limits   Limits   `yaml:"limits"`
	Workers  Workers  `yaml:"workers"`
	Compiler Compiler `yaml:"compiler"`
	Engine   Engine   `yaml:"engine"`
	Store    Store    `yaml:"store"`
	Facades  Facades  `yaml:"facades"`
	Log      Log      `yaml:"log"`
	Webhooks Webhooks `yaml:"webhooks"`
	Tracing  Tracing  `yaml:"tracing"`
	// ResultTTL is how long a finished proof stays readable. Default 24h.
	ResultTTL time.Duration `yaml:"result_ttl"`
	// CacheBytes bounds the opened circuits and keys. Default 1GiB.
	CacheBytes Bytes `yaml:"cache_bytes"`
	// AllowInsecureSetup lets clients ask for insecure-dev keys. Unset, it
	// is allowed on a loopback listener only: ask InsecureSetupAllowed.
	AllowInsecureSetup *bool `yaml:"allow_insecure_setup"`
	// DrainTimeout bounds the wait for running work when the service stops.
	// Default 30s.
	DrainTimeout time.Duration `yaml:"drain_timeout"`
}

// The roles of a process.
const (
	RoleAll    = "all"
	RoleAPI    = "api"    // takes requests and runs no jobs
	RoleWorker = "worker" // runs jobs and takes no requests
)

// Roles lists the roles.
func Roles() []string { return []string{RoleAll, RoleAPI, RoleWorker} }

// BlobPath returns where the blobs are.
func (c *Config) BlobPath() string { return cmp.Or(c.BlobDir, filepath.Join(c.DataDir, "blobs")) }

// CompilerPath returns where the compilers are.
func (c *Config) CompilerPath() string {
	return cmp.Or(c.Compiler.Dir, filepath.Join(c.DataDir, "toolchain"))
}

// SealKeyPath returns where the sealing keys are.
func (c *Config) SealKeyPath() string {
	return cmp.Or(c.SealKey, filepath.Join(c.DataDir, "seal.key"))
}

// APIKey is one client's key, by its hash: GenerateKey makes both.
type APIKey struct {
	// Name identifies the caller in logs and job records.
	Name string `yaml:"name"`
	// SHA256 is the hash of the whole key in hex.
	SHA256 string `yaml:"sha256"`
	// Admin lets the key see and handle the jobs of all keys, and retry dead
	// letters. Default false: its own only.
	Admin bool `yaml:"admin"`
	// Weight is the key's share of the workers while others wait, too: one of
	// weight 2 gets twice the starts of one of weight 1. Default 1.
	Weight float64 `yaml:"weight"`
	// Rate and Burst replace those of the limits. Default 0: they don't.
	Rate  float64 `yaml:"rate"`
	Burst int     `yaml:"burst"`
	// WebhookSecrets sign the key's webhooks: whsec_ and 24 to 64 bytes in
	// base64. Several make several signatures, to change over from one to
	// another. Default none: the key can't have webhooks.
	WebhookSecrets []string `yaml:"webhook_secrets"`
}

// Limits bound what clients can make the service hold.
type Limits struct {
	// MaxBodyBytes bounds JSON bodies. Default 16MiB.
	MaxBodyBytes Bytes `yaml:"max_body_bytes"`
	// MaxBatchBytes bounds the body of a batch. Default 32MiB.
	MaxBatchBytes Bytes `yaml:"max_batch_bytes"`
	// MaxArgumentsBytes bounds the arguments of one proof. Default 8MiB.
	MaxArgumentsBytes Bytes `yaml:"max_arguments_bytes"`
	// MaxUploadBytes bounds each uploaded file. Default 4GiB.
	MaxUploadBytes Bytes `yaml:"max_upload_bytes"`
	// MaxUploads bounds the uploads and batches in progress. Default 4.
	MaxUploads int `yaml:"max_uploads"`
	// MaxQueueJobs bounds the waiting jobs. Default 10000.
	MaxQueueJobs int `yaml:"max_queue_jobs"`
	// MaxQueueBytes bounds the size of the waiting jobs. Default 1GiB.
	MaxQueueBytes Bytes `yaml:"max_queue_bytes"`
	// OwnerShare is the part of the queue, in jobs and in bytes, that one API
	// key may use; the rest is kept for others. Default 1: all of it.
	OwnerShare float64 `yaml:"owner_share"`
	// Rate is how many requests a second each API key may make, over time.
	// Default 0: as many as it likes.
	Rate float64 `yaml:"rate"`
	// Burst is how many it may make at once. Default 0: those of 10 s of Rate,
	// at least 1.
	Burst int `yaml:"burst"`
	// MaxWaiters bounds the requests that wait for something, and the open
	// streams. Default 1000.
	MaxWaiters int `yaml:"max_waiters"`
	// MaxWait bounds one wait. Default 2m.
	MaxWait time.Duration `yaml:"max_wait"`
}

// RateOf returns the requests a second that a key may make over time, 0 for any
// number, and how many at once.
func (l Limits) RateOf(k APIKey) (rate float64, burst int) {
	rate, burst = l.Rate, l.Burst
	if k.Rate > 0 {
		rate, burst = k.Rate, 0
	}
	if k.Burst > 0 {
		burst = k.Burst
	}
	if burst == 0 {
		burst = max(1, int(10*rate))
	}
	return rate, burst
}

// Workers are the proving resources of this process.
type Workers struct {
	// Slots is the greatest number of proofs at a time. Default 0: as many as
	// there are processors, or fewer if each has several Threads.
	Slots int `yaml:"slots"`
	// Threads is the number of threads for each proof. Default 0: all of them
	// for one proof while the queue is short, one for each proof while it is
	// long.
	Threads int `yaml:"threads"`
	// Memory is what the process may take, and what proofs are admitted by.
	// Default 0: GOMEMLIMIT, or nine tenths of the control group's limit or of
	// the machine's memory.
	Memory Bytes `yaml:"memory"`
}

// Engine is the job engine.
type Engine struct {
	// URL of a NATS server with JetStream; several are separated by commas.
	// Default "": the engine is embedded.
	URL string `yaml:"url"`
	// Credentials is the path of a NATS credentials file, a JWT with its key.
	// Default none.
	Credentials string `yaml:"credentials"`
	// NKey is the path of a file with a bare nkey seed, instead of
	// Credentials. Default none.
	NKey string `yaml:"nkey"`
	// TLS of the connection to the NATS server.
	TLS TLS `yaml:"tls"`
	// Replicas is how many servers of the cluster hold each record: 1, 3 or
	// 5. It is raised where it was less, and never lowered. Default 1.
	Replicas int `yaml:"replicas"`
	// Sync says when the embedded engine flushes to disk: "always", before
	// a job counts as accepted, or an interval such as "2s", which a power
	// failure may cost. Default always.
	Sync string `yaml:"sync"`
	// Lease is how long a worker may be silent before its jobs go to others.
	// All processes of a service should have the same. Default 30s.
	Lease time.Duration `yaml:"lease"`
}

// TLS names PEM files. They are read again at each connection.
type TLS struct {
	// CAFile holds certificates to trust instead of the system's.
	CAFile string `yaml:"ca_file"`
	// CertFile and KeyFile are what the server is shown.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
}

// SyncAlways is the Engine.Sync that loses nothing.
const SyncAlways = "always"

// SyncInterval returns the interval of e.Sync, 0 for SyncAlways. It must
// have passed Validate.
func (e Engine) SyncInterval() time.Duration {
	d, err := time.ParseDuration(e.Sync)
	if err != nil {
		return 0
	}
	return d
}

// Webhooks are requests that tell clients of the ends of their jobs.
type Webhooks struct {
	// Secrets sign the webhooks of an open API, as those of an API key do.
	Secrets []string `yaml:"secrets"`
	// AllowPrivate lets webhooks go to addresses that aren't public: to this
	// machine and its network. Default false.
	AllowPrivate bool `yaml:"allow_private"`
	// AllowHTTP lets them go unencrypted. Default false.
	AllowHTTP bool `yaml:"allow_http"`
	// Timeout bounds one delivery. Default 10s.
	Timeout time.Duration `yaml:"timeout"`
	// MaxAge is how long after the end a delivery is tried. Default 24h.
	MaxAge time.Duration `yaml:"max_age"`
}

// Tracing sends spans of requests and jobs to an OpenTelemetry collector, by
// OTLP over HTTP. What isn't set here comes from OpenTelemetry's standard
// variables (OTEL_…).
type Tracing struct {
	// Endpoint is the collector's address, such as http://collector:4318.
	// Default "": OTEL_EXPORTER_OTLP_ENDPOINT; without it nothing is recorded.
	Endpoint string `yaml:"endpoint"`
	// Ratio is the part of the traces that is recorded, above 0, at most 1;
	// where a client sends a trace of its own, that decides. Default 0: what
	// OTEL_TRACES_SAMPLER says, or all.
	Ratio float64 `yaml:"ratio"`
}

// The log formats.
const (
	FormatText = "text"
	FormatJSON = "json"
)

// Log is what the service says about itself, on standard error.
type Log struct {
	// Level is debug, info, warn or error. Default info.
	Level slog.Level `yaml:"level"`
	// Format is text or json. Default text.
	Format string `yaml:"format"`
}

// Default returns the defaults that don't depend on the environment: DataDir
// is empty.
func Default() Config {
	return Config{
		Role:   RoleAll,
		Listen: "127.0.0.1:8080",
		Limits: Limits{
			MaxBodyBytes:      16 << 20,
			MaxBatchBytes:     32 << 20,
			MaxArgumentsBytes: 8 << 20,
			MaxUploadBytes:    4 << 30,
			MaxUploads:        4,
			MaxQueueJobs:      10_000,
			MaxQueueBytes:     1 << 30,
			OwnerShare:        1,
			MaxWaiters:        1000,
			MaxWait:           2 * time.Minute,
		},
		Compiler:     defaultCompiler(),
		Engine:       Engine{Sync: SyncAlways, Replicas: 1, Lease: 30 * time.Second},
		Store:        defaultStore(),
		Webhooks:     Webhooks{Timeout: 10 * time.Second, MaxAge: 24 * time.Hour},
		Facades:      defaultFacades(),
		Log:          Log{Level: slog.LevelInfo, Format: FormatText},
		ResultTTL:    24 * time.Hour,
		CacheBytes:   1 << 30,
		DrainTimeout: 30 * time.Second,
	}
}
