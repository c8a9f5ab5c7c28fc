package config

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"provery/internal/webhook"
)

var keyName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// ValidKeyName reports whether an API key may be called name.
func ValidKeyName(name string) bool { return keyName.MatchString(name) }

// maxRate bounds what may be set as requests a second.
const maxRate = 1_000_000

// Validate checks c as a whole and reports every error at once.
func (c *Config) Validate() error {
	v := &validator{}
	v.role(c)
	v.listener(c)
	v.keys(c.APIKeys)
	v.origins(c)
	v.limits(c.Limits)
	v.webhooks(c.Webhooks)
	v.compiler(c.Compiler)
	v.engine(c.Engine)
	v.store(c.Store)
	v.facades(c.Facades)
	v.tracing(c.Tracing)
	v.check(c.DataDir != "", "data_dir: not set, and neither XDG_DATA_HOME nor HOME says where it should be")
	v.check(c.Workers.Slots >= 0, "workers.slots: at least 1, or 0 for one on each processor")
	v.check(c.Workers.Threads >= 0, "workers.threads: at least 1, or 0 to share them by what waits")
	v.check(c.Workers.Memory == 0 || c.Workers.Memory >= 1<<20, "workers.memory: at least 1MiB, or 0 to find it out")
	v.check(c.ResultTTL >= time.Minute, "result_ttl: at least 1m")
	v.check(c.CacheBytes >= 0, "cache_bytes: at least 0")
	v.check(c.DrainTimeout >= 0, "drain_timeout: at least 0")
	v.check(c.Log.Format == FormatText || c.Log.Format == FormatJSON, "log.format: text or json")
	return together("configuration", v.errs)
}

// Open reports whether the API is open: no API keys are configured.
func (c *Config) Open() bool { return len(c.APIKeys) == 0 }

// InsecureSetupAllowed reports whether clients may ask for insecure-dev keys.
func (c *Config) InsecureSetupAllowed() bool {
	if c.AllowInsecureSetup != nil {
		return *c.AllowInsecureSetup
	}
	return Loopback(c.Listen)
}

// Loopback reports whether a listener on addr, "host:port", can be reached
// from this machine only. It resolves no names: of them only localhost is
// loopback, and the empty host, which is every interface, is not.
func Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

type validator struct{ errs []string }

func (v *validator) check(ok bool, format string, args ...any) {
	if !ok {
		v.errs = append(v.errs, fmt.Sprintf(format, args...))
	}
}

func (v *validator) role(c *Config) {
	v.check(slices.Contains(Roles(), c.Role), "role: one of %s", strings.Join(Roles(), ", "))
	v.check(c.Role != RoleAPI && c.Role != RoleWorker || c.Engine.URL != "",
		"role: %s needs engine.url, the NATS server that joins the processes: the embedded engine belongs to one process alone", c.Role)
	v.check(!c.AdminPprof || c.AdminListen != "", "admin_pprof: needs admin_listen")
	if c.AdminListen != "" {
		_, _, err := net.SplitHostPort(c.AdminListen)
		v.check(err == nil, "admin_listen: want host:port")
	}
}

func (v *validator) listener(c *Config) {
	if c.Role == RoleWorker {
		return
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		v.check(false, "listen: want host:port")
		return
	}
	v.check(Loopback(c.Listen) || !c.Open(),
		"listen: %s can be reached from other machines and no api_keys are configured: "+
			"anyone could prove, read results and delete circuits. Add api_keys, or listen on 127.0.0.1", c.Listen)
}

// origins checks what pages may use the API.
func (v *validator) origins(c *Config) {
	v.check(len(c.Origins) == 0 || !c.Open(), "origins: they need api_keys, since any page of such an origin could use an open service")
	for i, origin := range c.Origins {
		u, err := url.Parse(origin)
		v.check(origin == "*" || err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") && origin == u.Scheme+"://"+u.Host,
			"origins[%d]: want scheme and host, such as https://app.example, or *", i)
	}
}

