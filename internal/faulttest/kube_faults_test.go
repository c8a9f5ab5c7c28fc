//go:build linux

package faulttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// scale waits until there are n workers and no others, not even such as are
// still ending.
func (k *kube) scale(ctx context.Context, n int) error {
	if _, err := k.kubectl(ctx, "scale", "deployment/"+k.release+"-worker", "--replicas", strconv.Itoa(n)); err != nil {
		return err
	}
	return k.settled(ctx, k.workers(), n)
}

// settled waits until a selector's pods are n, all of them ready.
func (k *kube) settled(ctx context.Context, selector string, n int) error {
	return until(ctx, starting, fmt.Sprintf("%d pods of %s are ready", n, selector), func() (string, error) {
		pods, err := k.pods(ctx, selector)
		if err != nil {
			return "", err
		}
		ready := 0
		for _, p := range pods {
			if p.ready() {
				ready++
			}
		}
		if ready != n || len(pods) != n {
			return fmt.Sprintf("%d are there, %d ready", len(pods), ready), nil
		}
		return "", nil
	})
}

// errLeftOut is the error of a step that can't be made on this cluster.
var errLeftOut = errors.New("LEFT OUT")

// drained drains a node, goes on without it for a while, and gives it back.
func (k *kube) drained(ctx context.Context, meanwhile func() error) error {
	workers, err := k.pods(ctx, k.workers())
	if err == nil {
		err = k.drain(ctx)
	}
	if err == nil {
		err = meanwhile()
	}
	if err == nil {
		err = k.uncordon(ctx)
	}
	if err != nil {
		return err
	}
	return k.settled(ctx, k.workers(), len(workers))
}

// drain keeps new pods from a node and evicts the release's from it, nobody
// else's. The node stays cordoned until uncordon.
func (k *kube) drain(ctx context.Context) error {
	var nodes struct{ Items []kubeNode }
	if err := k.read(ctx, &nodes, "get", "nodes", "--output", "json"); err != nil {
		return err
	}
	pods, err := k.pods(ctx, k.all())
	if err != nil {
		return err
	}
	node, why := drainable(nodes.Items, pods, k.node)
	if why != "" {
		return fmt.Errorf("%w: %s", errLeftOut, why)
	}
	k.say("draining node %s: only pods of this release are evicted", node)
	k.cordoned = node
	_, err = k.kubectl(ctx, "drain", node, "--pod-selector", k.all(), "--ignore-daemonsets", "--delete-emptydir-data", "--timeout", "5m")
	return err
}

// uncordon lets pods onto the node again.
func (k *kube) uncordon(ctx context.Context) error {
	if k.cordoned == "" {
		return nil
	}
	if _, err := k.kubectl(ctx, "uncordon", k.cordoned); err != nil {
		return fmt.Errorf("NODE %s IS STILL CORDONED: %w", k.cordoned, err)
	}
	k.cordoned = ""
	return nil
}

// leader returns the pod that leads the first stream of job records, as soon as
// all others are up to date.
func (k *kube) leader(ctx context.Context) (name string, err error) {
	err = until(ctx, starting, "all servers of NATS are up to date", func() (string, error) {
		var whys []string
		pods, err := k.pods(ctx, k.nats())
		if err != nil {
			return "", err
		}
		if len(pods) < 3 {
			return fmt.Sprintf("there are %d", len(pods)), nil
		}
		for _, p := range pods {
			if !p.ready() {
				return p.Metadata.Name + " isn't ready", nil
			}
		}
		for _, p := range pods {
			name = p.Metadata.Name
			var s streams
			path := fmt.Sprintf("/api/v1/namespaces/%s/pods/%s:8222/proxy/jsz?accounts=true&streams=true", k.namespace, name)
			if err := k.read(ctx, &s, "get", "--raw", path); err != nil {
				return "", err
			}
			why := s.ledBy(name, records[0])
			if why == "" {
				return "", nil
			}
			whys = append(whys, why)
		}
		return strings.Join(whys, "; "), nil
	})
	return name, err
}

// kill gives a pod a second to end. Less could leave two servers with one
// volume.
func (k *kube) kill(ctx context.Context, name string, meanwhile func() error) error {
	if _, err := k.kubectl(ctx, "delete", "pod", name, "--now", "--wait=false"); err != nil {
		return err
	}
	return meanwhile()
}

// test runs the chart's own test.
func (k *kube) test(ctx context.Context) error {
	return k.helm(ctx, nil, "test", k.release, "--timeout", starting.String())
}

// killLeader kills the server of NATS that leads.
func (k *kube) killLeader(ctx context.Context, meanwhile func() error) error {
	name, err := k.leader(ctx)
	if err != nil {
		return err
	}
	servers, err := k.pods(ctx, k.nats())
	if err != nil {
		return err
	}
	k.say("killing %s, which leads", name)
	if err := k.kill(ctx, name, meanwhile); err != nil {
		return err
	}
	before := servers[slices.IndexFunc(servers, func(p pod) bool { return p.Metadata.Name == name })]
	err = until(ctx, starting, name+" is there again", func() (string, error) {
		var p pod
		err := k.read(ctx, &p, "get", "pod", name, "--output", "json")
		if err == nil && (p.Metadata.UID == before.Metadata.UID || !p.ready()) {
			return "not yet", nil
		}
		return "", err
	})
	if err != nil {
		return err
	}
	return k.settled(ctx, k.nats(), len(servers))
}

// killWorker kills a worker in the middle of its work.
func (k *kube) killWorker(ctx context.Context, meanwhile func() error) error {
	pods, err := k.pods(ctx, k.workers())
	if err != nil {
		return err
	}
	if len(pods) == 0 {
		return errors.New("there is no worker")
	}
	k.say("killing %s", pods[0].Metadata.Name)
	if err := k.kill(ctx, pods[0].Metadata.Name, meanwhile); err != nil {
		return err
	}
	return k.settled(ctx, k.workers(), len(pods))
}

// describe says what the release's pods are at, for a failure.
func (k *kube) describe(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	text := ""
	for _, args := range [][]string{
		{"get", "pods,persistentvolumeclaims", "--output", "wide"},
		{"get", "events", "--field-selector", "type!=Normal", "--sort-by", ".lastTimestamp"},
		{"logs", "--selector", k.all(), "--all-containers", "--prefix", "--tail", "15", "--max-log-requests", "20"},
	} {
		out, err := k.kubectl(ctx, args...)
		if err != nil {
			text += err.Error() + "\n"
		}
		text += string(out[max(0, len(out)-16<<10):]) + "\n"
	}
	return text
}
