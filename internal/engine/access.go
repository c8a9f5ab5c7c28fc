package engine

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"provery/internal/fault"
)

// accessOptions adds what the server asks for: credentials, certificates. The
// files are looked at here, since the client library would report bad ones as
// an unreachable server, again and again.
func accessOptions(opts []nats.Option, cfg Config) ([]nats.Option, error) {
	switch {
	case cfg.Credentials != "":
		if err := checkKey(cfg.Credentials, "credentials file", nkeys.ParseDecoratedUserNKey); err != nil {
			return nil, err
		}
		opts = append(opts, nats.UserCredentials(cfg.Credentials))
	case cfg.NKey != "":
		if err := checkKey(cfg.NKey, "nkey file", nkeys.ParseDecoratedNKey); err != nil {
			return nil, err
		}
		option, err := nats.NkeyOptionFromSeed(cfg.NKey)
		if err != nil {
			return nil, &fault.Error{Code: fault.InvalidRequest, Detail: "nkey file holds no user's key", Err: err}
		}
		opts = append(opts, option)
	}
	return tlsOptions(opts, cfg.TLS)
}

// checkKey looks whether a file holds a key.
func checkKey(path, what string, parse func([]byte) (nkeys.KeyPair, error)) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return &fault.Error{Code: fault.InvalidRequest, Detail: what + " can't be read", Err: err}
	}
	defer clear(b)
	key, err := parse(b)
	if err != nil {
		return &fault.Error{Code: fault.InvalidRequest, Detail: what + " holds no user's key", Err: err}
	}
	key.Wipe()
	return nil
}

// tlsOptions has the client read the files at each connection, so that
// certificates can be replaced while the service runs.
func tlsOptions(opts []nats.Option, t TLS) ([]nats.Option, error) {
	if t == (TLS{}) {
		return opts, nil
	}
	var certs nats.TLSCertHandler
	var roots nats.RootCAsHandler
	if t.CertFile != "" {
		certs = func() (tls.Certificate, error) { return tls.LoadX509KeyPair(t.CertFile, t.KeyFile) }
		if _, err := certs(); err != nil {
			return nil, &fault.Error{Code: fault.InvalidRequest, Detail: "certificate and key files can't be used: " + fileError(err), Err: err}
		}
	}
	if t.CAFile != "" {
		roots = func() (*x509.CertPool, error) { return readCertificates(t.CAFile) }
		if _, err := roots(); err != nil {
			return nil, err
		}
	}
	return append(opts, nats.ClientTLSConfig(certs, roots)), nil
}

// fileError leaves paths out of an error's text.
func fileError(err error) string {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return "they hold no certificate with its key"
}

func readCertificates(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, &fault.Error{Code: fault.InvalidRequest, Detail: "CA file can't be read", Err: err}
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fault.New(fault.InvalidRequest, "CA file holds no certificate")
	}
	return pool, nil
}

// connectFault classifies a failed connection: what waiting doesn't heal is
// InvalidRequest.
func connectFault(err error) error {
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked):
		return &fault.Error{Code: fault.InvalidRequest, Detail: "the server refuses the credentials", Err: err}
	case errors.As(err, &certificate):
		return &fault.Error{Code: fault.InvalidRequest, Detail: "the server's certificate can't be verified", Err: err}
	case errors.Is(err, nats.ErrSecureConnWanted):
		return &fault.Error{Code: fault.InvalidRequest, Detail: "the server doesn't speak TLS", Err: err}
	}
	return unreachable(err, "the server can't be reached")
}
