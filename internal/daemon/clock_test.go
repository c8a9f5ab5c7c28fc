package daemon

import (
	"testing"
	"time"
)

func TestClockIsRight(t *testing.T) {
	t.Parallel()
	before := time.Now()
	got := now()
	if got.Before(before) || got.After(time.Now()) {
		t.Errorf("got %v at %v", got, before)
	}
}
