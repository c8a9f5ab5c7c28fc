package prove_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/frontend/circom"
	"provery/internal/frontend/frontendtest"
	"provery/internal/iden3"
	"provery/internal/prove"
	"provery/internal/scheme"
	"provery/internal/scheme/groth16"
)

// snarkjs is the folder of a curve's files of Circom and snarkjs.
type snarkjs struct {
	t     testing.TB
	curve curve.ID
	name  string
}

func (s snarkjs) file(name string) []byte {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join("../../testdata/circom", s.name, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s snarkjs) program(circuit string) frontend.Program {
	s.t.Helper()
	files := map[string][]byte{}
	for _, role := range []string{circom.RoleR1CS, circom.RoleWasm, circom.RoleSym} {
		files[role] = s.file(circuit + "." + role)
	}
	p, err := circom.New(circom.Config{}).Import(s.t.Context(), frontendtest.Artefacts(files))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := frontend.Release(p); err != nil {
			s.t.Error(err)
		}
	})
	return p
}

func (s snarkjs) backend() scheme.Backend {
	s.t.Helper()
	b, err := groth16.New(s.curve)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

func (s snarkjs) key(p frontend.Program, zkey []byte) (scheme.ProvingKey, error) {
	s.t.Helper()
	return s.backend().ImportProvingKey(s.t.Context(), scheme.ImportInput{
		System: p.System(), Data: bytes.NewReader(zkey), Size: int64(len(zkey)), Threads: 2,
	})
}

// tinyStatement returns the i-th of many arguments for tiny, with the public part.
func tinyStatement(i int) (arguments json.RawMessage, public []string) {
	sum := i*i + 1
	return json.RawMessage(fmt.Sprintf(`{"limit":"%d","secret":[[%d,0,0],[1,0,0]]}`, sum, i)),
		[]string{fmt.Sprint(sum), fmt.Sprint(i * i), "1", fmt.Sprint(sum)}
}

func TestSnarkJSKeys(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		curve curve.ID
		name  string
		zkey  string
		last  bool // verification_key.json and proof.json are this key's
	}{
		{curve.BN128, "bn128", "fresh.zkey", false}, {curve.BN128, "bn128", "contributed.zkey", false}, {curve.BN128, "bn128", "beaconed.zkey", true},
		{curve.BLS12381, "bls12381", "fresh.zkey", false}, {curve.BLS12381, "bls12381", "contributed.zkey", true},
	} {
		t.Run(tc.name+"/"+tc.zkey, func(t *testing.T) {
			t.Parallel()
			s := snarkjs{t, tc.curve, tc.name}
			p, b, zkey := s.program("tiny"), s.backend(), s.file(tc.zkey)
			key, err := s.key(p, zkey)
			if err != nil {
				t.Fatal(err)
			}
			if key.Layout() != scheme.LayoutSnarkJS {
				t.Errorf("got layout %q", key.Layout())
			}
			var file bytes.Buffer
			if err := key.WriteFile(&file); err != nil {
				t.Fatal(err)
			}
			opened, err := b.OpenProvingKey(file.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			sameZKey(t, opened, p, zkey)
			proveTiny(t, b, p, opened)
			if tc.last {
				s.sameStatement(b, opened.VerifyingKey())
			}
		})
	}
}

// proveTiny proves several statements and reads the proofs back.
func proveTiny(t *testing.T, b scheme.Backend, p frontend.Program, key scheme.ProvingKey) {
	t.Helper()
	prover, err := prove.New(p, b, key)
	if err != nil {
		t.Fatal(err)
	}
	for i, threads := range []int{1, 2, 5} {
		arguments, public := tinyStatement(i + 1)
		result, err := prover.Prove(t.Context(), prove.Request{Arguments: arguments, Threads: threads, Rand: rand.Reader})
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Public []string `json:"public"`
		}
		if err := json.Unmarshal(result.Proof, &got); err != nil || fmt.Sprint(got.Public) != fmt.Sprint(public) {
			t.Errorf("public: got %v, want %v", got.Public, public)
		}
		proof, inputs, err := b.ParseProof(result.Proof)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Verify(key.VerifyingKey(), proof, inputs); err != nil {
			t.Error(err)
		}
	}
}

// sameStatement checks that the key is that of snarkjs's file, and its proof
// holds.
func (s snarkjs) sameStatement(b scheme.Backend, vk scheme.VerifyingKey) {
	s.t.Helper()
	theirs, err := b.ParseVerifyingKey(s.file("verification_key.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	if !vk.Equal(theirs) {
		s.t.Error("the verifying key isn't that of snarkjs's file")
	}
	text, err := vk.EncodeSnarkJS()
	if err != nil {
		s.t.Fatal(err)
	}
	if again, err := b.ParseVerifyingKey(text); err != nil || !vk.Equal(again) {
		s.t.Errorf("the written verifying key isn't the key: %v", err)
	}
	sameValues(s.t, text, s.file("verification_key.json"))
	whole := fmt.Appendf(nil, `{"proof":%s,"public":%s}`, s.file("proof.json"), s.file("public.json"))
	proof, public, err := b.ParseProof(whole)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := b.Verify(vk, proof, public); err != nil {
		s.t.Errorf("snarkjs's proof: %v", err)
	}
	text, err = b.EncodeSnarkJS(proof, public)
	if err != nil {
		s.t.Fatal(err)
	}
	sameValues(s.t, text, whole)
}

// sameValues checks that every member of a is in b with the same value.
func sameValues(t testing.TB, a, b []byte) {
	t.Helper()
	var x, y map[string]any
	if err := json.Unmarshal(a, &x); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &y); err != nil {
		t.Fatal(err)
	}
	for name, v := range x {
		if fmt.Sprint(v) != fmt.Sprint(y[name]) {
			t.Errorf("%s: got %v, want %v", name, v, y[name])
		}
	}
}

