package engine_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"provery/internal/engine"
	"provery/internal/fault"
)

// externalWith runs a listening server with options of the test's.
func externalWith(t *testing.T, change func(*server.Options)) string {
	t.Helper()
	o := &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		JetStream: true, StoreDir: t.TempDir(), SyncAlways: true,
	}
	change(o)
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("external server is not ready")
	}
	return s.ClientURL()
}

// authority makes certificates.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir(), pool: x509.NewCertPool()}
	a.cert, a.key = a.issue(t, "ca", nil)
	a.pool.AddCert(a.cert)
	return a
}

// path names a file of the authority's: ca.pem, server.pem, server.key, …
func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

// issue writes name.pem and name.key, signed by the authority, or by itself
// where that has no certificate yet.
func (a *authority) issue(t *testing.T, name string, hosts []string) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: a.cert == nil, BasicConstraintsValid: true, DNSNames: hosts,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if len(hosts) > 0 {
		c.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	parent, signer := c, key
	if a.cert != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, a.path(name+".pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	write(t, a.path(name+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
	if c, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return c, key
}

func write(t *testing.T, path string, b []byte) string {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTLS(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t), newAuthority(t)
	a.issue(t, "server", []string{"localhost"})
	a.issue(t, "client", nil)
	pair, err := tls.LoadX509KeyPair(a.path("server.pem"), a.path("server.key"))
	if err != nil {
		t.Fatal(err)
	}
	url := externalWith(t, func(o *server.Options) {
		o.TLS, o.TLSVerify, o.TLSTimeout = true, true, 60
		o.TLSConfig = &tls.Config{
			Certificates: []tls.Certificate{pair}, ClientCAs: a.pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12,
		}
	})
	plain := externalWith(t, func(*server.Options) {})
	whole := engine.TLS{CAFile: a.path("ca.pem"), CertFile: a.path("client.pem"), KeyFile: a.path("client.key")}
	e := open(t, engine.Config{URL: url, TLS: whole})
	roundTrip(t, e, "k", "kept")

	empty := write(t, filepath.Join(t.TempDir(), "empty"), nil)
	tests := []struct {
		name string
		url  string
		tls  engine.TLS
		code fault.Code
		text string
	}{
		{"another authority", url, engine.TLS{CAFile: other.path("ca.pem"), CertFile: whole.CertFile, KeyFile: whole.KeyFile}, fault.InvalidRequest, "certificate can't be verified"},
		{"no client certificate", url, engine.TLS{CAFile: whole.CAFile}, fault.Overloaded, "can't be reached"},
		{"server without TLS", plain, whole, fault.InvalidRequest, "doesn't speak TLS"},
		{"certificate without key", url, engine.TLS{CertFile: whole.CertFile}, fault.InvalidRequest, "needs its key"},
		{"key of another", url, engine.TLS{CertFile: whole.CertFile, KeyFile: a.path("server.key")}, fault.InvalidRequest, "certificate and key files"},
		{"no certificate file", url, engine.TLS{CertFile: empty + "x", KeyFile: empty}, fault.InvalidRequest, "no such file"},
		{"no CA file", url, engine.TLS{CAFile: empty + "x"}, fault.InvalidRequest, "CA file can't be read"},
		{"empty CA file", url, engine.TLS{CAFile: empty}, fault.InvalidRequest, "CA file holds no certificate"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := engine.Open(t.Context(), engine.Config{URL: tc.url, TLS: tc.tls})
			if !fault.Is(err, tc.code) || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("got %v, want %s with %q", err, tc.code, tc.text)
			}
		})
	}
}

// newUser returns a key pair, its public key and its seed.
func newUser(t *testing.T, create func() (nkeys.KeyPair, error)) (pair nkeys.KeyPair, public string, seed []byte) {
	t.Helper()
	pair, err := create()
	if err != nil {
		t.Fatal(err)
	}
	if public, err = pair.PublicKey(); err != nil {
		t.Fatal(err)
	}
	if seed, err = pair.Seed(); err != nil {
		t.Fatal(err)
	}
	return pair, public, seed
}

func TestNKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, public, seed := newUser(t, nkeys.CreateUser)
	_, _, strange := newUser(t, nkeys.CreateUser)
	url := externalWith(t, func(o *server.Options) { o.Nkeys = []*server.NkeyUser{{Nkey: public}} })
	e := open(t, engine.Config{URL: url, NKey: write(t, filepath.Join(dir, "seed"), seed)})
	roundTrip(t, e, "k", "kept")
	for name, cfg := range map[string]engine.Config{
		"refuses the credentials": {URL: url, NKey: write(t, filepath.Join(dir, "strange"), strange)},
		"can't be read":           {URL: url, NKey: filepath.Join(dir, "absent")},
		"holds no user's key":     {URL: url, NKey: write(t, filepath.Join(dir, "empty"), nil)},
		"set one of":              {URL: url, NKey: "a", Credentials: "b"},
		"external engine only":    {StoreDir: dir, NKey: "a"},
	} {
		if _, err := engine.Open(t.Context(), cfg); !fault.Is(err, fault.InvalidRequest) || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want invalid request with %q", err, name)
		}
	}
	if _, err := engine.Open(t.Context(), engine.Config{URL: url}); !fault.Is(err, fault.InvalidRequest) {
		t.Errorf("without a key: got %v, want invalid request", err)
	}
}

// TestJWT connects with a credentials file as nsc writes it.
func TestJWT(t *testing.T) {
	t.Parallel()
	operator, operatorID, _ := newUser(t, nkeys.CreateOperator)
	account, accountID, _ := newUser(t, nkeys.CreateAccount)
	_, systemID, _ := newUser(t, nkeys.CreateAccount)
	_, userID, seed := newUser(t, nkeys.CreateUser)

	oc := jwt.NewOperatorClaims(operatorID)
	oc.SystemAccount = systemID
	resolver := &server.MemAccResolver{}
	for _, id := range []string{accountID, systemID} {
		ac := jwt.NewAccountClaims(id)
		if id == accountID {
			ac.Limits.JetStreamLimits = jwt.JetStreamLimits{DiskStorage: -1, MemoryStorage: -1, Streams: -1, Consumer: -1}
		}
		token, err := ac.Encode(operator)
		if err != nil {
			t.Fatal(err)
		}
		if err := resolver.Store(id, token); err != nil {
			t.Fatal(err)
		}
	}
	uc := jwt.NewUserClaims(userID)
	token, err := uc.Encode(account)
	if err != nil {
		t.Fatal(err)
	}
	file, err := jwt.FormatUserConfig(token, seed)
	if err != nil {
		t.Fatal(err)
	}
	url := externalWith(t, func(o *server.Options) {
		o.TrustedOperators, o.AccountResolver, o.SystemAccount = []*jwt.OperatorClaims{oc}, resolver, systemID
	})
	e := open(t, engine.Config{URL: url, Credentials: write(t, filepath.Join(t.TempDir(), "user.creds"), file)})
	roundTrip(t, e, "k", "kept")
}
