package daemon

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"

	"provery/api"
	"provery/client"
)

// TestCircomConcurrentProofs is failure 1 for witness calculators, which aren't
// re-entrant: a hundred proofs of one circuit at once, each of its own inputs.
func TestCircomConcurrentProofs(t *testing.T) {
	t.Parallel()
	n := 50
	if testing.Short() {
		t.Log("-short: 12 proofs instead of 100")
		n = 6
	}
	r := start(t, setup{})
	circuit := r.tinyWithKeys().ID
	var wg sync.WaitGroup
	for i := range n {
		for j := 1; j <= 2; j++ {
			wg.Go(func() {
				sum := fmt.Sprint(i*i + j*j)
				p, err := r.cl.Prove(t.Context(), api.ProofRequest{Circuit: circuit, Arguments: fmt.Appendf(nil, `{"secret":[[0,%d,0],[0,0,%d]],"limit":%q}`, i, j, sum)})
				if err != nil {
					t.Errorf("%d, %d: %v", i, j, err)
					return
				}
				var proof struct{ Public []string }
				want := []string{sum, fmt.Sprint(i * i), fmt.Sprint(j * j), sum}
				if err := json.Unmarshal(p.Result.Proof, &proof); err != nil || !slices.Equal(proof.Public, want) {
					t.Errorf("%d, %d: got public inputs %v, want %v", i, j, proof.Public, want)
				}
				if got, want := compact(t, p.Result.Outputs), fmt.Sprintf(`{"sum":%q,"squares":["%d","%d"]}`, sum, i*i, j*j); got != want {
					t.Errorf("%d, %d: got outputs %s, want %s", i, j, got, want)
				}
				v, err := r.cl.Verify(t.Context(), api.VerifyRequest{Circuit: circuit, Proof: p.Result.Proof, PublicInputs: want})
				if err != nil || !v.Valid {
					t.Errorf("%d, %d: got %+v, %v, want it valid", i, j, v, err)
				}
			})
		}
	}
	wg.Wait()
}

// tinyWithKeys registers a circuit with a key of snarkjs.
func (r *rig) tinyWithKeys() *api.Circuit {
	r.t.Helper()
	c := r.registerTiny("bn128")
	if _, _, err := r.cl.AddKeys(r.ctx(), c.ID, client.KeyUpload{ProvingKey: reader(circomFile(r.t, "bn128/contributed.zkey"))}); err != nil {
		r.t.Fatal(err)
	}
	return c
}

// TestCircomIsRefused uploads what doesn't belong together and sends arguments
// that don't fit. Nothing of it is kept, and the service proves afterwards.
func TestCircomIsRefused(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	r.refuseCircomFiles()
	if page, err := r.cl.Circuits(r.ctx(), "", 0); err != nil || len(page.Items) != 0 {
		t.Errorf("got %+v, %v, want nothing registered", page, err)
	}
	c := r.registerTiny("bn128")
	r.refuseCircomKeys(c.ID)
	if keys, err := r.cl.Keys(r.ctx(), c.ID); err != nil || len(keys) != 0 {
		t.Errorf("got %+v, %v, want no keys", keys, err)
	}
	r.tinyWithKeys()
	r.refuseCircomArguments()
	p := r.prove(api.ProofRequest{Circuit: c.ID, Arguments: circomFile(t, "tiny.json")})
	if got, want := compact(t, p.Result.Outputs), `{"sum":"91","squares":["14","77"]}`; got != want {
		t.Errorf("got outputs %s, want %s", got, want)
	}
}

// refuseCircomFiles registers files of different compilations and damaged ones.
func (r *rig) refuseCircomFiles() {
	r.t.Helper()
	tiny := func(role string) []byte { return circomFile(r.t, "bn128/tiny."+role) }
	for name, files := range map[string][3][]byte{ // r1cs, wasm, sym
		"wasm of another circuit": {tiny("r1cs"), circomFile(r.t, "bn128/bus.wasm"), tiny("sym")},
		"wasm of another curve":   {tiny("r1cs"), circomFile(r.t, "bls12381/tiny.wasm"), tiny("sym")},
		"r1cs of another circuit": {circomFile(r.t, "bn128/bus.r1cs"), tiny("wasm"), tiny("sym")},
		"sym of another circuit":  {tiny("r1cs"), tiny("wasm"), circomFile(r.t, "bn128/bus.sym")},
		"r1cs cut":                {tiny("r1cs")[:100], tiny("wasm"), tiny("sym")},
		"wasm cut":                {tiny("r1cs"), tiny("wasm")[:100], tiny("sym")},
		"files swapped":           {tiny("r1cs"), tiny("sym"), tiny("wasm")},
	} {
		_, _, err := r.cl.Register(r.ctx(), client.Registration{Name: "wrong", Artefacts: map[string]io.Reader{
			"r1cs": reader(files[0]), "wasm": reader(files[1]), "sym": reader(files[2]),
		}})
		wantProblem(r.t, name, err, api.CodeInvalidArtifact, "-")
	}
}

