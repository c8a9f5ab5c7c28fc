package tracing

import (
	"strings"
	"testing"
	"time"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	const base = "OTEL_EXPORTER_OTLP_"
	for _, c := range []struct {
		name       string
		configured string
		ratio      float64
		env        []string
		endpoint   string // "": off
		sampler    string // in its description
		refused    string // in the error
	}{
		{name: "nothing"},
		{name: "configured", configured: "http://c:4318", endpoint: "http://c:4318/v1/traces", sampler: "AlwaysOn"},
		{name: "configured path", configured: "https://c/otlp/", endpoint: "https://c/otlp/v1/traces"},
		{name: "general", env: []string{base + "ENDPOINT", "http://e:1/"}, endpoint: "http://e:1/v1/traces"},
		{name: "of traces", env: []string{base + "ENDPOINT", "http://e:1", base + "TRACES_ENDPOINT", "http://t:1/x"}, endpoint: "http://t:1/x"},
		{name: "configured first", configured: "http://c:1", env: []string{base + "TRACES_ENDPOINT", "http://t:1/x"}, endpoint: "http://c:1/v1/traces"},
		{name: "switched off", configured: "http://c:1", env: []string{"OTEL_SDK_DISABLED", "true"}},
		{name: "no exporter", env: []string{"OTEL_TRACES_EXPORTER", "none", base + "ENDPOINT", "http://e:1"}},
		{name: "default exporter", env: []string{"OTEL_TRACES_EXPORTER", "otlp"}, endpoint: "http://localhost:4318/v1/traces"},
		{name: "other exporter", env: []string{"OTEL_TRACES_EXPORTER", "zipkin"}, refused: "OTEL_TRACES_EXPORTER"},
		{name: "grpc", configured: "http://c:1", env: []string{base + "PROTOCOL", "grpc"}, refused: "only http/protobuf"},
		{name: "protobuf", configured: "http://c:1", env: []string{base + "PROTOCOL", "grpc", base + "TRACES_PROTOCOL", "http/protobuf"}, endpoint: "http://c:1/v1/traces"},
		{name: "no address", env: []string{base + "ENDPOINT", "collector:4318"}, refused: "want http://"},
		{name: "bad header", configured: "http://c:1", env: []string{base + "HEADERS", "hunter2"}, refused: "HEADERS"},
		{name: "split header", configured: "http://c:1", env: []string{base + "HEADERS", "a=hunter2%0d%0ax"}, refused: "HEADERS"},
		{name: "bad timeout", configured: "http://c:1", env: []string{base + "TIMEOUT", "10s"}, refused: "milliseconds"},
		{name: "bad compression", configured: "http://c:1", env: []string{base + "COMPRESSION", "zstd"}, refused: "gzip or none"},
		{name: "no certificate", configured: "http://c:1", env: []string{base + "CERTIFICATE", "/does/not/exist"}, refused: "can't be read"},
		{name: "half a certificate", configured: "http://c:1", env: []string{base + "CLIENT_KEY", "/does/not/exist"}, refused: "CLIENT_CERTIFICATE"},
		{name: "ratio", configured: "http://c:1", ratio: 0.25, env: []string{"OTEL_TRACES_SAMPLER", "always_off"}, endpoint: "http://c:1/v1/traces", sampler: "ParentBased{root:TraceIDRatioBased{0.25}"},
		{name: "off", configured: "http://c:1", env: []string{"OTEL_TRACES_SAMPLER", "always_off"}, endpoint: "http://c:1/v1/traces", sampler: "AlwaysOff"},
		{name: "ratio of the environment", configured: "http://c:1", env: []string{"OTEL_TRACES_SAMPLER", "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG", "0.5"}, endpoint: "http://c:1/v1/traces", sampler: "ParentBased{root:TraceIDRatioBased{0.5}"},
		{name: "bad ratio", configured: "http://c:1", env: []string{"OTEL_TRACES_SAMPLER", "traceidratio", "OTEL_TRACES_SAMPLER_ARG", "NaN"}, refused: "from 0 to 1"},
		{name: "unknown sampler", configured: "http://c:1", env: []string{"OTEL_TRACES_SAMPLER", "jaeger_remote"}, refused: "OTEL_TRACES_SAMPLER"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			env := map[string]string{}
			for i := 0; i+1 < len(c.env); i += 2 {
				env[c.env[i]] = c.env[i+1]
			}
			s, err := read(&Config{Endpoint: c.configured, Ratio: c.ratio, Getenv: func(name string) string { return env[name] }})
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) || strings.Contains(err.Error(), "hunter2") {
					t.Fatalf("got %v, want %q in it, and no secret", err, c.refused)
				}
				return
			}
			if err != nil || s.endpoint != c.endpoint {
				t.Fatalf("got %q, %v, want %q", s.endpoint, err, c.endpoint)
			}
			if c.endpoint != "" && (!strings.Contains(s.sampler.Description(), c.sampler) || s.timeout != 10*time.Second) {
				t.Errorf("got %s and %v, want %s", s.sampler.Description(), s.timeout, c.sampler)
			}
		})
	}
}
