package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.opentelemetry.io/otel/trace"

	"provery/internal/fault"
	"provery/internal/tracing"
)

// The headers of Standard Webhooks.
const (
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// secretPrefix begins secrets in configurations.
const secretPrefix = "whsec_"

// ParseSecret reads a secret as Standard Webhooks writes it: "whsec_" and 24 to
// 64 bytes in base64. The error doesn't repeat it.
func ParseSecret(text string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, secretPrefix))
	if err != nil || !strings.HasPrefix(text, secretPrefix) || len(b) < 24 || len(b) > 64 {
		return nil, fault.New(fault.InvalidRequest, "want %s and 24 to 64 bytes in base64", secretPrefix)
	}
	return b, nil
}

// sign returns the signatures of a delivery, one for each secret.
func sign(secrets [][]byte, id, timestamp string, body []byte) string {
	var out []string
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		for _, part := range []string{id, ".", timestamp, "."} {
			mac.Write([]byte(part))
		}
		mac.Write(body)
		out = append(out, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(out, " ")
}

// answer is what came of a delivery.
type answer struct {
	Attempt
	retryAfter time.Duration // what the receiver asked for; 0: nothing
}

func (a *answer) ok() bool { return a.Status >= 200 && a.Status < 300 }

// maxAnswer is how much of an answer is read before the connection is closed.
const maxAnswer = 4 << 10

// send makes one delivery.
func (d *Dispatcher) send(ctx context.Context, r *record) (a answer) {
	a = answer{Attempt: Attempt{Time: d.cfg.Now().UTC()}}
	began := time.Now()
	ctx, span := d.startSend(ctx, r)
	defer func() { a.Took = time.Since(began); endSend(span, &a) }()
	req, err := d.request(ctx, r)
	if err != nil {
		d.cfg.Logger.Error("webhooks", "doing", "open address", "subject", r.Subject, "cause", err)
		a.Problem = "the address can't be opened: its key is missing"
		return a
	}
	res, err := d.http.Do(req)
	if err != nil {
		a.Problem = describe(err)
		return a
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, maxAnswer)
	a.Status = res.StatusCode
	a.LastWord = res.StatusCode == http.StatusGone
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 && (a.Status == 429 || a.Status == 503) {
		a.retryAfter = min(time.Duration(s)*time.Second, d.cfg.MaxBackoff)
	}
	switch {
	case a.ok():
	case a.Status >= 300 && a.Status < 400:
		a.Problem = "the receiver redirects, which isn't followed"
	default:
		a.Problem = "the receiver answered with status " + strconv.Itoa(a.Status)
	}
	return a
}

// request returns the signed request of a delivery.
func (d *Dispatcher) request(ctx context.Context, r *record) (*http.Request, error) {
	address, err := d.sealed.Open(r.Subject, sealPurpose, r.URL)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, string(address), bytes.NewReader(r.Body))
	if err != nil {
		return nil, fault.New(fault.Internal, "the address is no URL any more")
	}
	timestamp := strconv.FormatInt(d.cfg.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "provery-webhook")
	req.Header.Set(headerID, r.EventID)
	req.Header.Set(headerTimestamp, timestamp)
	req.Header.Set(headerSignature, sign(d.cfg.Secrets(r.Owner), r.EventID, timestamp, r.Body))
	tracing.ToHeader(ctx, req.Header)
	return req, nil
}

// startSend begins the span of a delivery, in the trace of the request that
// asked for the webhook. The address may be a secret and stays out.
func (d *Dispatcher) startSend(ctx context.Context, r *record) (context.Context, trace.Span) {
	return d.cfg.Tracer.Start(tracing.WithParent(ctx, r.Trace), "webhook", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		tracing.KeySubject.String(r.Subject), tracing.KeyEvent.String(r.Type), tracing.KeyTry.Int(r.Tries),
	))
}

func endSend(span trace.Span, a *answer) {
	if a.Status != 0 {
		span.SetAttributes(tracing.KeyStatus.Int(a.Status))
	}
	outcome := string(Delivered)
	if !a.ok() {
		outcome = string(Failed)
	}
	tracing.EndWith(span, outcome, !a.ok())
}

// describe says what went wrong in words of our own: the library's texts hold
// the address, which may hold secrets.
func describe(err error) string {
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var timeout net.Error
	switch {
	case errors.Is(err, errPrivate):
		return "the address isn't a public one, which this service doesn't allow"
	case errors.As(err, &dns):
		return "the name can't be resolved"
	case errors.As(err, &cert):
		return "the receiver's certificate isn't trusted"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "the receiver didn't answer in time"
	}
	return "the connection failed"
}
