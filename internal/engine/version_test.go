package engine

import (
	"testing"

	"provery/internal/fault"
)

func TestCheckVersion(t *testing.T) {
	t.Parallel()
	tests := []struct {
		version string
		ok      bool
	}{
		{"2.15.0", true}, {"2.15.2", true}, {"2.16.0-RC.1", true}, {"3.0.0", true}, {"2.100.1", true},
		{"2.14.9", false}, {"1.99.0", false}, {"", false}, {"2", false}, {"2.15", false}, {"x.y.z", false},
	}
	for _, tc := range tests {
		err := checkVersion(tc.version)
		if (err == nil) != tc.ok || err != nil && !fault.Is(err, fault.Unsupported) {
			t.Errorf("version %q: got %v, want ok=%v", tc.version, err, tc.ok)
		}
	}
}

func TestFatalServerIsNotHealthy(t *testing.T) {
	t.Parallel()
	var e embedded
	e.setFatal("first")
	e.setFatal("second")
	if err := e.healthy(); !fault.Is(err, fault.Overloaded) || *e.fatal.Load() != "first" {
		t.Errorf("got %v, want overloaded with the first text", err)
	}
}
