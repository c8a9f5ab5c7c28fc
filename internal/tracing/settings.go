package tracing

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"

	"provery/internal/fault"
)

// settings are a Config and the standard variables together. Those of traces
// (OTEL_EXPORTER_OTLP_TRACES_…) come before those of all signals
// (OTEL_EXPORTER_OTLP_…), as OpenTelemetry's specification has it.
type settings struct {
	endpoint string // "": nothing is sent
	shown    string // the endpoint's host, for the log
	header   http.Header
	timeout  time.Duration // of sending one batch
	gzip     bool
	tls      *tls.Config
	sampler  sdk.Sampler
}

// The defaults of the specification.
const (
	defaultEndpoint = "http://localhost:4318"
	defaultTimeout  = 10 * time.Second
	tracesPath      = "/v1/traces"
)

// read returns the settings, without an endpoint if nothing is to be sent.
func read(cfg *Config) (s settings, err error) {
	env := func(name string) string { return strings.TrimSpace(cfg.Getenv(name)) }
	exporter := func(name string) string {
		if v := env("OTEL_EXPORTER_OTLP_TRACES_" + name); v != "" {
			return v
		}
		return env("OTEL_EXPORTER_OTLP_" + name)
	}
	if s.endpoint, err = endpoint(cfg.Endpoint, env); err != nil || s.endpoint == "" {
		return settings{}, err
	}
	u, err := url.Parse(s.endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return settings{}, fault.New(fault.InvalidRequest, "the collector's address: want http://host:4318 or https://host")
	}
	s.shown = u.Host
	if p := exporter("PROTOCOL"); p != "" && p != "http/protobuf" {
		return settings{}, fault.New(fault.InvalidRequest, "OTEL_EXPORTER_OTLP_PROTOCOL: %q isn't spoken here, only http/protobuf", p)
	}
	if s.header, err = headers(exporter("HEADERS")); err != nil {
		return settings{}, err
	}
	s.timeout = defaultTimeout
	if text := exporter("TIMEOUT"); text != "" {
		ms, err := strconv.Atoi(text)
		if err != nil || ms <= 0 || ms > 600_000 {
			return settings{}, fault.New(fault.InvalidRequest, "OTEL_EXPORTER_OTLP_TIMEOUT: want milliseconds")
		}
		s.timeout = time.Duration(ms) * time.Millisecond
	}
	switch c := exporter("COMPRESSION"); c {
	case "", "none":
	case "gzip":
		s.gzip = true
	default:
		return settings{}, fault.New(fault.InvalidRequest, "OTEL_EXPORTER_OTLP_COMPRESSION: want gzip or none")
	}
	if s.tls, err = certificates(exporter("CERTIFICATE"), exporter("CLIENT_CERTIFICATE"), exporter("CLIENT_KEY")); err != nil {
		return settings{}, err
	}
	s.sampler, err = sampler(cfg.Ratio, env("OTEL_TRACES_SAMPLER"), env("OTEL_TRACES_SAMPLER_ARG"))
	return s, err
}

// endpoint returns where spans go, "" if they don't.
func endpoint(configured string, env func(string) string) (string, error) {
	if strings.EqualFold(env("OTEL_SDK_DISABLED"), "true") {
		return "", nil
	}
	named := env("OTEL_TRACES_EXPORTER")
	base := configured
	switch {
	case base != "":
	case named == "none":
		return "", nil
	case env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != "":
		return env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"), nil // to be taken as it is
	case env("OTEL_EXPORTER_OTLP_ENDPOINT") != "":
		base = env("OTEL_EXPORTER_OTLP_ENDPOINT")
	case named == "otlp":
		base = defaultEndpoint
	case named != "":
		return "", fault.New(fault.InvalidRequest, "OTEL_TRACES_EXPORTER: want otlp or none")
	default:
		return "", nil
	}
	return strings.TrimRight(base, "/") + tracesPath, nil
}

// headers reads "name=value,name=value", the values with percent signs. They
// may be secrets: errors don't repeat them.
func headers(text string) (http.Header, error) {
	out := http.Header{}
	for entry := range strings.SplitSeq(text, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		name, value, ok := strings.Cut(entry, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if name = strings.TrimSpace(name); !ok || err != nil || name == "" || strings.ContainsAny(value, "\r\n") {
			return nil, fault.New(fault.InvalidRequest, "OTEL_EXPORTER_OTLP_HEADERS: want name=value, separated by commas")
		}
		out.Set(name, value)
	}
	return out, nil
}

// certificates returns the settings of a connection with TLS; files that aren't
// named are the system's, or none.
func certificates(authority, certificate, key string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if authority != "" {
		pem, err := os.ReadFile(authority)
		if err != nil {
			return nil, fault.Wrap(err, fault.InvalidRequest, "OTEL_EXPORTER_OTLP_CERTIFICATE can't be read")
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fault.New(fault.InvalidRequest, "OTEL_EXPORTER_OTLP_CERTIFICATE holds no certificate")
		}
	}
	if certificate != "" || key != "" {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			return nil, fault.Wrap(err, fault.InvalidRequest, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and _KEY can't be used together")
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// sampler returns the choice of the traces that are recorded: the configured
// ratio, else that of the standard variables. A client that sends a trace of
// its own has chosen, unless the variables say otherwise.
func sampler(ratio float64, name, argument string) (sdk.Sampler, error) {
	if ratio > 0 {
		return sdk.ParentBased(sdk.TraceIDRatioBased(ratio)), nil
	}
	ratio = 1
	if argument != "" && strings.HasSuffix(name, "traceidratio") {
		var err error
		if ratio, err = strconv.ParseFloat(argument, 64); err != nil || !(ratio >= 0 && ratio <= 1) {
			return nil, fault.New(fault.InvalidRequest, "OTEL_TRACES_SAMPLER_ARG: want a number from 0 to 1")
		}
	}
	root, follow := strings.CutPrefix(name, "parentbased_")
	var s sdk.Sampler
	switch root {
	case "":
		return sdk.ParentBased(sdk.AlwaysSample()), nil
	case "always_on":
		s = sdk.AlwaysSample()
	case "always_off":
		s = sdk.NeverSample()
	case "traceidratio":
		s = sdk.TraceIDRatioBased(ratio)
	default:
		return nil, fault.New(fault.InvalidRequest, "OTEL_TRACES_SAMPLER: want always_on, always_off or traceidratio, or one of them after parentbased_")
	}
	if follow {
		s = sdk.ParentBased(s)
	}
	return s, nil
}
