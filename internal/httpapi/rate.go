package httpapi

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/time/rate"

	"provery/api"
	"provery/internal/fault"
)

// Rate bounds the requests of a caller by a token bucket. The zero value
// doesn't.
type Rate struct {
	PerSecond float64 // over time; 0 is any number
	Burst     int     // at once
}

// newLimiters returns the limiters of the callers that have a rate.
func newLimiters(o *Options) map[string]*rate.Limiter {
	limiters := map[string]*rate.Limiter{}
	add := func(caller string, r Rate) {
		if r.PerSecond > 0 {
			limiters[caller] = rate.NewLimiter(rate.Limit(r.PerSecond), max(r.Burst, 1))
		}
	}
	for _, k := range o.Keys {
		add(k.Name, k.Rate)
	}
	if len(o.Keys) == 0 {
		add("", o.Rate)
	}
	return limiters
}

// limitRate takes a token of the caller's, or refuses the request and says when
// there will be one. The headers tell how many are left.
func (s *Server) limitRate(x *exchange) error {
	l := s.limiters[x.caller.Name]
	if l == nil {
		return nil
	}
	now := time.Now()
	r := l.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait > 0 {
		r.CancelAt(now)
	}
	tellRate(x.writer.Header(), l, l.TokensAt(now))
	if wait > 0 {
		return &fault.Error{Code: fault.RateLimited, Detail: "requests of this API key come too fast", RetryAfter: wait}
	}
	return nil
}

// tellRate sets the headers about a bucket with so many tokens.
func tellRate(h http.Header, l *rate.Limiter, tokens float64) {
	full := math.Max(float64(l.Burst())-tokens, 0) / float64(l.Limit())
	h.Set(api.HeaderRateLimit, strconv.Itoa(l.Burst()))
	h.Set(api.HeaderRateRemaining, strconv.Itoa(int(math.Max(tokens, 0))))
	h.Set(api.HeaderRateReset, strconv.Itoa(int(math.Ceil(full))))
}
