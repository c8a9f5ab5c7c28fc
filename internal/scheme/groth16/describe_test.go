package groth16

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provery/internal/fault"
	"provery/internal/scheme"
)

func TestDescribeProvingKey(t *testing.T) {
	t.Parallel()
	described := map[scheme.Layout]int{}
	for _, f := range fixtures(t) {
		file, err := os.ReadFile(filepath.Join(f.name, "proving.key"))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		vk, err := f.backend.ParseVerifyingKey(f.vk)
		if err != nil {
			t.Fatal(err)
		}
		info, err := DescribeProvingKey(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Errorf("%s: %v", f.name, err)
			continue
		}
		described[info.Layout]++
		layout := scheme.Layout(strings.TrimSuffix(filepath.Base(f.name), "-g16"))
		if info.Curve != f.backend.Curve() || info.Layout != layout || info.NumPublic != vk.NumPublic() || info.Domain&(info.Domain-1) != 0 {
			t.Errorf("%s: got %+v", f.name, info)
		}
		if (info.NumVariables == 0) != (layout == scheme.LayoutBellman) {
			t.Errorf("%s: got %d variables", f.name, info.NumVariables)
		}
		for _, n := range []int{0, 100, len(file) / 2, len(file) - 1} {
			if _, err := DescribeProvingKey(bytes.NewReader(file[:n]), int64(n)); !fault.Is(err, fault.InvalidArtifact) {
				t.Errorf("%s: cut at %d: got %v, want invalid_artifact", f.name, n, err)
			}
		}
	}
	if described[scheme.LayoutArk] < 10 || described[scheme.LayoutBellman] < 5 {
		t.Errorf("described %v, want keys in both layouts", described)
	}
}

func TestDescribeOwnKeys(t *testing.T) {
	t.Parallel()
	b := onBN254()
	pk, sys, _ := setUp(t, b, 1, shape{public: 3, constraints: 9})
	bellman, err := b.setup(context.Background(), sys, scheme.LayoutBellman, fixedRandom(1), 1)
	if err != nil {
		t.Fatal(err)
	}
	for layout, file := range map[scheme.Layout][]byte{scheme.LayoutArk: arkFile(t, pk), scheme.LayoutBellman: bellmanFile(t, bellman)} {
		info, err := DescribeProvingKey(bytes.NewReader(file), int64(len(file)))
		if err != nil || info.Layout != layout || info.NumPublic != 3 || info.Domain != 16 {
			t.Errorf("%s: got %+v and %v, want 3 public inputs and a domain of 16", layout, info, err)
		}
	}
}