func (v *validator) keys(keys []APIKey) {
	names, hashes := map[string]bool{}, map[string]bool{}
	for i, k := range keys {
		at := fmt.Sprintf("api_keys[%d]", i)
		v.check(ValidKeyName(k.Name), "%s.name: up to 64 letters, digits, '.', '_' and '-'", at)
		v.check(!names[k.Name], "%s.name: occurs twice", at)
		hash := strings.ToLower(k.SHA256)
		b, err := hex.DecodeString(hash)
		v.check(err == nil && len(b) == 32, "%s.sha256: want the key's SHA-256 in hex, 64 digits", at)
		v.check(!hashes[hash], "%s.sha256: occurs twice", at)
		v.check(k.Weight == 0 || k.Weight >= 0.001 && k.Weight <= 1000, "%s.weight: between 0.001 and 1000", at)
		v.check(k.Rate >= 0 && k.Rate <= maxRate, "%s.rate: between 0 and %d", at, maxRate)
		v.check(k.Burst >= 0, "%s.burst: at least 0", at)
		v.secrets(at+".webhook_secrets", k.WebhookSecrets)
		names[k.Name], hashes[hash] = true, true
	}
}

func (v *validator) secrets(at string, secrets []string) {
	for i, s := range secrets {
		_, err := webhook.ParseSecret(s)
		v.check(err == nil, "%s[%d]: want whsec_ and 24 to 64 bytes in base64", at, i)
	}
}

func (v *validator) webhooks(w Webhooks) {
	v.secrets("webhooks.secrets", w.Secrets)
	v.check(w.Timeout >= time.Second && w.Timeout <= time.Minute, "webhooks.timeout: between 1s and 1m")
	v.check(w.MaxAge >= time.Minute, "webhooks.max_age: at least 1m")
}

func (v *validator) tracing(t Tracing) {
	v.check(t.Ratio >= 0 && t.Ratio <= 1, "tracing.ratio: above 0, at most 1, or 0 for what OTEL_TRACES_SAMPLER says")
	if t.Endpoint != "" {
		u, err := url.Parse(t.Endpoint)
		ok := err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil
		v.check(ok, "tracing.endpoint: want http://host:4318 or https://host")
	}
}

func (v *validator) limits(l Limits) {
	for _, size := range []struct {
		key   string
		value Bytes
	}{
		{"max_body_bytes", l.MaxBodyBytes}, {"max_batch_bytes", l.MaxBatchBytes}, {"max_arguments_bytes", l.MaxArgumentsBytes},
		{"max_upload_bytes", l.MaxUploadBytes}, {"max_queue_bytes", l.MaxQueueBytes},
	} {
		v.check(size.value >= 1024, "limits.%s: at least 1KiB", size.key)
	}
	v.check(l.MaxArgumentsBytes <= l.MaxBodyBytes, "limits.max_arguments_bytes: more than max_body_bytes, which holds them")
	v.check(l.MaxUploads >= 1, "limits.max_uploads: at least 1")
	v.check(l.MaxQueueJobs >= 1, "limits.max_queue_jobs: at least 1")
	v.check(l.OwnerShare > 0 && l.OwnerShare <= 1, "limits.owner_share: above 0, at most 1")
	v.check(l.Rate >= 0 && l.Rate <= maxRate, "limits.rate: between 0 and %d", maxRate)
	v.check(l.Burst >= 0, "limits.burst: at least 0")
	v.check(l.MaxWaiters >= 1, "limits.max_waiters: at least 1")
	v.check(l.MaxWait >= time.Second && l.MaxWait <= time.Hour, "limits.max_wait: between 1s and 1h")
}

func (v *validator) engine(e Engine) {
	if e.Sync != SyncAlways {
		d, err := time.ParseDuration(e.Sync)
		v.check(err == nil && d > 0, "engine.sync: always, or an interval such as 2s")
	}
	v.check(e.Lease >= time.Second && e.Lease <= time.Hour, "engine.lease: between 1s and 1h")
	v.check(e.Credentials == "" || e.URL != "", "engine.credentials: of no use to the embedded engine")
	v.check(e.NKey == "" || e.URL != "", "engine.nkey: of no use to the embedded engine")
	v.check(e.NKey == "" || e.Credentials == "", "engine.nkey: credentials are set too")
	v.check(e.TLS == TLS{} || e.URL != "", "engine.tls: of no use to the embedded engine")
	v.check((e.TLS.CertFile == "") == (e.TLS.KeyFile == ""), "engine.tls: cert_file and key_file go together")
	v.check(e.Replicas == 1 || e.Replicas == 3 || e.Replicas == 5, "engine.replicas: 1, 3 or 5")
	v.check(e.Replicas == 1 || e.URL != "", "engine.replicas: the embedded engine is one server")
	if e.URL == "" {
		return
	}
	for one := range strings.SplitSeq(e.URL, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		ok := err == nil && u.Host != "" && (u.Scheme == "nats" || u.Scheme == "tls" || u.Scheme == "ws" || u.Scheme == "wss")
		v.check(ok, "engine.url: want nats://host:port, several separated by commas")
	}
}
