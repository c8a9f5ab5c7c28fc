package worker

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/prove"
	"provery/internal/registry"
	"provery/internal/scheme"
)

// KeyUpload is a proving key to register, with the verifying key if the client
// has it.
type KeyUpload struct {
	Scheme       string // "" to find out
	Layout       scheme.Layout
	ProvingKey   Upload
	VerifyingKey *Upload
	// Ceremony, unless it is "", says which ceremony made the key.
	Ceremony string
	// AllowInsecure allows a key that anybody can forge proofs with. It is
	// registered as insecure-dev.
	AllowInsecure bool
}

// origin records where the uploaded key comes from, as far as the key or its
// uploader says so. The first key of a ceremony, and one of beacons alone, is refused,
// unless insecure keys are allowed.
func (u *KeyUpload) origin(k *registry.KeySet, key scheme.ProvingKey) error {
	k.Provenance, k.Ceremony = registry.Uploaded, u.Ceremony
	told, err := key.Origin()
	if err != nil {
		return err
	}
	const nobody = "nobody has contributed a secret to the key, so that anybody could forge proofs"
	switch {
	case told.Open && u.Ceremony != "":
		return fault.New(fault.InvalidArtifact, nobody+": it is the first of its ceremony, not the last")
	case told.Open && !u.AllowInsecure:
		return fault.New(fault.InvalidArtifact, nobody+": 'provery ceremony contribute' or 'snarkjs zkey contribute' makes a key to use")
	case told.Open:
		k.Provenance = registry.InsecureDev
	case u.Ceremony != "" || len(told.Contributions) > 0:
		k.Provenance = registry.Ceremony
	}
	for i, c := range told.Contributions {
		k.Contributions = append(k.Contributions, registry.Contribution{
			Number: i + 1, Hash: hex.EncodeToString(c.Hash), Name: legible(c.Name), Beacon: c.Beacon,
		})
	}
	k.Contributions = k.Contributions[max(0, len(k.Contributions)-registry.MaxContributions):]
	return nil
}

// legible replaces what can't be printed in a name of an author's own choice.
func legible(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, name)
}

// maxVerifyingKey bounds a verifying key's JSON.
const maxVerifyingKey = 64 << 20

// Keys checks a proving key against the circuit and registers it. A verifying
// key that belongs to another proving key is fault.InvalidArtifact.
//
// Where the key was registered before without a word of its ceremony, it is
// added.
func (r *Registrar) Keys(ctx context.Context, circuit registry.Circuit, u KeyUpload) (k registry.KeySet, existed bool, err error) {
	k, existed, err = r.keys(ctx, circuit, u)
	if err == nil && existed && u.Ceremony != "" {
		k, err = r.registry.SetCeremony(ctx, circuit.ID, k.ID, u.Ceremony)
	}
	return k, existed, err
}

func (r *Registrar) keys(ctx context.Context, circuit registry.Circuit, u KeyUpload) (_ registry.KeySet, existed bool, err error) {
	defer recoverTo(&err)
	id, err := curve.Parse(circuit.Curve)
	if err != nil {
		return registry.KeySet{}, false, err
	}
	backends, err := r.kit.backends(u.Scheme, id)
	if err != nil {
		return registry.KeySet{}, false, err
	}
	// A verifying key has to be compared, a damaged file to be stored again.
	if u.VerifyingKey == nil && !r.damaged(circuit.ID) {
		for _, b := range backends {
			m := registry.KeyManifest{Circuit: circuit.ID, Scheme: string(b.Scheme()), Curve: circuit.Curve, Source: u.ProvingKey.Digest}
			if k, err := r.registry.KeySet(ctx, circuit.ID, m.ID()); err == nil {
				return k, true, nil
			}
		}
	}
	return r.withProgram(ctx, circuit, func(program frontend.Program) (registry.KeySet, error) {
		backend, key, err := r.importKey(ctx, backends, program, u)
		if err != nil {
			return registry.KeySet{}, err
		}
		k := registry.KeySet{Layout: string(key.Layout())}
		if err := u.origin(&k, key); err != nil {
			return k, err
		}
		k.Source = registry.Artifact{Digest: u.ProvingKey.Digest, Size: u.ProvingKey.Reader.Size()}
		return r.storeKey(ctx, k, program, backend, key)
	})
}

// importKey reads the key with the backends in turn and compares the verifying
// key, if there is one. If none can read it the error says what each of them
// has against it.
func (r *Registrar) importKey(ctx context.Context, backends []scheme.Backend, program frontend.Program, u KeyUpload) (scheme.Backend, scheme.ProvingKey, error) {
	refused := &fault.Error{Code: fault.Unsupported}
	var reasons []string
	for _, backend := range backends {
		key, err := backend.ImportProvingKey(ctx, scheme.ImportInput{
			System: program.System(), Data: u.ProvingKey.Reader, Size: u.ProvingKey.Reader.Size(),
			Layout: u.Layout, Threads: r.threads,
		})
		switch fault.CodeOf(err) {
		case "":
			return backend, key, matches(backend, key, u.VerifyingKey)
		case fault.InvalidArtifact:
			refused.Code = fault.InvalidArtifact
		case fault.Unsupported:
		default:
			return nil, nil, err
		}
		if len(backends) == 1 {
			return nil, nil, err
		}
		reasons = append(reasons, fmt.Sprintf("as a %s key: %v", backend.Scheme(), err))
	}
	refused.Detail = strings.Join(reasons, "; ")
	return nil, nil, refused
}

