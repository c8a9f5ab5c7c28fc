package webhook

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// Resolver finds the addresses of a name. *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// errPrivate refuses an address that isn't public.
var errPrivate = errors.New("webhook: the address isn't a public one")

// special are the networks, beside those that package netip knows, that are
// nobody's place to receive webhooks: the special-purpose registries of IANA
// (RFC 6890), and those that lead to an IPv4 address in disguise.
var special = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
)

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		out[i] = netip.MustParsePrefix(t)
	}
	return out
}

// public reports whether an address can be somebody's on the internet.
func public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Zone() != "" {
		return false // loopback, link-local, multicast, unspecified, broadcast among them
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// newClient returns a client that connects to public addresses only, unless
// others are allowed, without a proxy and without following redirects.
func newClient(cfg *Config) *http.Client {
	dial := &dialer{resolver: cfg.Resolver}
	if dial.resolver == nil {
		dial.resolver = net.DefaultResolver
	}
	dial.net.Timeout = cfg.Timeout
	if !cfg.AllowPrivate {
		dial.net.Control = refusePrivate
	}
	return &http.Client{
		Timeout:       cfg.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            dial.dial,
			TLSHandshakeTimeout:    cfg.Timeout,
			ResponseHeaderTimeout:  cfg.Timeout,
			MaxResponseHeaderBytes: 16 << 10,
			DisableKeepAlives:      true, // receivers are called seldom
			DisableCompression:     true,
			ForceAttemptHTTP2:      true,
			ExpectContinueTimeout:  time.Second,
		},
	}
}

// refusePrivate is called with the address that a connection is about to go
// to, after all names were resolved: a name that changes its address between
// two looks at it gains nothing.
func refusePrivate(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !public(at.Addr()) {
		return errPrivate
	}
	return nil
}

// dialer connects to the addresses that its resolver finds.
type dialer struct {
	net      net.Dialer
	resolver Resolver
}

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	addrs := []netip.Addr{}
	if a, err := netip.ParseAddr(host); err == nil {
		addrs = append(addrs, a)
	} else if addrs, err = d.resolver.LookupNetIP(ctx, "ip", host); err != nil {
		return nil, err
	}
	var failures error
	for _, a := range addrs {
		c, err := d.net.DialContext(ctx, network, net.JoinHostPort(a.Unmap().String(), port))
		if err == nil {
			return c, nil
		}
		failures = errors.Join(failures, err)
	}
	if failures == nil {
		failures = errors.New("webhook: the name has no address")
	}
	return nil, failures
}
