//go:build linux

package faulttest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// pod is the part of a pod that the test looks at.
type pod struct {
	Metadata struct {
		Name, UID         string
		Labels            map[string]string
		DeletionTimestamp string
	}
	Spec   struct{ NodeName string }
	Status struct {
		Phase      string
		Conditions []condition
	}
}

type condition struct{ Type, Status, Message string }

func holds(list []condition, kind string) bool {
	return slices.ContainsFunc(list, func(c condition) bool { return c.Type == kind && c.Status == "True" })
}

func (p *pod) ready() bool {
	return p.Metadata.DeletionTimestamp == "" && holds(p.Status.Conditions, "Ready")
}

// Selectors of the release's pods.
func (k *kube) all() string     { return "app.kubernetes.io/instance=" + k.release }
func (k *kube) workers() string { return k.all() + ",app.kubernetes.io/component=worker" }
func (k *kube) nats() string    { return k.all() + ",app.kubernetes.io/name=nats" }

// pods returns the pods of a selector.
func (k *kube) pods(ctx context.Context, selector string) ([]pod, error) {
	var list struct{ Items []pod }
	err := k.read(ctx, &list, "get", "pods", "--selector", selector, "--output", "json")
	return list.Items, err
}

// node is the part of a node that the test looks at.
type kubeNode struct {
	Metadata struct{ Name string }
	Spec     struct {
		Unschedulable bool
		Taints        []struct{ Key, Effect string }
	}
	Status struct{ Conditions []condition }
}

// takesPods reports whether any pod can be put on the node.
func (n *kubeNode) takesPods() bool {
	for _, t := range n.Spec.Taints {
		if t.Effect == "NoSchedule" || t.Effect == "NoExecute" {
			return false
		}
	}
	return !n.Spec.Unschedulable && holds(n.Status.Conditions, "Ready")
}

// drainable chooses the node to drain: named, or else one with a worker, with
// few servers of NATS, since two of them may not go at once, and with many
// workers. It says why not if none can be drained.
func drainable(nodes []kubeNode, pods []pod, named string) (node, why string) {
	nats, workers := map[string]int{}, map[string]int{}
	for _, p := range pods {
		switch {
		case p.Metadata.Labels["app.kubernetes.io/component"] == "worker":
			workers[p.Spec.NodeName]++
		case p.Metadata.Labels["app.kubernetes.io/name"] == "nats":
			nats[p.Spec.NodeName]++
		}
	}
	var names []string
	for _, n := range nodes {
		if n.takesPods() {
			names = append(names, n.Metadata.Name)
		}
	}
	if len(names) < 2 {
		return "", fmt.Sprintf("only one node takes pods (%s): its pods would have nowhere to go", strings.Join(names, ""))
	}
	if named != "" {
		if !slices.Contains(names, named) {
			return "", fmt.Sprintf("NODE=%s isn't among the nodes that take pods: %s", named, strings.Join(names, ", "))
		}
		return named, ""
	}
	return slices.MinFunc(names, func(a, b string) int {
		return cmp.Or(
			cmp.Compare(min(1, workers[b]), min(1, workers[a])),
			cmp.Compare(nats[a], nats[b]),
			cmp.Compare(workers[b], workers[a]),
			cmp.Compare(a, b),
		)
	}), ""
}

// streams is what a server of NATS tells of its streams.
type streams struct {
	Accounts []struct {
		Streams []struct {
			Name    string
			Cluster struct {
				Leader   string
				Replicas []struct {
					Name             string
					Current, Offline bool
				}
			}
		} `json:"stream_detail"`
	} `json:"account_details"`
}

// ledBy says why a server can't be killed as the leader of a stream, if it
// can't: it has to lead, and the others have to be up to date, which only the
// leader knows.
func (s *streams) ledBy(server, stream string) (why string) {
	for _, a := range s.Accounts {
		for _, st := range a.Streams {
			if st.Name != stream {
				continue
			}
			c := st.Cluster
			if c.Leader != server || len(c.Replicas) < 2 {
				return fmt.Sprintf("%s doesn't lead stream %s of three replicas", server, stream)
			}
			for _, r := range c.Replicas {
				if !r.Current || r.Offline {
					return fmt.Sprintf("stream %s: replica %s isn't up to date", stream, r.Name)
				}
			}
			return ""
		}
	}
	return fmt.Sprintf("%s doesn't know stream %s", server, stream)
}
