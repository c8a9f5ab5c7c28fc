package tracing

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// uploader sends spans by OTLP over HTTP, in protobuf. It is an
// otlptrace.Client. It reports failures itself and to nobody else: the library
// would write them to standard error.
type uploader struct {
	settings
	http    *http.Client
	log     *slog.Logger
	observe func(spans int, sent bool)
	failing atomic.Bool // the last batch couldn't be sent
	life    context.Context
	kill    context.CancelFunc
}

func newUploader(s settings, log *slog.Logger, observe func(int, bool)) *uploader {
	u := &uploader{settings: s, log: log, observe: observe, http: &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: s.tls, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute},
	}}
	if observe == nil {
		u.observe = func(int, bool) {}
	}
	u.life, u.kill = context.WithCancel(context.Background())
	return u
}

// Start implements otlptrace.Client.
func (u *uploader) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client.
func (u *uploader) Stop(context.Context) error {
	u.http.CloseIdleConnections()
	return nil
}

// UploadTraces implements otlptrace.Client. Spans that can't be sent in time
// are dropped.
func (u *uploader) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	ctx, cancel := context.WithTimeout(ctx, u.timeout)
	defer cancel()
	defer context.AfterFunc(u.life, cancel)()
	err := u.send(ctx, spans)
	u.observe(count(spans), err == nil)
	switch was := u.failing.Swap(err != nil); {
	case err != nil && !was:
		u.log.Warn("traces can't be sent and are dropped; jobs don't mind", "collector", u.shown, "error", err)
	case err == nil && was:
		u.log.Info("traces are sent again", "collector", u.shown)
	}
	return nil
}

func count(spans []*tracepb.ResourceSpans) (n int) {
	for _, r := range spans {
		for _, s := range r.ScopeSpans {
			n += len(s.Spans)
		}
	}
	return n
}

// firstPause lies before the second try; it doubles with each.
const firstPause = 500 * time.Millisecond

// send sends a batch, again while the collector asks for that.
func (u *uploader) send(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// A collector's request has the form of TracesData: resource spans as
	// field 1. Its own type comes with gRPC's.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err == nil && u.gzip {
		body, err = pack(body)
	}
	if err != nil {
		return err
	}
	for pause := firstPause; ; pause *= 2 {
		after, err := u.post(ctx, body)
		if err == nil || after < 0 {
			return err
		}
		t := time.NewTimer(max(after, pause))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return err
		}
	}
}

func pack(body []byte) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	err := w.Close()
	return b.Bytes(), err
}

// post makes one try. After an error, again is how long the collector wants to
// be left alone before the next, and below 0 where there is no use in one.
func (u *uploader) post(ctx context.Context, body []byte) (again time.Duration, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.endpoint, bytes.NewReader(body))
	if err != nil {
		return -1, err
	}
	for name, values := range u.header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("User-Agent", "provery")
	if u.gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	res, err := u.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // so that the connection can be used again
	if res.StatusCode/100 == 2 {
		return 0, nil
	}
	err = fmt.Errorf("the collector answered with status %d", res.StatusCode)
	switch res.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return min(time.Duration(max(seconds, 0))*time.Second, time.Hour), err
	}
	return -1, err
}
