package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"provery/api"
)

// maxPause is how long a call waits at most before it is repeated. A service that
// says to come back later than that is left to the caller.
const maxPause = time.Minute

// again reports whether it is worth repeating what failed with err, if that is
// safe to repeat.
func again(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	var e *Error
	var source *sourceError
	var check *CheckError
	if !errors.As(err, &e) {
		return !errors.As(err, &source) && !errors.As(err, &check) // the network: the answer didn't come
	}
	// A proof that ended with a problem has ended: only a new request helps.
	return e.Retryable && e.Instance == "" && e.Code != api.CodeDeadlineExceeded && e.RetryAfter <= int(maxPause/time.Second)
}

// pause waits as long as the service said, or backs off. It returns early
// with ctx's error.
func (c *Client) pause(ctx context.Context, attempt int, err error) error {
	d := c.backoff(attempt)
	var e *Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		d = max(d, time.Duration(e.RetryAfter)*time.Second)
	}
	return sleep(ctx, d)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// exponential doubles from a quarter of a second, and varies by half, so that
// clients that failed together don't come back together.
func exponential(attempt int) time.Duration {
	base := 250 * time.Millisecond << min(attempt, 8)
	return base/2 + rand.N(base)
}

// retryAfter parses the header, in seconds or as a date.
func retryAfter(header string) (seconds int, ok bool) {
	if n, err := strconv.Atoi(header); err == nil && n >= 0 {
		return n, true
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(0, int(time.Until(at).Seconds())), true
	}
	return 0, false
}
