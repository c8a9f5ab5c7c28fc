// Package attestation is the smallest useful consumer of Provery. A measuring
// device signs its readings; an auditor learns that all of a period were within
// limits, and nothing else about them.
//
//	device ── readings, signed ──► operator ── proof ──► auditor
//	                                │    ▲                 │
//	                                ▼    │                 ▼
//	                           proving service      verifier contract
//
// The operator and the proving service see the readings; the auditor and the chain
// see the proof and its public inputs: which device, which period, which limits.
// The program that is proven is examples/zokrates/signed/readings.zok.
package attestation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/iden3/go-iden3-crypto/babyjub"
	"github.com/iden3/go-iden3-crypto/poseidon"

	"provery/api"
	"provery/client"
	"provery/client/evm"
)

// Readings are a period's, in hundredths of a kelvin.
type Readings [8]uint32

// purpose begins what a device signs, so that it is nothing but readings.
var purpose = new(big.Int).SetBytes([]byte("readings"))

// Device measures, and signs what it has measured. Its key never leaves it.
type Device struct{ key babyjub.PrivateKey }

// NewDevice returns a device with a new key.
func NewDevice() Device { return Device{babyjub.NewRandPrivKey()} }

// ID is what a device is known by: the hash of its public key.
func (d Device) ID() *big.Int { return hash(d.key.Public().X, d.key.Public().Y) }

// Signed is what a device hands out for a period.
type Signed struct {
	Device    *big.Int
	Period    uint64
	Readings  Readings
	Key       *babyjub.PublicKey
	Signature *babyjub.Signature
}

// Sign signs the readings of a period.
func (d Device) Sign(period uint64, readings Readings) Signed {
	message := hash(purpose, number(period))
	for _, r := range readings {
		message = hash(message, number(uint64(r)))
	}
	return Signed{d.ID(), period, readings, d.key.Public(), d.key.SignPoseidon(message)}
}

// Limits are what readings must be within, themselves included.
type Limits struct{ Low, High uint32 }

// Prove asks the service for a proof that signed readings are within limits. There
// is none for readings that aren't, or that the device didn't sign.
func Prove(ctx context.Context, c *client.Client, circuit string, s Signed, l Limits) (json.RawMessage, error) {
	arguments, err := json.Marshal([]any{
		s.Device.String(), number(s.Period).String(), text(l.Low), text(l.High),
		texts(s.Readings), [2]string{s.Key.X.String(), s.Key.Y.String()},
		[2]string{s.Signature.R8.X.String(), s.Signature.R8.Y.String()}, s.Signature.S.String(),
	})
	if err != nil {
		return nil, err
	}
	proof, err := c.Prove(ctx, api.ProofRequest{Circuit: circuit, Arguments: arguments})
	if err != nil {
		return nil, fmt.Errorf("prove that the readings of period %d are within limits: %w", s.Period, err)
	}
	return proof.Result.Proof, nil
}

// Auditor knows a device, and accepts one attestation for each of its periods.
type Auditor struct {
	Chain    *evm.Client
	Verifier common.Address // checked to be that of the circuit's key: see demo
	Device   *big.Int
	Limits   Limits
	last     uint64 // period that was accepted last; periods start at 1
}

// The refusals of an auditor, beside those of evm.Client.Verify.
var (
	ErrOtherStatement = errors.New("the proof is about another device, period or limits")
	ErrReplayed       = errors.New("the period has been attested already, or a later one")
)

// Accept takes a proof for an attestation of the period, or says why not. A proof
// says that its public inputs are true together; that they are the ones that matter
// here, and that it isn't an old one once more, the auditor has to see to.
func (a *Auditor) Accept(ctx context.Context, period uint64, proof json.RawMessage) error {
	_, inputs, err := evm.ParseProof(proof)
	if err != nil {
		return err
	}
	want := []*big.Int{a.Device, number(period), number(uint64(a.Limits.Low)), number(uint64(a.Limits.High))}
	if len(inputs) != len(want) {
		return ErrOtherStatement
	}
	for i := range want {
		if inputs[i].Cmp(want[i]) != 0 {
			return ErrOtherStatement
		}
	}
	if period <= a.last {
		return ErrReplayed
	}
	if err := a.Chain.Verify(ctx, a.Verifier, proof); err != nil {
		return err
	}
	a.last = period
	return nil
}

// hash is Poseidon. It fails for numbers beyond the field only, which none is here.
func hash(inputs ...*big.Int) *big.Int {
	h, err := poseidon.Hash(inputs)
	if err != nil {
		panic(err)
	}
	return h
}

func number(n uint64) *big.Int { return new(big.Int).SetUint64(n) }

func text(n uint32) string { return number(uint64(n)).String() }

func texts(readings Readings) (out [len(Readings{})]string) {
	for i, r := range readings {
		out[i] = text(r)
	}
	return out
}