// sameZKey checks that the key is exported as it came, section by section, with
// the list of contributions and the order of coefficients.
func sameZKey(t *testing.T, key scheme.ProvingKey, p frontend.Program, zkey []byte) {
	t.Helper()
	var out bytes.Buffer
	if err := key.Export(&out, p.System()); err != nil {
		t.Fatal(err)
	}
	open := func(b []byte) *iden3.File {
		f, err := iden3.Open(bytes.NewReader(b), int64(len(b)), "zkey", 1)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	ours, theirs := open(out.Bytes()), open(zkey)
	for id := uint32(1); id <= 10; id++ {
		a, err := ours.Bytes(id, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		b, err := theirs.Bytes(id, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("section %d differs", id)
		}
	}
}

func TestSnarkJSSetup(t *testing.T) {
	t.Parallel()
	for _, s := range []snarkjs{{t, curve.BN128, "bn128"}, {t, curve.BLS12381, "bls12381"}} {
		p, b := s.program("tiny"), s.backend()
		key, err := b.Setup(t.Context(), scheme.SetupInput{System: p.System(), Layout: prove.LayoutOf(p), Rand: rand.Reader, Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		proveTiny(t, b, p, key)
		var zkey bytes.Buffer
		if err := key.Export(&zkey, p.System()); err != nil {
			t.Fatal(err)
		}
		again, err := s.key(p, zkey.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		proveTiny(t, b, p, again)
	}
}

// TestHundredAtOnce proves distinct statements of one circuit at once: each
// proof holds for its own.
func TestHundredAtOnce(t *testing.T) {
	t.Parallel()
	s := snarkjs{t, curve.BN128, "bn128"}
	p, b := s.program("tiny"), s.backend()
	key, err := s.key(p, s.file("beaconed.zkey"))
	if err != nil {
		t.Fatal(err)
	}
	prover, err := prove.New(p, b, key)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			arguments, public := tinyStatement(i % 97) // the sum must stay below the circuit's bound
			result, err := prover.Prove(t.Context(), prove.Request{Arguments: arguments, Threads: 1, Rand: rand.Reader})
			if err != nil {
				t.Error(err)
				return
			}
			proof, _, err := b.ParseProof(result.Proof)
			if err != nil {
				t.Error(err)
				return
			}
			inputs, err := b.ParsePublicInputs(public)
			if err != nil {
				t.Error(err)
				return
			}
			if err := b.Verify(key.VerifyingKey(), proof, inputs); err != nil {
				t.Errorf("statement %d: %v", i, err)
			}
		})
	}
	wg.Wait()
}

func TestSnarkJSKeysRefused(t *testing.T) {
	t.Parallel()
	s := snarkjs{t, curve.BN128, "bn128"}
	tiny, bus, zkey := s.program("tiny"), s.program("bus"), s.file("fresh.zkey")
	protocol := bytes.Index(zkey, []byte("\x01\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00")) + 12
	damage := func(at int, v byte) []byte {
		out := bytes.Clone(zkey)
		out[at] = v
		return out
	}
	for _, tc := range []struct {
		name string
		p    frontend.Program
		zkey []byte
		want fault.Code
	}{
		{"another circuit's", bus, zkey, fault.InvalidArtifact},
		{"another curve's", tiny, snarkjs{t, curve.BLS12381, "bls12381"}.file("fresh.zkey"), fault.InvalidArtifact},
		{"PLONK", tiny, damage(protocol, 2), fault.Unsupported},
		{"fflonk", tiny, damage(protocol, 10), fault.Unsupported},
		{"unknown protocol", tiny, damage(protocol, 3), fault.Unsupported},
	} {
		if _, err := s.key(tc.p, tc.zkey); !fault.Is(err, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, err, tc.want)
		}
	}
	for i := 0; i < len(zkey); i += 1 + len(zkey)/300 {
		if _, err := s.key(tiny, zkey[:i]); !fault.Is(err, fault.InvalidArtifact) {
			t.Fatalf("cut at %d: got %v", i, err)
		}
	}
	// Any bit of any point or coefficient matters, but for the ceremony's list
	// and points that only a proof shows to be wrong.
	for i := 12; i < len(zkey)-80; i += 1 + len(zkey)/200 {
		if _, err := s.key(tiny, damage(i, zkey[i]^1)); err == nil || !fault.Is(err, fault.InvalidArtifact) && !fault.Is(err, fault.Unsupported) {
			t.Errorf("bit of byte %d altered: got %v", i, err)
		}
	}
}
