//go:build linux

package faulttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// runner runs a program to its end, with in as its standard input, and returns
// what it prints, also with an error. All that the test does to a cluster goes
// through one.
type runner func(ctx context.Context, in []byte, name string, args ...string) ([]byte, error)

// command is the runner of real programs. They are in a process group of their
// own: the terminal's interrupt is for the test, which then cleans up with them.
func command(ctx context.Context, in []byte, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.Output()
	if err == nil {
		return out, nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	said := strings.TrimSpace(stderr.String())
	return out, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, said[max(0, len(said)-2000):])
}

// kube is a release of the chart in a namespace of its own, on the cluster that
// kubectl and helm reach.
type kube struct {
	settings
	run     runner
	say     func(format string, args ...any) // what is being done
	release string

	owned     bool   // the namespace may be there, by our doing
	installed bool   // helm was asked to install the release
	cordoned  string // the node that takes no pods, by our doing
}

func (k *kube) kubectl(ctx context.Context, args ...string) ([]byte, error) {
	return k.run(ctx, nil, "kubectl", append([]string{"--namespace", k.namespace}, args...)...)
}

// read decodes what kubectl prints.
func (k *kube) read(ctx context.Context, into any, args ...string) error {
	out, err := k.kubectl(ctx, args...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(out, into); err != nil {
		return fmt.Errorf("kubectl %s: it didn't print JSON: %w", strings.Join(args, " "), err)
	}
	return nil
}

// create makes objects. Secrets are among them, so they go through a pipe.
func (k *kube) create(ctx context.Context, objects ...object) error {
	list, err := json.Marshal(object{"apiVersion": "v1", "kind": "List", "items": objects})
	if err != nil {
		return err
	}
	_, err = k.run(ctx, list, "kubectl", "--namespace", k.namespace, "create", "-f", "-")
	return err
}

// helm runs helm with values that it reads from a pipe, if there are any.
func (k *kube) helm(ctx context.Context, values object, args ...string) error {
	var in []byte
	if values != nil {
		var err error
		if in, err = json.Marshal(values); err != nil { // JSON is YAML
			return err
		}
	}
	_, err := k.run(ctx, in, "helm", append([]string{"--namespace", k.namespace}, args...)...)
	return err
}

// errInVain is the error of a wait that was too long.
var errInVain = errors.New("waited in vain")

// until asks again and again whether something is so, and why not, until it is.
// A question that fails, as all do while a cluster is shaken, is asked again.
func until(ctx context.Context, limit time.Duration, what string, ask func() (why string, err error)) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		why, err := ask()
		if why == "" && err == nil {
			return nil
		}
		if err != nil {
			why = err.Error()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, context.Cause(ctx))
		case <-deadline.C:
			return fmt.Errorf("%s: %w, %v: %s", what, errInVain, limit, why)
		case <-tick.C:
		}
	}
}
