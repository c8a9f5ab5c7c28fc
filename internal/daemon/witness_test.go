package daemon

import (
	"net/http"
	"strings"
	"testing"

	"provery/api"
	"provery/client"
)

// TestProofOfAWitness takes the witness out of a dry run, in every format, and
// proves it: the outputs are those of the arguments.
func TestProofOfAWitness(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	for _, f := range []fixture{mul, {"mixed", "bn128"}, {"mul", "bw6_761"}} {
		c := r.ready(f)
		want := compact(t, read(t, f.file("output.json")))
		for _, format := range []string{api.WitnessZoKrates32, api.WitnessZoKrates64, api.WitnessZoKratesText} {
			dry, err := r.cl.DryRun(r.ctx(), c.ID, api.WitnessRequest{Arguments: f.args(t), Witness: format})
			if err != nil || !dry.Satisfied || len(dry.Witness) == 0 {
				t.Fatalf("%v %s: got %+v, %v, want a witness", f, format, dry, err)
			}
			p := r.prove(api.ProofRequest{Circuit: c.ID, Witness: dry.Witness})
			if got := compact(t, p.Result.Outputs); got != want {
				t.Errorf("%v %s: got outputs %s, want %s", f, format, got, want)
			}
		}
		p := r.prove(api.ProofRequest{Circuit: c.ID, Witness: read(t, f.file("witness"))})
		if v, err := r.cl.Verify(r.ctx(), api.VerifyRequest{Circuit: c.ID, Proof: p.Result.Proof}); err != nil || !v.Valid {
			t.Errorf("%v: ZoKrates's witness: got %+v, %v, want a valid proof", f, v, err)
		}
	}
	dry, err := r.cl.DryRun(r.ctx(), "mul", api.WitnessRequest{Arguments: mul.args(t)})
	if err != nil || dry.Witness != nil {
		t.Errorf("got %+v, %v, want no witness unless asked for", dry, err)
	}
}

func TestWitnessIsRefused(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	c := r.ready(mul)
	for _, tc := range []struct {
		name, witness string
		code          api.Code
		path          string
	}{
		{"not a witness", "31337", api.CodeInvalidRequest, "/witness"},
		{"a variable is missing", "~out_0 15\n~one 1\n_0 31337", api.CodeInvalidRequest, "/witness"},
		{"another program", string(read(t, fixture{"mixed", "bn128"}.file("witness"))), api.CodeUnsatisfiedWitness, ""},
		{"another curve", string(read(t, fixture{"mul", "bw6_761"}.file("witness"))), api.CodeInvalidRequest, "/witness"},
		{"unsatisfied", "~out_0 31337\n~one 1\n_0 3\n_1 5", api.CodeUnsatisfiedWitness, ""},
	} {
		_, err := r.cl.Prove(r.ctx(), api.ProofRequest{Circuit: c.ID, Witness: []byte(tc.witness)})
		e := wantProblem(t, tc.name, err, tc.code, tc.path)
		if strings.Contains(e.Error(), "31337") {
			t.Errorf("%s: the error holds the value: %v", tc.name, e)
		}
	}
	if strings.Contains(r.log.String(), "31337") {
		t.Error("the log holds the value")
	}
}

// TestWitnessUnderAnIdempotencyKey checks that the witness counts as part of
// the request.
func TestWitnessUnderAnIdempotencyKey(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	c := r.ready(mul)
	submit := func(witness string) (*api.Proof, error) {
		return r.cl.Submit(r.ctx(), api.ProofRequest{Circuit: c.ID, Witness: []byte(witness)}, client.SubmitOptions{IdempotencyKey: "k"})
	}
	first, err := submit("~out_0 15\n~one 1\n_0 3\n_1 5")
	if err != nil {
		t.Fatal(err)
	}
	again, err := submit("~out_0 15\n~one 1\n_0 3\n_1 5")
	if err != nil || again.ID != first.ID {
		t.Errorf("got %v, %v, want %s again", again, err, first.ID)
	}
	_, err = submit("~out_0 15\n~one 1\n_0 5\n_1 3")
	wantProblem(t, "another witness", err, api.CodeConflict, "")
	r.finished(first.ID)
}

// TestDryRunTellsLogs checks that log lines come with the outputs, and only
// when asked for.
func TestDryRunTellsLogs(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	f := fixture{"logs", "bn128"}
	c := r.register(f)
	dry, err := r.cl.DryRun(r.ctx(), c.ID, api.WitnessRequest{Arguments: f.args(t), Logs: true, Witness: api.WitnessZoKrates64})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.TrimSuffix(string(read(t, f.file("log.txt"))), "\n")
	if got := strings.Join(dry.Logs, "\n"); got != want || len(dry.Witness) == 0 {
		t.Errorf("got logs %q and %d bytes of witness, want %q", got, len(dry.Witness), want)
	}
	a := r.do(http.MethodPost, "/v1/circuits/"+c.ID+"/witness", `{"arguments":`+string(f.args(t))+`}`)
	if strings.Contains(a.body, "logs") || strings.Contains(a.body, "witness") {
		t.Errorf("got %s, want neither logs nor witness", a.body)
	}
}
