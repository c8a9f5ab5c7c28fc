package gm17

import (
	"io"
	"testing"
	"unsafe"

	"provery/internal/fault"
)

func FuzzImportProvingKey(f *testing.F) {
	b := onBN254()
	pk, sys, _ := setUp(f, b, 1, shape{public: 1, constraints: 2})
	f.Add(arkFile(f, pk))
	f.Fuzz(func(t *testing.T, data []byte) {
		key, err := importBytes(b, sys, data, "")
		if err == nil {
			err = key.WriteFile(io.Discard)
		}
		if err != nil && !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("got %v, want invalid_artifact", err)
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
	f.Add(proof)
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
	f.Add(vk)
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

func FuzzDescribeProvingKey(f *testing.F) {
	pk, _, _ := setUp(f, onBN254(), 1, shape{public: 1, constraints: 2})
	f.Add(arkFile(f, pk))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := DescribeProvingKey(bytesAt(data), int64(len(data))); err != nil && !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("got %v, want invalid_artifact", err)
		}
	})
}

// bytesAt is an io.ReaderAt that ends early without an error other than io.EOF.
type bytesAt []byte

func (b bytesAt) ReadAt(p []byte, at int64) (int, error) {
	if at > int64(len(b)) {
		return 0, io.EOF
	}
	n := copy(p, b[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}