// matches checks that a verifying key belongs to the proving key.
func matches(backend scheme.Backend, key scheme.ProvingKey, upload *Upload) error {
	if upload == nil {
		return nil
	}
	if upload.Reader.Size() > maxVerifyingKey {
		return fault.New(fault.TooLarge, "the verifying key has more than %d bytes", maxVerifyingKey)
	}
	b, err := io.ReadAll(io.NewSectionReader(upload.Reader, 0, upload.Reader.Size()))
	if err != nil {
		return fault.Wrap(err, fault.Internal, "read verifying key")
	}
	vk, err := backend.ParseVerifyingKey(b)
	if err != nil {
		return err
	}
	if !key.VerifyingKey().Equal(vk) {
		return fault.New(fault.InvalidArtifact, "the verifying key belongs to another proving key")
	}
	return nil
}

// Setup makes insecure-dev keys for the circuit.
func (r *Registrar) Setup(ctx context.Context, circuit registry.Circuit, schemeName string) (_ registry.KeySet, err error) {
	defer recoverTo(&err)
	id, err := curve.Parse(circuit.Curve)
	if err != nil {
		return registry.KeySet{}, err
	}
	s, err := scheme.Parse(schemeName)
	if err != nil {
		return registry.KeySet{}, err
	}
	backend, err := r.kit.Backend(s, id)
	if err != nil {
		return registry.KeySet{}, err
	}
	k, _, err := r.withProgram(ctx, circuit, func(program frontend.Program) (registry.KeySet, error) {
		key, err := backend.Setup(ctx, scheme.SetupInput{System: program.System(), Layout: prove.LayoutOf(program), Rand: rand.Reader, Threads: r.threads})
		if err != nil {
			return registry.KeySet{}, err
		}
		return r.storeKey(ctx, registry.KeySet{Layout: string(key.Layout()), Provenance: registry.InsecureDev}, program, backend, key)
	})
	return k, err
}

// withProgram runs obtain with the circuit's program, alone among the heavy
// work, and registers the key set that it returns.
func (r *Registrar) withProgram(ctx context.Context, circuit registry.Circuit, obtain func(frontend.Program) (registry.KeySet, error)) (k registry.KeySet, existed bool, err error) {
	leave, err := r.heavy.enter(ctx)
	if err != nil {
		return k, false, err
	}
	defer leave()
	handle, err := r.catalogue.programs.Acquire(ctx, circuit.ID)
	if err != nil {
		return k, false, err
	}
	defer handle.Release()
	if k, err = obtain(handle.Value().program); err != nil {
		return k, false, err
	}
	k.Circuit = circuit.ID
	k, existed, err = r.registry.AddKeySet(ctx, k)
	if err == nil && existed {
		err = r.look(ctx, circuit.ID, k.ProvingKey, k.VerifyingKey)
	}
	return k, existed, err
}

// storeKey tests the key and writes its files.
func (r *Registrar) storeKey(ctx context.Context, k registry.KeySet, program frontend.Program, backend scheme.Backend, key scheme.ProvingKey) (registry.KeySet, error) {
	var err error
	if k.SelfTest, err = r.selfTest(ctx, program, backend, key); err != nil {
		return k, err
	}
	if k.ProvingKey, err = r.put(ctx, key.WriteFile); err != nil {
		return k, fault.Wrap(err, fault.Internal, "store proving key")
	}
	vk, err := key.VerifyingKey().Encode()
	if err != nil {
		return k, fault.Wrap(err, fault.Internal, "encode verifying key")
	}
	if k.VerifyingKey.Digest, k.VerifyingKey.Size, err = r.blobs.Put(ctx, bytes.NewReader(vk), maxDerived); err != nil {
		return k, fault.Wrap(err, fault.Internal, "store verifying key")
	}
	if k.Source.Digest.IsZero() {
		k.Source = k.ProvingKey
	}
	k.Scheme, k.Curve = string(backend.Scheme()), backend.Curve().String()
	return k, nil
}

// The outcomes of a self-test.
const (
	selfTestPassed   = "passed"
	selfTestNoSample = "not possible: the program refuses the sample arguments"
)

// selfTest proves the sample arguments that the program accepts, and verifies
// the proofs: a key of another program of the same shape fails here, unless
// the samples satisfy that program too. Then no other proof with it passes the
// check before its release.
func (r *Registrar) selfTest(ctx context.Context, program frontend.Program, backend scheme.Backend, key scheme.ProvingKey) (string, error) {
	prover, err := prove.New(program, backend, key)
	if err != nil {
		return "", err
	}
	outcome := selfTestNoSample
	for _, arguments := range program.Samples() {
		_, err := prover.Prove(ctx, prove.Request{Arguments: arguments, Threads: r.threads, Rand: rand.Reader})
		switch {
		case err == nil:
			outcome = selfTestPassed
		case errors.Is(err, scheme.ErrInvalidProof):
			return "", &fault.Error{Code: fault.InvalidArtifact, Detail: "a proof with this key doesn't verify: the key belongs to another program", Err: err}
		case !fault.Is(err, fault.UnsatisfiedWitness) && !fault.Is(err, fault.InvalidRequest):
			return "", err
		} // otherwise these arguments aren't for this program
	}
	return outcome, nil
}
