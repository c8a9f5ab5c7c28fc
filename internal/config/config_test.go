package config_test

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"provery/internal/config"
	"provery/internal/fault"
)

const hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

// valid returns a configuration that passes Validate.
func valid() config.Config {
	c := config.Default()
	c.DataDir = "/data"
	return c
}

func TestExampleHoldsTheDefaults(t *testing.T) {
	t.Parallel()
	var got config.Config
	if err := got.Parse([]byte(config.Example())); err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.APIKeys, want.Origins, want.Webhooks.Secrets, want.Compiler.Libraries = []config.APIKey{}, []string{}, []string{}, []string{}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	var keys map[string]any
	if err := yaml.Unmarshal([]byte(config.Example()), &keys); err != nil {
		t.Fatal(err)
	}
	for _, key := range config.Keys() {
		at := any(keys)
		for step := range strings.SplitSeq(key, ".") {
			m, _ := at.(map[string]any)
			v, ok := m[step]
			if !ok {
				t.Errorf("%s isn't in the example", key)
			}
			at = v
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	c := config.Default()
	err := c.Parse([]byte("listen: 0.0.0.0:80\nlimits: {max_waiters: 7, max_body_bytes: 2KiB}\nlog: {level: debug}\nresult_ttl: 90m\nallow_insecure_setup: false\n" +
		"api_keys:\n  - {name: a, sha256: " + hash + "}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "0.0.0.0:80" || c.Limits.MaxWaiters != 7 || c.Limits.MaxBodyBytes != 2048 || c.Log.Level != slog.LevelDebug || c.ResultTTL != 90*time.Minute {
		t.Errorf("got %+v", c)
	}
	if c.AllowInsecureSetup == nil || *c.AllowInsecureSetup || !reflect.DeepEqual(c.APIKeys[0], config.APIKey{Name: "a", SHA256: hash}) {
		t.Errorf("got %+v", c)
	}
	if c.Limits.MaxQueueJobs != 10_000 || c.Log.Format != config.FormatText {
		t.Errorf("got %+v, want defaults where nothing is set", c)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, text, want string }{
		{"unknown key", "listen: x\nlisten_on: y\n", "line 2: unknown key listen_on"},
		{"unknown nested key", "limits:\n  max_waters: 1\n", "line 2: unknown key max_waters"},
		{"duration", "limits:\n  max_wait: soon\n", `line 2: "soon": want a duration such as 30s or 24h`},
		{"number", "workers: {slots: many}\nresult_ttl: 3\n", `line 1: "many": want a whole number`},
		{"size", "cache_bytes: 1MB\nrate: 1\n", `line 1: "1MB": want a size such as 65536 or 16MiB`},
		{"list", "role: [all]\n", "line 1: want a text"},
		{"object", "limits: 3\n", `line 1: "3": want another form: 'provery config' shows it`},
		{"two", "a: 1\nb: 2\n", "line 1: unknown key a; line 2: unknown key b"},
		{"key twice", "listen: x\nlisten: y\n", "line 2"},
		{"type", "limits: {max_waiters: many}\n", "line 1"},
		{"size", "cache_bytes: 1GB\n", "want a size"},
		{"level", "log: {level: loud}\n", "loud"},
		{"syntax", "listen: [\n", "line"},
		{"two documents", "listen: a:1\n---\nlisten: b:1\n", "more than one"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := config.Default()
			if err := c.Parse([]byte(tc.text)); err == nil || !strings.Contains(err.Error(), tc.want) || !fault.Is(err, fault.InvalidRequest) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
	c := config.Default()
	if err := c.Parse([]byte("# nothing\n")); err != nil || !reflect.DeepEqual(c, config.Default()) {
		t.Errorf("comments alone: got %v and %+v", err, c)
	}
}

func TestRateOf(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		limits config.Limits
		key    config.APIKey
		rate   float64
		burst  int
	}{
		{config.Limits{}, config.APIKey{}, 0, 1},
		{config.Limits{Rate: 2}, config.APIKey{}, 2, 20},
		{config.Limits{Rate: 0.01}, config.APIKey{}, 0.01, 1},
		{config.Limits{Rate: 2, Burst: 5}, config.APIKey{}, 2, 5},
		{config.Limits{Rate: 2, Burst: 5}, config.APIKey{Rate: 3}, 3, 30},
		{config.Limits{Rate: 2, Burst: 5}, config.APIKey{Burst: 7}, 2, 7},
	} {
		if rate, burst := tc.limits.RateOf(tc.key); rate != tc.rate || burst != tc.burst {
			t.Errorf("%+v %+v: got %v, %d, want %v, %d", tc.limits, tc.key, rate, burst, tc.rate, tc.burst)
		}
	}
}

func TestLoadOrder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "provery.yaml")
	if err := os.WriteFile(file, []byte("workers: {slots: 2, threads: 2}\nlimits: {max_waiters: 2}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(config.Sources{
		File: file,
		Environ: []string{"PROVERY_WORKERS_THREADS=3", "PROVERY_LIMITS_MAX_WAITERS=3", "HOME=/home/me", "PROVERY_PORT=tcp://10.0.0.1:80",
			"PROVERY_API_KEYS=a:" + hash + ", b:" + strings.Repeat("00", 32), "PROVERY_ALLOW_INSECURE_SETUP=true", "PROVERY_LOG_LEVEL=warn", "PROVERY_RESULT_TTL=2h"},
		Flags: func(c *config.Config) error { return c.Set("limits.max_waiters", "4") },
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Workers.Slots != 2 || c.Workers.Threads != 3 || c.Limits.MaxWaiters != 4 || c.DataDir != "/home/me/.local/share/provery" {
		t.Errorf("got %+v, want file < environment < flags", c)
	}
	if len(c.APIKeys) != 2 || c.APIKeys[1].Name != "b" || c.Open() || !*c.AllowInsecureSetup || c.Log.Level != slog.LevelWarn || c.ResultTTL != 2*time.Hour {
		t.Errorf("got %+v", c)
	}
}

func TestLoadDataDir(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		environ []string
		want    string
	}{
		{"XDG", []string{"XDG_DATA_HOME=/x", "HOME=/h"}, "/x/provery"},
		{"relative XDG is ignored", []string{"XDG_DATA_HOME=x", "HOME=/h"}, "/h/.local/share/provery"},
		{"set", []string{"PROVERY_DATA_DIR=/d", "HOME=/h"}, "/d"},
	} {
		if c, err := config.Load(config.Sources{Environ: tc.environ}); err != nil || c.DataDir != tc.want {
			t.Errorf("%s: got %v, %v, want %s", tc.name, c, err, tc.want)
		}
	}
	if _, err := config.Load(config.Sources{}); err == nil || !strings.Contains(err.Error(), "data_dir") {
		t.Errorf("nowhere: got %v, want data_dir", err)
	}
}

func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	if _, err := config.Load(config.Sources{File: filepath.Join(t.TempDir(), "none.yaml")}); err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("no file: got %v", err)
	}
	_, err := config.Load(config.Sources{Environ: []string{"HOME=/h", "PROVERY_WORKERS_SLOTS=two", "PROVERY_RESULT_TTL=day", "PROVERY_API_KEYS=abc", "PROVERY_CACHE_BYTES=-1",
		"PROVERY_ALLOW_INSECURE_SETUP=maybe", "PROVERY_LOG_LEVEL=loud"}})
	for _, want := range []string{"6 errors", "PROVERY_WORKERS_SLOTS", "PROVERY_RESULT_TTL", "PROVERY_API_KEYS", "PROVERY_CACHE_BYTES", "PROVERY_ALLOW_INSECURE_SETUP", "PROVERY_LOG_LEVEL"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s in it", err, want)
		}
	}
	if err := new(config.Config).Set("listen.port", "1"); err == nil {
		t.Error("an unknown setting was taken")
	}
}

func TestValidateReportsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	c := config.Config{
		Listen:  "8080",
		APIKeys: []config.APIKey{{Name: "a b", SHA256: "12"}, {Name: "x", SHA256: hash}, {Name: "x", SHA256: strings.ToUpper(hash)}},
		Engine:  config.Engine{Sync: "often", Credentials: "/c"},
		Workers: config.Workers{Slots: -1, Threads: -1, Memory: 3},
	}
	err := c.Validate()
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{
		"listen:", "api_keys[0].name", "api_keys[0].sha256", "api_keys[2].name: occurs twice", "api_keys[2].sha256: occurs twice", "data_dir:",
		"limits.max_body_bytes", "limits.max_arguments_bytes", "limits.max_upload_bytes", "limits.max_uploads", "limits.max_queue_jobs", "limits.max_queue_bytes",
		"limits.max_waiters", "limits.max_wait:", "role:", "workers.slots", "workers.threads", "workers.memory", "engine.sync", "engine.lease", "engine.credentials", "log.format", "result_ttl",
		"store.cache_bytes", "store.s3.encryption", "store.s3.request_checksum", "store.s3.part_size",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func TestValidateOne(t *testing.T) {
	t.Parallel()
	key := []config.APIKey{{Name: "a", SHA256: hash}}
	tests := []struct {
		name   string
		change func(c *config.Config)
		want   string // "" for valid
	}{
		{"defaults", func(*config.Config) {}, ""},
		{"open to all", func(c *config.Config) { c.Listen = "0.0.0.0:8080" }, "no api_keys are configured"},
		{"open on every interface", func(c *config.Config) { c.Listen = ":8080" }, "no api_keys are configured"},
		{"open by a name", func(c *config.Config) { c.Listen = "prover.example:8080" }, "no api_keys are configured"},
		{"with keys", func(c *config.Config) { c.Listen, c.APIKeys = ":8080", key }, ""},
		{"origins", func(c *config.Config) {
			c.APIKeys, c.Origins = key, []string{"https://app.example", "http://localhost:5173", "*"}
		}, ""},
		{"origins of an open service", func(c *config.Config) { c.Origins = []string{"*"} }, "origins: they need api_keys"},
		{"an origin with a path", func(c *config.Config) { c.APIKeys, c.Origins = key, []string{"https://app.example/"} }, "origins[0]"},
		{"IPv6 loopback", func(c *config.Config) { c.Listen = "[::1]:8080" }, ""},
		{"localhost", func(c *config.Config) { c.Listen = "localhost:0" }, ""},
		{"an api alone", func(c *config.Config) { c.Role = config.RoleAPI }, "api needs engine.url"},
		{"a worker alone", func(c *config.Config) { c.Role = config.RoleWorker }, "worker needs engine.url"},
		{"a worker", func(c *config.Config) { c.Role, c.Engine.URL, c.Listen = config.RoleWorker, "nats://a:4222", ":80" }, ""},
		{"another role", func(c *config.Config) { c.Role = "prover" }, "role: one of all, api, worker"},
		{"no admin port", func(c *config.Config) { c.AdminListen = "host" }, "admin_listen: want host:port"},
		{"weight", func(c *config.Config) { c.APIKeys = []config.APIKey{{Name: "a", SHA256: hash, Weight: 5000}} }, "api_keys[0].weight"},
		{"rate of a key", func(c *config.Config) { c.APIKeys = []config.APIKey{{Name: "a", SHA256: hash, Rate: -1}} }, "api_keys[0].rate"},
		{"rate", func(c *config.Config) { c.Limits.Rate = 1e9 }, "limits.rate"},
		{"share", func(c *config.Config) { c.Limits.OwnerShare = 1.5 }, "limits.owner_share"},
		{"a key's secret", func(c *config.Config) {
			c.APIKeys = []config.APIKey{{Name: "a", SHA256: hash, WebhookSecrets: []string{"whsec_AAAA"}}}
		}, "api_keys[0].webhook_secrets[0]"},
		{"a secret", func(c *config.Config) { c.Webhooks.Secrets = []string{"hunter2"} }, "webhooks.secrets[0]"},
		{"webhooks' age", func(c *config.Config) { c.Webhooks.MaxAge = 0 }, "webhooks.max_age"},
		{"external engine", func(c *config.Config) { c.Engine.URL, c.Engine.Credentials = "nats://a:4222, tls://b:4222", "/c" }, ""},
		{"cluster", func(c *config.Config) { c.Engine.URL, c.Engine.Replicas, c.Engine.NKey = "nats://a:4222", 3, "/k" }, ""},
		{"two of four", func(c *config.Config) { c.Engine.URL, c.Engine.Replicas = "nats://a:4222", 2 }, "engine.replicas"},
		{"replicas of one", func(c *config.Config) { c.Engine.Replicas = 3 }, "engine.replicas"},
		{"two credentials", func(c *config.Config) {
			c.Engine.URL, c.Engine.Credentials, c.Engine.NKey = "nats://a:4222", "/c", "/k"
		}, "engine.nkey"},
		{"certificate without key", func(c *config.Config) { c.Engine.URL, c.Engine.TLS.CertFile = "nats://a:4222", "/c" }, "engine.tls"},
		{"TLS within", func(c *config.Config) { c.Engine.TLS.CAFile = "/c" }, "engine.tls"},
		{"engine's URL", func(c *config.Config) { c.Engine.URL = "http://a:4222" }, "engine.url"},
		{"interval", func(c *config.Config) { c.Engine.Sync = "2s" }, ""},
		{"no interval", func(c *config.Config) { c.Engine.Sync = "0s" }, "engine.sync"},
		{"bucket", func(c *config.Config) { c.Store.S3.Bucket, c.Store.S3.Endpoint = "b", "http://minio:9000" }, ""},
		{"endpoint without bucket", func(c *config.Config) { c.Store.S3.Endpoint = "http://minio:9000" }, "store.s3.bucket"},
		{"endpoint with a path", func(c *config.Config) { c.Store.S3.Bucket, c.Store.S3.Endpoint = "b", "http://minio:9000/b" }, "store.s3.endpoint"},
		{"prefix", func(c *config.Config) { c.Store.S3.Prefix = "a" }, "store.s3.prefix"},
		{"kms without key", func(c *config.Config) { c.Store.S3.Encryption = "kms" }, "store.s3.kms_key"},
		{"arguments over body", func(c *config.Config) { c.Limits.MaxArgumentsBytes = c.Limits.MaxBodyBytes + 1 }, "limits.max_arguments_bytes"},
		{"negative threads", func(c *config.Config) { c.Workers.Threads = -1 }, "workers.threads"},
		{"negative drain", func(c *config.Config) { c.DrainTimeout = -1 }, "drain_timeout"},
		{"negative cache", func(c *config.Config) { c.CacheBytes = -1 }, "cache_bytes"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := valid()
			tc.change(&c)
			err := c.Validate()
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestInsecureSetupAllowed(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	for _, tc := range []struct {
		listen string
		set    *bool
		want   bool
	}{{"127.0.0.1:1", nil, true}, {":1", nil, false}, {":1", &yes, true}, {"127.0.0.1:1", &no, false}, {"bad", nil, false}} {
		c := config.Config{Listen: tc.listen, AllowInsecureSetup: tc.set}
		if got := c.InsecureSetupAllowed(); got != tc.want {
			t.Errorf("%+v: got %v", tc, got)
		}
	}
}

func TestSyncInterval(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{config.SyncAlways: 0, "2s": 2 * time.Second} {
		if got := (config.Engine{Sync: text}).SyncInterval(); got != want {
			t.Errorf("%s: got %v, want %v", text, got, want)
		}
	}
}

func TestBytes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]config.Bytes{"0": 0, "1023": 1023, "1KiB": 1024, "16 MiB": 16 << 20, "4GiB": 4 << 30, "2TiB": 2 << 40, " 7 ": 7} {
		var got config.Bytes
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
		var again config.Bytes
		if err := again.UnmarshalText([]byte(got.String())); err != nil || again != got {
			t.Errorf("%q: got %d back from %q", text, again, got)
		}
	}
	for _, text := range []string{"", "x", "-1", "1GB", "1.5GiB", "9223372036854775807KiB", "8388608TiB", "KiB"} {
		if err := new(config.Bytes).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: got no error", text)
		}
	}
}

func TestEnvNamesAreUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, key := range config.Keys() {
		name := config.EnvName(key)
		if other, ok := seen[name]; ok {
			t.Errorf("%s and %s are both %s", key, other, name)
		}
		seen[name] = key
	}
	if seen["PROVERY_LIMITS_MAX_BODY_BYTES"] != "limits.max_body_bytes" || seen["PROVERY_LISTEN"] != "listen" {
		t.Errorf("got %v", seen)
	}
}

func TestGenerateKey(t *testing.T) {
	t.Parallel()
	key, got := config.GenerateKey()
	other, _ := config.GenerateKey()
	sum := sha256.Sum256([]byte(key))
	if !strings.HasPrefix(key, config.KeyPrefix) || len(key) != len(config.KeyPrefix)+43 || key == other || got != hex.EncodeToString(sum[:]) {
		t.Errorf("got %q and %q", key, got)
	}
	c := valid()
	c.Listen, c.APIKeys = ":80", []config.APIKey{{Name: "a", SHA256: got}}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if c.APIKeys[0].Hash() != sum {
		t.Error("the hash differs from the key's")
	}
}
