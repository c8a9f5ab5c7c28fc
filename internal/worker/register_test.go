package worker

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/registry"
	"provery/internal/scheme"
	"provery/internal/scheme/gm17"
)

// TestFullDisk registers while the store is full: nothing is registered, and
// nothing is lost when there is room again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.blobs.onPut.set(fullDisk)
	_, _, err := r.registrar.Circuit(t.Context(), "zokrates", programOf(t, "mul"), "mul", "")
	if !fault.Is(err, fault.InsufficientStorage) {
		t.Errorf("circuit: got %v, want insufficient_storage", err)
	}
	if list, _, err := r.registry.List(t.Context(), "", 0); err != nil || len(list) != 0 {
		t.Errorf("got %v, %v, want nothing registered", list, err)
	}
	r.blobs.onPut.set(fine)
	c := r.register("mul")
	r.blobs.onPut.set(fullDisk)
	keys := KeyUpload{ProvingKey: upload(t, "mul", "ark-g16/proving.key")}
	if _, _, err := r.registrar.Keys(t.Context(), c, keys); !fault.Is(err, fault.InsufficientStorage) {
		t.Errorf("keys: got %v, want insufficient_storage", err)
	}
	if _, err := r.registrar.Setup(t.Context(), c, "groth16"); !fault.Is(err, fault.InsufficientStorage) {
		t.Errorf("setup: got %v, want insufficient_storage", err)
	}
	if sets := r.registry.KeySets(c.ID); len(sets) != 0 {
		t.Errorf("got %v, want no keys", sets)
	}
	r.blobs.onPut.set(fine)
	if _, existed, err := r.registrar.Keys(t.Context(), c, keys); err != nil || existed {
		t.Errorf("got existed %v, %v", existed, err)
	}
}

// TestRegisteringAtOnce registers the same files from many sides.
func TestRegisteringAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	imports := make(chan struct{}, 16)
	r.front.onImport.set(func(context.Context) error { imports <- struct{}{}; return nil })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, _, err := r.registrar.Circuit(t.Context(), "zokrates", programOf(t, "mul"), "mul", "v1"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(imports) != 1 {
		t.Errorf("imported %d times, want once", len(imports))
	}
}

func TestRegistrationsThatFail(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	good := programOf(t, "mul")
	for _, tc := range []struct {
		name, front, circuit, tag string
		parts                     map[string]Upload
		code                      fault.Code
	}{
		{"unknown language", "circom", "", "", good, fault.Unsupported},
		{"missing part", "zokrates", "", "", map[string]Upload{"abi": good["abi"]}, fault.InvalidRequest},
		{"unknown part", "zokrates", "", "", map[string]Upload{"program": good["program"], "wasm": good["abi"]}, fault.InvalidRequest},
		{"bad name", "zokrates", "A b", "", good, fault.InvalidRequest},
		{"name like an id", "zokrates", "0123456789abcdef", "", good, fault.InvalidRequest},
		{"bad tag", "zokrates", "mul", "v 1", good, fault.InvalidRequest},
		{"damaged program", "zokrates", "", "", map[string]Upload{"program": good["abi"]}, fault.InvalidArtifact},
	} {
		r.front.onImport.set(func(context.Context) error {
			if tc.code == fault.InvalidRequest || tc.code == fault.Unsupported {
				t.Errorf("%s: the program was read in vain", tc.name)
			}
			return nil
		})
		if _, _, err := r.registrar.Circuit(t.Context(), tc.front, tc.parts, tc.circuit, tc.tag); !fault.Is(err, tc.code) {
			t.Errorf("%s: got %v, want %s", tc.name, err, tc.code)
		}
	}
	r.front.onImport.set(func(context.Context) error { panic(secret) })
	_, _, err := r.registrar.Circuit(t.Context(), "zokrates", good, "", "")
	wantHidden(t, "panic", err)
	r.front.onImport.set(fine)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := r.registrar.Circuit(canceled, "zokrates", good, "", ""); !fault.Is(err, fault.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
	if list, _, err := r.registry.List(t.Context(), "", 0); err != nil || len(list) != 0 {
		t.Errorf("got %v, %v, want nothing registered", list, err)
	}
	r.register("mul")
}

// wantHidden checks that an error is a panic whose value isn't shown.
func wantHidden(t *testing.T, what string, err error) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.Internal || f.Err == nil || !strings.Contains(f.Err.Error(), "panic") {
		t.Errorf("%s: got %v, want an internal error", what, err)
		return
	}
	if strings.Contains(f.Error(), secret) || strings.Contains(f.Err.Error(), secret) {
		t.Errorf("%s: the panic's value is shown: %v: %v", what, f, f.Err)
	}
}

