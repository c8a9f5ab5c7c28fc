// Package strict decodes the chart's golden renders with Kubernetes's own
// types, which refuse fields that they don't know. It is a module of its own,
// so that those types stay out of the service's.
package strict

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// known are the kinds that Kubernetes has itself.
func known(version, kind string) any {
	switch version + "/" + kind {
	case "v1/ConfigMap":
		return &corev1.ConfigMap{}
	case "v1/Service":
		return &corev1.Service{}
	case "v1/ServiceAccount":
		return &corev1.ServiceAccount{}
	case "v1/Pod":
		return &corev1.Pod{}
	case "apps/v1/Deployment":
		return &appsv1.Deployment{}
	case "apps/v1/StatefulSet":
		return &appsv1.StatefulSet{}
	case "policy/v1/PodDisruptionBudget":
		return &policyv1.PodDisruptionBudget{}
	case "autoscaling/v2/HorizontalPodAutoscaler":
		return &autoscalingv2.HorizontalPodAutoscaler{}
	case "networking.k8s.io/v1/NetworkPolicy":
		return &networkingv1.NetworkPolicy{}
	case "networking.k8s.io/v1/Ingress":
		return &networkingv1.Ingress{}
	}
	return nil
}

// extensions are kinds of others, whose types aren't here.
var extensions = map[string]bool{
	"keda.sh/v1alpha1/ScaledObject": true, "monitoring.coreos.com/v1/PodMonitor": true, "gateway.networking.k8s.io/v1/HTTPRoute": true,
}

func TestStrict(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../testdata/*.golden.yaml")
	if err != nil || len(paths) != 4 {
		t.Fatalf("got %d renders (%v), want 4", len(paths), err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		decoded := 0
		for doc := range bytes.SplitSeq(b, []byte("\n---\n")) {
			var head struct{ APIVersion, Kind string }
			if err := yaml.Unmarshal(doc, &head); err != nil {
				t.Fatal(err)
			}
			if head.Kind == "" || extensions[head.APIVersion+"/"+head.Kind] {
				continue
			}
			into := known(head.APIVersion, head.Kind)
			if into == nil {
				t.Errorf("%s: unknown kind %s/%s", filepath.Base(path), head.APIVersion, head.Kind)
				continue
			}
			if err := yaml.UnmarshalStrict(doc, into); err != nil {
				t.Errorf("%s: %s: %v", filepath.Base(path), head.Kind, err)
			}
			decoded++
			if d, ok := into.(*appsv1.Deployment); ok {
				checkSelector(t, d)
			}
		}
		if decoded < 8 {
			t.Errorf("%s: got %d objects: the file isn't read right", filepath.Base(path), decoded)
		}
	}
}

// checkSelector checks that a deployment finds its own pods, and that they get
// the time that their drain takes.
func checkSelector(t *testing.T, d *appsv1.Deployment) {
	t.Helper()
	for k, v := range d.Spec.Selector.MatchLabels {
		if d.Spec.Template.Labels[k] != v {
			t.Errorf("%s: selects %s=%s, which its pods aren't", d.Name, k, v)
		}
	}
	if grace := d.Spec.Template.Spec.TerminationGracePeriodSeconds; grace == nil || *grace < 20 {
		t.Errorf("%s: no time to drain", d.Name)
	}
	for _, v := range d.Spec.Template.Spec.Volumes {
		if v.Secret != nil && (v.Secret.DefaultMode == nil || *v.Secret.DefaultMode != 0o440) {
			t.Errorf("%s: secret %s has another mode than 0440", d.Name, strings.TrimSpace(v.Name))
		}
	}
}
