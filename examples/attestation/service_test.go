package attestation

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"provery/client"
)

// startService builds the service and runs it until the test ends.
func startService(t *testing.T) *client.Client {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "provery")
	if out, err := exec.Command("go", "build", "-C", "../..", "-o", binary, "./cmd/provery").CombinedOutput(); err != nil {
		t.Fatalf("build the service: %v\n%s", err, out)
	}
	cmd := exec.Command(binary, "serve", "--listen", "127.0.0.1:0", "--data-dir", t.TempDir())
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address, ended := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(ended)
		serving := regexp.MustCompile(`msg=serving address=(\S+)`)
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			if m := serving.FindStringSubmatch(lines.Text()); m != nil {
				address <- m[1]
				break
			}
		}
		_, _ = io.Copy(io.Discard, log)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	select {
	case a := <-address:
		c, err := client.New("http://" + a)
		if err != nil {
			t.Fatal(err)
		}
		return c
	case <-ended:
		t.Fatal("the service ended at its start")
	}
	return nil
}

// circuitDir is the folder of the compiled circuit.
func circuitDir() string {
	cache := os.Getenv("PROVERY_CACHE")
	if cache == "" {
		cache = filepath.Join("..", "..", "build", "cache")
	}
	return filepath.Join(cache, "readings", "bn128")
}
