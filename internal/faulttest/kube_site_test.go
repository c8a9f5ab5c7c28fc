//go:build linux

package faulttest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"provery/internal/config"
	"provery/internal/seal"
)

// object is a Kubernetes object, or a part of one.
type object = map[string]any

const (
	chart = "../../deploy/helm/provery"
	// starting bounds the waits for pods: images have to be pulled.
	starting = 10 * time.Minute
)

// install installs the release, with one worker, and waits until it is ready.
// It returns a client's key.
func (k *kube) install(ctx context.Context) (key string, err error) {
	k.owned = true
	if _, err := k.run(ctx, nil, "kubectl", "create", "namespace", k.namespace); err != nil {
		k.owned = !strings.Contains(err.Error(), "AlreadyExists")
		return "", err
	}
	key, hash := config.GenerateKey()
	testKey, testHash := config.GenerateKey()
	sealKey, err := newSealKey()
	if err != nil {
		return "", err
	}
	objects := []object{
		secret("provery-seal", "seal.key", sealKey),
		secret("provery-api-keys", "keys", []byte("load:"+hash+",test:"+testHash)),
		secret("provery-test-key", "key", []byte(testKey)),
	}
	if k.ownStore {
		objects = append(objects, k.store()...)
	}
	if err := k.create(ctx, objects...); err != nil {
		return "", err
	}
	if k.secretsFile != "" {
		if _, err := k.kubectl(ctx, "create", "-f", k.secretsFile); err != nil {
			return "", err
		}
	}
	if k.ownStore {
		k.say("waiting for the S3 server")
		if _, err := k.kubectl(ctx, "wait", "--for=condition=Ready", "pod/s3", "--timeout", starting.String()); err != nil {
			return "", err
		}
	}
	k.say("installing the chart")
	k.installed = true
	return key, k.helm(ctx, k.values(), k.releaseArgs("install", k.image, 1)...)
}

// upgradeTo rolls the release to an image. The pods are replaced even if it is
// the one that they have.
func (k *kube) upgradeTo(ctx context.Context, to image, workers int) error {
	args := append(k.releaseArgs("upgrade", to, workers),
		"--set-string", "api.podAnnotations.upgraded=yes,worker.podAnnotations.upgraded=yes")
	return k.helm(ctx, k.values(), args...)
}

// releaseArgs are the arguments to install or upgrade the release. What the test
// itself depends on counts more than the file of values.
func (k *kube) releaseArgs(verb string, of image, workers int) []string {
	args := []string{verb, k.release, chart, "--wait", "--timeout", starting.String(), "--values", "-"}
	if k.valuesFile != "" {
		args = append(args, "--values", k.valuesFile)
	}
	return append(args,
		"--set-string", "image.repository="+of.repository+",image.tag="+of.tag,
		"--set", fmt.Sprintf("worker.replicas=%d,worker.autoscaling.mode=none,api.autoscaling.enabled=false", workers))
}

// values are those of a small service that any cluster has room for.
func (k *kube) values() object {
	small := object{"requests": object{"cpu": "100m", "memory": "256Mi"}, "limits": object{"memory": "1Gi"}}
	cache := object{"bytes": "256MiB", "size": "1Gi"}
	nats := object{"enabled": k.ownEngine, "storage": object{"size": "1Gi", "storageClass": k.storageClass}, "resources": small}
	if k.natsImage != "" {
		nats["image"] = k.natsImage
	}
	v := object{
		"image": object{"pullPolicy": k.pullPolicy},
		"nats":  nats,
		"api":   object{"resources": small, "cache": cache, "drainTimeout": "20s", "terminationGracePeriodSeconds": 30},
		"worker": object{
			"slots": 1, "threads": 1, "cacheBytes": "128MiB", "resources": small, "cache": cache,
			"drainTimeout": "20s", "terminationGracePeriodSeconds": 30,
		},
	}
	if k.ownStore {
		v["store"] = object{"s3": object{
			"bucket": "provery", "endpoint": "http://s3:7070", "region": "us-east-1", "credentials": object{"secret": "s3-user"},
		}}
	}
	return v
}

