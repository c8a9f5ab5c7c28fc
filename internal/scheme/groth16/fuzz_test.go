package groth16

import (
	"bytes"
	"context"
	"io"
	"testing"
	"unsafe"

	"provery/internal/fault"
	"provery/internal/r1cs"
	"provery/internal/scheme"
)

// keysToFuzz returns a small system with a key for it in each layout.
func keysToFuzz(f *testing.F, b *bn254Backend) (sys *r1cs.System, ark, bellman []byte) {
	f.Helper()
	sys, _ = randomSystem(b.Field, 1, shape{public: 1, constraints: 2})
	made, err := b.setup(context.Background(), sys, scheme.LayoutBellman, fixedRandom(1), 1)
	if err != nil {
		f.Fatal(err)
	}
	native, err := b.setup(context.Background(), sys, scheme.LayoutNative, fixedRandom(1), 1)
	if err != nil {
		f.Fatal(err)
	}
	return sys, arkFile(f, native), bellmanFile(f, made)
}

func FuzzImportProvingKey(f *testing.F) {
	b := onBN254()
	sys, ark, bellman := keysToFuzz(f, b)
	made, err := b.setup(context.Background(), sys, scheme.LayoutSnarkJS, fixedRandom(1), 1)
	if err != nil {
		f.Fatal(err)
	}
	var zkey bytes.Buffer
	if err := made.Export(&zkey, sys); err != nil {
		f.Fatal(err)
	}
	f.Add(zkey.Bytes())
	f.Add(ark)
	f.Add(bellman)
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, layout := range []scheme.Layout{"", scheme.LayoutArk, scheme.LayoutBellman} {
			pk, err := importBytes(b, sys, data, layout)
			if err == nil {
				err = pk.WriteFile(io.Discard)
			} else if !fault.Is(err, fault.InvalidArtifact) && !fault.Is(err, fault.Unsupported) {
				t.Errorf("got %v, want invalid_artifact or, for a .zkey file, unsupported", err)
			}
			_ = err
		}
	})
}

func FuzzOpenProvingKey(f *testing.F) {
	b := onBN254()
	pk, sys, _ := setUp(f, b, 1, shape{public: 1, constraints: 5, unused: 1})
	f.Add(fileOf(f, pk))
	f.Fuzz(func(t *testing.T, data []byte) {
		// Sections are used in place: the file must be aligned.
		words := make([]uint64, len(data)/8+1)
		file := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(data))
		copy(file, data)
		opened, err := b.OpenProvingKey(file)
		if err != nil {
			if !fault.Is(err, fault.InvalidArtifact) {
				t.Errorf("got %v, want invalid_artifact", err)
			}
			return
		}
		if opened.Fits(sys) == nil {
			_ = opened.Export(io.Discard, sys)
		}
		_, _ = opened.VerifyingKey().Encode()
	})
}

func FuzzParseProof(f *testing.F) {
	b := onBN254()
	_, proof := documents(f, b)
	f.Add([]byte(proof))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, public, err := b.ParseProof(data)
		if err != nil {
			if !fault.Is(err, fault.InvalidRequest) {
				t.Errorf("got %v, want invalid_request", err)
			}
			return
		}
		if _, err := b.EncodeProof(p, public); err != nil {
			t.Errorf("encode what was parsed: %v", err)
		}
	})
}

func FuzzParseVerifyingKey(f *testing.F) {
	b := onBN254()
	vk, _ := documents(f, b)
	f.Add([]byte(vk))
	f.Fuzz(func(t *testing.T, data []byte) {
		parsed, err := b.ParseVerifyingKey(data)
		if err != nil {
			if !fault.Is(err, fault.InvalidArtifact) {
				t.Errorf("got %v, want invalid_artifact", err)
			}
			return
		}
		if _, err := parsed.Encode(); err != nil {
			t.Errorf("encode what was parsed: %v", err)
		}
	})
}
