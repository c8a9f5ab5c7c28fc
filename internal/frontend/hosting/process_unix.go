//go:build unix

package hosting

import (
	"os"
	"os/exec"
	"syscall"
)

// detach keeps the terminal's signals from the child: whether an interrupt ends
// a compilation is this process's decision.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killed reports whether somebody killed the process, which here is the
// system, as it does when memory runs out.
func killed(state *os.ProcessState) bool {
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

func writableByOthers(dir os.FileInfo) bool { return dir.Mode().Perm()&0o022 != 0 }