// store are the objects of an S3 server that lasts as long as its pod. The
// drain leaves it alone, since it isn't the release's.
func (k *kube) store() []object {
	const user, password = "provery", "e2e-e2e-e2e"
	file := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", user, password)
	confined := object{"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": object{"drop": []string{"ALL"}}}
	labels := object{"app": "s3"}
	p := object{
		"apiVersion": "v1", "kind": "Pod", "metadata": object{"name": "s3", "labels": labels},
		"spec": object{
			"automountServiceAccountToken": false,
			"securityContext": object{
				"runAsNonRoot": true, "runAsUser": nobody, "runAsGroup": nobody, "fsGroup": nobody, "seccompProfile": object{"type": "RuntimeDefault"},
			},
			// A bucket is a directory, which comes into being where it is mounted.
			"initContainers": []object{{
				"name": "bucket", "image": k.image.String(), "imagePullPolicy": k.pullPolicy, "args": []string{"--version"}, "securityContext": confined,
				"volumeMounts": []object{{"name": "blobs", "mountPath": "/blobs", "subPath": "provery"}},
			}},
			"containers": []object{{
				"name": "s3", "image": k.s3Image, "imagePullPolicy": k.pullPolicy, "args": []string{"posix", "/blobs"}, "securityContext": confined,
				"env":            []object{{"name": "ROOT_ACCESS_KEY", "value": user}, {"name": "ROOT_SECRET_KEY", "value": password}},
				"ports":          []object{{"name": "s3", "containerPort": 7070}},
				"readinessProbe": object{"tcpSocket": object{"port": "s3"}, "periodSeconds": 1},
				"resources":      object{"requests": object{"cpu": "100m", "memory": "128Mi"}, "limits": object{"memory": "1Gi"}},
				"volumeMounts":   []object{{"name": "blobs", "mountPath": "/blobs"}, {"name": "tmp", "mountPath": "/tmp"}},
			}},
			"volumes": []object{{"name": "blobs", "emptyDir": object{}}, {"name": "tmp", "emptyDir": object{}}},
		},
	}
	service := object{
		"apiVersion": "v1", "kind": "Service", "metadata": object{"name": "s3"},
		"spec": object{"selector": labels, "ports": []object{{"name": "s3", "port": 7070, "targetPort": "s3"}}},
	}
	return []object{secret("s3-user", "credentials", []byte(file)), p, service}
}

func secret(name, key string, value []byte) object {
	return object{
		"apiVersion": "v1", "kind": "Secret", "metadata": object{"name": name},
		"data": object{key: base64.StdEncoding.EncodeToString(value)},
	}
}

// newSealKey returns the content of a new sealing key's file.
func newSealKey() ([]byte, error) {
	dir, err := os.MkdirTemp("", "provery-e2e-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "seal.key")
	if _, err := seal.Create(file); err != nil {
		return nil, err
	}
	return os.ReadFile(file)
}

// remove undoes everything that was done to the cluster, as far as it was
// done, and tells what it couldn't.
func (k *kube) remove(ctx context.Context, lookForVolumes bool) error {
	err := k.uncordon(ctx)
	switch {
	case !k.owned:
		return err
	case k.keep:
		k.say("KEEP: the release is left there. Remove it with: helm --namespace %s uninstall %s; kubectl delete namespace %s", k.namespace, k.release, k.namespace)
		return err
	}
	k.say("uninstalling")
	if k.installed {
		err = errors.Join(err, k.helm(ctx, nil, "uninstall", k.release, "--ignore-not-found", "--wait", "--timeout", "5m"))
	}
	_, e := k.run(ctx, nil, "kubectl", "delete", "namespace", k.namespace, "--ignore-not-found", "--timeout", "5m")
	if err = errors.Join(err, e); err != nil || !lookForVolumes {
		return err
	}
	return until(ctx, starting, "the volumes of the namespace go as well", func() (string, error) {
		var list struct {
			Items []struct {
				Metadata struct{ Name string }
				Spec     struct{ ClaimRef struct{ Namespace string } }
			}
		}
		err := k.read(ctx, &list, "get", "persistentvolumes", "--output", "json")
		var left []string
		for _, v := range list.Items {
			if v.Spec.ClaimRef.Namespace == k.namespace {
				left = append(left, v.Metadata.Name)
			}
		}
		if len(left) > 0 {
			return strings.Join(left, ", ") + ": does their class retain volumes?", err
		}
		return "", err
	})
}