// refuseCircomKeys uploads keys that aren't those of tiny.
func (r *rig) refuseCircomKeys(circuit string) {
	r.t.Helper()
	bn128 := func(name string) []byte { return circomFile(r.t, "bn128/"+name) }
	zkey := bn128("fresh.zkey")
	for name, u := range map[string]client.KeyUpload{
		"of another curve":              {ProvingKey: reader(circomFile(r.t, "bls12381/fresh.zkey"))},
		"of ZoKrates":                   {ProvingKey: reader(read(r.t, mul.file("ark-g16/proving.key")))},
		"cut":                           {ProvingKey: reader(zkey[:len(zkey)-1])},
		"altered":                       {ProvingKey: reader(tamper(zkey, len(zkey)/2))},
		"powers of tau":                 {ProvingKey: reader(bn128("bn128.ptau"))},
		"the constraints":               {ProvingKey: reader(bn128("tiny.r1cs"))},
		"a verifying key":               {ProvingKey: reader(bn128("verification_key.json"))},
		"with that of a later key":      {ProvingKey: reader(zkey), VerifyingKey: reader(bn128("verification_key.json"))},
		"with a proof as verifying key": {ProvingKey: reader(zkey), VerifyingKey: reader(bn128("proof.json"))},
		"with verifying key of a curve": {ProvingKey: reader(zkey), VerifyingKey: reader(circomFile(r.t, "bls12381/verification_key.json"))},
	} {
		_, _, err := r.cl.AddKeys(r.ctx(), circuit, u)
		wantProblem(r.t, "key "+name, err, api.CodeInvalidArtifact, "-")
	}
	bus := map[string]io.Reader{}
	for _, role := range []string{"r1cs", "wasm", "sym"} {
		bus[role] = reader(bn128("bus." + role))
	}
	if _, _, err := r.cl.Register(r.ctx(), client.Registration{Name: "bus", Artefacts: bus}); err != nil {
		r.t.Fatal(err)
	}
	_, _, err := r.cl.AddKeys(r.ctx(), "bus", client.KeyUpload{ProvingKey: reader(zkey)})
	wantProblem(r.t, "key of another circuit", err, api.CodeInvalidArtifact, "-")
}

// refuseCircomArguments sends inputs of the wrong names, counts and ranges.
func (r *rig) refuseCircomArguments() {
	r.t.Helper()
	for _, tc := range []struct{ name, arguments, path string }{
		{"missing", `{"secret":[[1,2,3],[4,5,6]]}`, "/arguments/limit"},
		{"unknown", `{"secret":[[1,2,3],[4,5,6]],"limit":"91","k99123":"1"}`, "/arguments"},
		{"twice", `{"limit":"99123","secret":[[1,2,3],[4,5,6]],"limit":"91"}`, "/arguments/limit"},
		{"too many", `{"secret":[[1,2,3],[4,5,6,"99123"]],"limit":"91"}`, "/arguments/secret/1"},
		{"too many, flat", `{"secret":[1,2,3,4,5,6,"99123"],"limit":"91"}`, "/arguments/secret"},
		{"too few", `{"secret":[[1,2,3],["99123"]],"limit":"91"}`, "/arguments/secret/1"},
		{"negative", `{"secret":[[1,2,3],[4,5,"-99123"]],"limit":"91"}`, "/arguments/secret/1/2"},
		{"the field's order", `{"secret":[[1,2,3],[4,5,6]],"limit":"` + modulus + `"}`, "/arguments/limit"},
		{"a bare number over 2^53", `{"secret":[[1,2,3],[4,5,6]],"limit":9912300000000000000}`, "/arguments/limit"},
		{"a list", `[[1,2,3],[4,5,6],"99123"]`, "/arguments"},
	} {
		r.wantRefused(tc.name, "tiny-bn128", tc.arguments, tc.path)
	}
}