// TestSelfTest holds the outcomes of the test proof at registration.
func TestSelfTest(t *testing.T) {
	t.Parallel()
	invalid := func(context.Context) error { return scheme.ErrInvalidProof }
	refuse := func(context.Context) error { return fault.New(fault.UnsatisfiedWitness, "no") }
	for _, tc := range []struct {
		name                 string
		solve, prove, verify func(context.Context) error
		code                 fault.Code
		outcome              string
	}{
		{"passed", fine, fine, fine, "", selfTestPassed},
		{"no sample is accepted", refuse, fine, fine, "", selfTestNoSample},
		{"the proof doesn't verify", fine, fine, invalid, fault.InvalidArtifact, ""},
		{"the check fails", fine, fine, func(context.Context) error { return errors.New("broken") }, fault.Internal, ""},
		{"the prover fails", fine, func(context.Context) error { return fault.New(fault.Internal, "no") }, fine, fault.Internal, ""},
		{"panic", fine, func(context.Context) error { panic(secret) }, fine, fault.Internal, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			c := r.register("mul")
			r.front.onSolve.set(tc.solve)
			r.back.onProve.set(tc.prove)
			r.back.onVerify.set(tc.verify)
			for what, add := range map[string]func() (registry.KeySet, error){
				"upload": func() (registry.KeySet, error) {
					k, _, err := r.registrar.Keys(t.Context(), c, KeyUpload{ProvingKey: upload(t, "mul", "ark-g16/proving.key")})
					return k, err
				},
				"setup": func() (registry.KeySet, error) { return r.registrar.Setup(t.Context(), c, "groth16") },
			} {
				k, err := add()
				if fault.CodeOf(err) != tc.code || k.SelfTest != tc.outcome {
					t.Errorf("%s: got %+v, %v, want %q, %q", what, k, err, tc.outcome, tc.code)
				}
				if tc.name == "panic" {
					wantHidden(t, what, err)
				}
			}
			if n := len(r.registry.KeySets(c.ID)); (n == 2) != (tc.code == "") || n == 1 {
				t.Errorf("got %d key sets", n)
			}
		})
	}
}

// TestForeignKey uploads keys of other programs, and a verifying key of another
// key of the same program.
func TestForeignKey(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.register("mul")
	for _, other := range []string{"square", "inout", "mixed"} {
		_, _, err := r.registrar.Keys(t.Context(), c, KeyUpload{ProvingKey: upload(t, other, "ark-g16/proving.key")})
		if !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("key of %s: got %v, want invalid_artifact", other, err)
		}
	}
	foreign := upload(t, "mul", "bellman-g16/verification.key")
	key := KeyUpload{ProvingKey: upload(t, "mul", "ark-g16/proving.key"), VerifyingKey: &foreign}
	if _, _, err := r.registrar.Keys(t.Context(), c, key); !fault.Is(err, fault.InvalidArtifact) {
		t.Errorf("verifying key of another key: got %v, want invalid_artifact", err)
	}
	own := upload(t, "mul", "ark-g16/verification.key")
	key.VerifyingKey = &own
	if _, _, err := r.registrar.Keys(t.Context(), c, key); err != nil {
		t.Errorf("its own verifying key: %v", err)
	}
}

// TestKeyOfNoScheme uploads a damaged key without saying its scheme: the error
// says what each scheme has against it.
func TestKeyOfNoScheme(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	other, err := gm17.New(curve.BN128)
	r.check(err)
	r.kit.Backends = append(r.kit.Backends, other)
	c := r.register("mul")
	for scheme, name := range map[string]string{"groth16": "ark-g16", "gm17": "ark-gm17"} {
		key := upload(t, "mul", name+"/proving.key")
		b := make([]byte, key.Reader.Size())
		_, err := key.Reader.ReadAt(b, 0)
		r.check(err)
		b[5] ^= 1
		_, _, err = r.registrar.Keys(t.Context(), c, KeyUpload{ProvingKey: uploadOf(b)})
		if !fault.Is(err, fault.InvalidArtifact) || !strings.Contains(err.Error(), "as a groth16 key: read proving key: ") || !strings.Contains(err.Error(), "; as a gm17 key: read proving key: ") {
			t.Errorf("%s: got %v, want what both schemes say", scheme, err)
		}
		if k, _, err := r.registrar.Keys(t.Context(), c, KeyUpload{ProvingKey: key}); err != nil || k.Scheme != scheme {
			t.Errorf("got %+v, %v, want a key of %s", k, err, scheme)
		}
	}
	if _, _, err := r.registrar.Keys(t.Context(), c, KeyUpload{ProvingKey: uploadOf([]byte("x")), Layout: "zkey"}); !fault.Is(err, fault.Unsupported) {
		t.Errorf("unknown layout: got %v, want unsupported", err)
	}
	r.back.onImport.set(func(context.Context) error { return fault.New(fault.Internal, "disk failure") })
	if _, _, err := r.registrar.Keys(t.Context(), c, KeyUpload{ProvingKey: uploadOf([]byte("x"))}); !fault.Is(err, fault.Internal) {
		t.Errorf("failing disk: got %v, want internal", err)
	}
}
