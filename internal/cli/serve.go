package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"provery/client"
	"provery/internal/config"
	"provery/internal/daemon"
	"provery/internal/fault"
	"provery/internal/telemetry"
)

type serveCommand struct {
	Config  string            `help:"Configuration file (YAML); 'provery config' prints one." placeholder:"FILE" env:"PROVERY_CONFIG"`
	Role    string            `help:"What this process does: all, api or worker." placeholder:"ROLE"`
	Listen  string            `help:"Address to listen on. One that isn't loopback needs API keys." placeholder:"HOST:PORT"`
	DataDir string            `help:"Directory for everything that lasts." placeholder:"DIR"`
	Slots   string            `help:"Proofs at a time." placeholder:"N"`
	Threads string            `help:"Threads for each proof; 0 to find out." placeholder:"N"`
	Set     map[string]string `help:"Any other setting, such as limits.max_wait=5m." placeholder:"KEY=VALUE"`
}

func (c *serveCommand) flags(cfg *config.Config) error {
	set := maps.Clone(c.Set)
	if set == nil {
		set = map[string]string{}
	}
	for key, value := range map[string]string{
		"role": c.Role, "listen": c.Listen, "data_dir": c.DataDir, "workers.slots": c.Slots, "workers.threads": c.Threads,
	} {
		if value != "" {
			set[key] = value
		}
	}
	return cfg.SetAll(set)
}

// Run runs the service until the process is told to stop.
func (c *serveCommand) Run(ctx context.Context, e *env) error {
	cfg, err := config.Load(config.Sources{File: c.Config, Environ: e.Environ, Flags: c.flags})
	if err != nil {
		return err
	}
	log, err := telemetry.NewLogger(e.Stderr, cfg.Log.Level, cfg.Log.Format)
	if err != nil {
		return err
	}
	d, err := daemon.New(ctx, cfg, build(e.Version), log)
	if err != nil {
		return err
	}
	if limit := d.MemoryLimit(); limit > 0 {
		debug.SetMemoryLimit(limit) // garbage goes before jobs have to wait
	}
	defer hurry(d)()
	return d.Run(ctx)
}

// hurry lets a second signal hand back the jobs in work at once; a third one
// ends the process. The first is the command's own.
func hurry(d *daemon.Daemon) (stop func()) {
	signals, done := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 2 {
			select {
			case <-signals:
			case <-done:
				return
			}
		}
		signal.Stop(signals)
		d.Drain(true)
	})
	return func() {
		signal.Stop(signals)
		close(done)
		wg.Wait()
	}
}

// build says what this binary was made from.
func build(version string) daemon.Build {
	b := daemon.Build{Version: version}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				b.Commit = s.Value
			}
		}
	}
	return b
}

type configCommand struct{}

// Run prints the commented defaults.
func (configCommand) Run(e *env) error {
	_, err := fmt.Fprint(e.Stdout, config.Example())
	return err
}

type keygenCommand struct {
	Name string `arg:"" help:"Name of the client, for logs and jobs."`
}

// Run makes an API key.
func (c *keygenCommand) Run(e *env) error {
	if !config.ValidKeyName(c.Name) {
		return usage("a client's name has up to 64 letters, digits, '.', '_' and '-'")
	}
	key, hash := config.GenerateKey()
	fmt.Fprintf(e.Stdout, "# The key, for the client; it isn't stored anywhere:\n%s\n\n# For the service's configuration:\napi_keys:\n  - name: %s\n    sha256: %s\n    # webhook_secrets: [%s] # if the client wants webhooks; it needs the secret, too\n", key, c.Name, hash, config.GenerateWebhookSecret())
	return nil
}

type healthCommand struct{}

// Run asks the service whether it is ready.
func (healthCommand) Run(ctx context.Context, e *env) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := client.New(e.server)
	if err != nil {
		return err
	}
	r, err := c.Ready(ctx)
	if err != nil {
		return err
	}
	for _, check := range r.Checks {
		if check.OK {
			fmt.Fprintf(e.Stdout, "ok    %s\n", check.Name)
		} else {
			fmt.Fprintf(e.Stdout, "FAIL  %s: %s\n", check.Name, check.Detail)
		}
	}
	if !r.Ready {
		return errSaid
	}
	return nil
}

type drainCommand struct {
	Now   bool   `help:"Hand back the jobs in work at once: the machine is about to be taken away."`
	Admin string `help:"Address of the process's admin_listen, on this machine." default:"http://127.0.0.1:9090" env:"PROVERY_ADMIN" placeholder:"URL"`
}

// Run asks a process on this machine to stop.
func (c *drainCommand) Run(ctx context.Context, e *env) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	url := strings.TrimRight(c.Admin, "/") + "/drain"
	if c.Now {
		url += "?now=true"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return usage("--admin: want http://127.0.0.1:9090")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fault.New(fault.InvalidRequest, "no process has its admin_listen at %s: %v", c.Admin, errors.Unwrap(err))
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusAccepted {
		return fault.New(fault.InvalidRequest, "%s: answered with status %d", c.Admin, res.StatusCode)
	}
	fmt.Fprintln(e.Stdout, "it takes no more jobs, and stops")
	return nil
}
