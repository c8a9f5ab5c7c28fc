package attestation

import (
	"encoding/json"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient/simulated"

	"provery/api"
	"provery/client"
	"provery/client/evm"
)

var limits = Limits{Low: 100, High: 200}

// deploy makes the verifier of a key on a chain of its own.
func deploy(t *testing.T, verifyingKey []byte) (*evm.Client, common.Address) {
	t.Helper()
	account, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	node := simulated.NewBackend(types.GenesisAlloc{crypto.PubkeyToAddress(account.PublicKey): {Balance: big.NewInt(1e18)}})
	t.Cleanup(func() { _ = node.Close() })
	chain, err := evm.New(t.Context(), node.Client(), evm.Options{ChainID: 1337, Poll: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(chain.Close)
	sender, err := chain.Sender(t.Context(), evm.NewKeySigner(account))
	if err != nil {
		t.Fatal(err)
	}
	deployed := make(chan struct{})
	go func() { // makes blocks meanwhile
		for {
			select {
			case <-deployed:
				return
			case <-time.After(5 * time.Millisecond):
				node.Commit()
			}
		}
	}()
	at, _, err := sender.DeployVerifier(t.Context(), "", verifyingKey)
	close(deployed)
	if err != nil {
		t.Fatal(err)
	}
	return chain, at
}

// rig is a service with the circuit, and a chain with its verifier.
type rig struct {
	client   *client.Client
	circuit  string
	chain    *evm.Client
	verifier common.Address
}

func newRig(t *testing.T) *rig {
	t.Helper()
	c := startService(t)
	circuit, key, err := Register(t.Context(), c, circuitDir())
	if err != nil {
		t.Fatal(err)
	}
	chain, verifier := deploy(t, key)
	return &rig{c, circuit, chain, verifier}
}

func (r *rig) auditor(d Device) *Auditor {
	return &Auditor{Chain: r.chain, Verifier: r.verifier, Device: d.ID(), Limits: limits}
}

func TestAttestation(t *testing.T) {
	t.Parallel()
	r, device := newRig(t), NewDevice()
	good := device.Sign(7, Readings{100, 200, 150, 150, 150, 150, 150, 150})
	proof, err := Prove(t.Context(), r.client, r.circuit, good, limits)
	if err != nil {
		t.Fatal(err)
	}
	r.refuseAtAuditor(t, device, proof)
	r.refuseAtProver(t, device, good)
}

// refuseAtAuditor gives a good proof for period 7 to auditors who want others.
func (r *rig) refuseAtAuditor(t *testing.T, device Device, proof json.RawMessage) {
	t.Helper()
	other := r.auditor(NewDevice())
	if err := other.Accept(t.Context(), 7, proof); !errors.Is(err, ErrOtherStatement) {
		t.Errorf("another device: got %v", err)
	}
	strict := r.auditor(device)
	strict.Limits.High--
	if err := strict.Accept(t.Context(), 7, proof); !errors.Is(err, ErrOtherStatement) {
		t.Errorf("other limits: got %v", err)
	}
	a := r.auditor(device)
	if err := a.Accept(t.Context(), 8, proof); !errors.Is(err, ErrOtherStatement) {
		t.Errorf("another period: got %v", err)
	}
	// Inputs altered on the way, to what the auditor wants to see.
	if err := a.Accept(t.Context(), 8, withPeriod(t, proof, 8)); !errors.Is(err, evm.ErrProofRefused) {
		t.Errorf("altered inputs: got %v", err)
	}
	if err := a.Accept(t.Context(), 7, proof); err != nil {
		t.Errorf("a good proof: got %v", err)
	}
	if err := a.Accept(t.Context(), 7, proof); !errors.Is(err, ErrReplayed) {
		t.Errorf("the proof once more: got %v", err)
	}
	a.Verifier = common.Address{1}
	if err := a.Accept(t.Context(), 8, withPeriod(t, proof, 8)); !errors.Is(err, evm.ErrNoContract) {
		t.Errorf("no verifier: got %v", err)
	}
}

// withPeriod replaces the second public input.
func withPeriod(t *testing.T, proof json.RawMessage, period int64) json.RawMessage {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(proof, &m); err != nil {
		t.Fatal(err)
	}
	m["inputs"].([]any)[1] = common.BigToHash(big.NewInt(period)).Hex()
	out, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// refuseAtProver asks for proofs that there are none of.
func (r *rig) refuseAtProver(t *testing.T, device Device, good Signed) {
	t.Helper()
	high, low := good.Readings, good.Readings
	high[3], low[7] = 201, 99
	tests := map[string]Signed{
		"a reading too high": device.Sign(7, high),
		"a reading too low":  device.Sign(7, low),
		"another period":     good,
		"another reading":    good,
		"another device":     good,
		"a forged signature": good,
	}
	for name, change := range map[string]func(*Signed){
		"another period":     func(s *Signed) { s.Period = 8 },
		"another reading":    func(s *Signed) { s.Readings[0] = 101 },
		"another device":     func(s *Signed) { s.Device = NewDevice().ID() },
		"a forged signature": func(s *Signed) { s.Signature = NewDevice().Sign(7, s.Readings).Signature },
	} {
		s := tests[name]
		change(&s)
		tests[name] = s
	}
	for name, s := range tests {
		if _, err := Prove(t.Context(), r.client, r.circuit, s, limits); client.CodeOf(err) != api.CodeUnsatisfiedWitness {
			t.Errorf("%s: got %v, want that the program isn't satisfied", name, err)
		}
	}
}
