//go:build !unix

package hosting

import (
	"os"
	"os/exec"
)

func detach(*exec.Cmd) {}

func killed(*os.ProcessState) bool { return false }

func writableByOthers(os.FileInfo) bool { return false }
