package daemon

import "time"

// clockOffset is how far this process's clock is off. It is empty but in the
// binaries of the failure tests, where the linker sets it: there is no setting
// by which anybody could do that to a real service.
var clockOffset string

// now is the process's clock.
func now() time.Time {
	off, err := time.ParseDuration(clockOffset)
	if err != nil {
		return time.Now()
	}
	return time.Now().Add(off)
}
