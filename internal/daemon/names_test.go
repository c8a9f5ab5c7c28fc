package daemon

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"provery/api"
)

func TestNamesAndReferences(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	reg := registration(t, mul, "shop")
	reg.Tag = "v1"
	one, _, err := r.cl.Register(r.ctx(), reg)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"shop:latest", "shop:v1"}; !slices.Equal(one.Tags, want) {
		t.Errorf("got tags %v, want %v", one.Tags, want)
	}
	digits := strings.TrimPrefix(one.ID, "sha256:")
	for _, ref := range []string{one.ID, digits, digits[:12], "shop", "shop:latest", "shop:v1", "shop@" + one.ID} {
		if c, err := r.cl.Circuit(r.ctx(), ref); err != nil || c.ID != one.ID {
			t.Errorf("%s: got %+v, %v, want the circuit", ref, c, err)
		}
	}
	two := r.registerAs(fixture{"square", "bn128"}, "shop")
	for ref, want := range map[string]string{"shop": two.ID, "shop:latest": two.ID, "shop:v1": one.ID} {
		if c, err := r.cl.Circuit(r.ctx(), ref); err != nil || c.ID != want {
			t.Errorf("%s after a second version: got %+v, %v, want %s", ref, c, err, want)
		}
	}
	for _, tag := range []string{"shop:stable", "stable", "store:v1"} {
		c, err := r.cl.Tag(r.ctx(), "shop:v1", tag)
		full := tag
		if !strings.Contains(tag, ":") {
			full = "shop:" + tag
		}
		if err != nil || c.ID != one.ID || !slices.Contains(c.Tags, full) {
			t.Errorf("tag %s: got %+v, %v", tag, c, err)
		}
	}
	_, err = r.cl.Tag(r.ctx(), one.ID, "bare")
	wantProblem(t, "tag without a name", err, api.CodeInvalidRequest, "/tag")
	for _, ref := range []string{"nobody", "shop:v9", "ffffffffffff", "sha256:" + strings.Repeat("f", 64), "store@" + two.ID} {
		_, err := r.cl.Circuit(r.ctx(), ref)
		wantProblem(t, ref, err, api.CodeNotFound, "-")
		_, err = r.cl.Prove(r.ctx(), api.ProofRequest{Circuit: ref, Arguments: []byte(`[]`)})
		wantProblem(t, "prove "+ref, err, api.CodeNotFound, "-")
	}
	if err := r.cl.RemoveCircuit(r.ctx(), "shop:v1"); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{one.ID, "shop:v1", "shop:stable", "store:v1"} {
		_, err := r.cl.Circuit(r.ctx(), ref)
		wantProblem(t, ref+" after its removal", err, api.CodeNotFound, "-")
	}
	if _, err := r.cl.Circuit(r.ctx(), "shop"); err != nil {
		t.Errorf("the other version: got %v", err)
	}
}

// registerAs registers a fixture under another name.
func (r *rig) registerAs(f fixture, name string) *api.Circuit {
	r.t.Helper()
	c, _, err := r.cl.Register(r.ctx(), registration(r.t, f, name))
	if err != nil {
		r.t.Fatalf("register %v: %v", f, err)
	}
	return c
}

func TestNamesThatAreRefused(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	for _, name := range []string{"sha256", "0123456789ab", "deadbeefdeadbeef", "Upper", "-a", "a-"} {
		_, _, err := r.cl.Register(r.ctx(), registration(t, mul, name))
		wantProblem(t, name, err, api.CodeInvalidRequest, "-")
	}
	if page, err := r.cl.Circuits(r.ctx(), "", 0); err != nil || len(page.Items) != 0 {
		t.Errorf("got %+v, %v, want no circuit", page, err)
	}
}

// TestLists pages through circuits and proofs, newest first.
func TestLists(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	var circuits []string
	for _, f := range []fixture{{"inout", "bn128"}, {"square", "bn128"}, {"mul", "bls12_381"}, {"mul", "bw6_761"}, mul} {
		circuits = append([]string{r.register(f).ID}, circuits...)
	}
	var got []string
	for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
		page, err := r.cl.Circuits(r.ctx(), cursor, 2)
		if err != nil || pages > 3 {
			t.Fatalf("page %d: %v", pages, err)
		}
		for _, c := range page.Items {
			got = append(got, c.ID)
		}
		if cursor = page.Next; pages == 0 { // what is removed meanwhile doesn't disturb
			if err := r.cl.RemoveCircuit(r.ctx(), circuits[1]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !slices.Equal(got, circuits) {
		t.Errorf("got %v, want %v", got, circuits)
	}
	for _, cursor := range []string{"x", "1-2", "-" + strings.Repeat("0", 64)} {
		_, err := r.cl.Circuits(r.ctx(), cursor, 2)
		wantProblem(t, "cursor "+cursor, err, api.CodeInvalidRequest, "-")
	}

	r.addKeys(mul, "mul", "ark")
	r.ready(fixture{"assertmsg", "bn128"})
	var ids []string
	for i := range uint64(5) {
		ids = append([]string{r.prove(times(i+2, 3)).ID}, ids...)
	}
	failed := r.submit(api.ProofRequest{Circuit: "assertmsg", Arguments: []byte(`["1","2"]`)})
	_, err := r.cl.Wait(r.ctx(), failed.ID)
	wantProblem(t, "unsatisfied", err, api.CodeUnsatisfiedWitness, "")
	for _, tc := range []struct {
		filter api.ProofFilter
		want   []string
	}{
		{api.ProofFilter{}, append([]string{failed.ID}, ids...)},
		{api.ProofFilter{State: api.StateSucceeded}, ids},
		{api.ProofFilter{State: api.StateFailed}, []string{failed.ID}},
		{api.ProofFilter{State: api.StateQueued}, nil},
		{api.ProofFilter{Circuit: "mul"}, ids},
		{api.ProofFilter{Circuit: "assertmsg", State: api.StateSucceeded}, nil},
	} {
		if got := r.listed(tc.filter); fmt.Sprint(got) != fmt.Sprint(tc.want) {
			t.Errorf("%+v: got %v, want %v", tc.filter, got, tc.want)
		}
	}
	got = nil
	for p, err := range r.cl.AllProofs(r.ctx(), api.ProofFilter{State: api.StateSucceeded}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p.ID)
	}
	if !slices.Equal(got, ids) {
		t.Errorf("all pages: got %v, want %v", got, ids)
	}
	_, err = r.cl.Proofs(r.ctx(), api.ProofFilter{Circuit: "nobody"}, "", 0)
	wantProblem(t, "unknown circuit", err, api.CodeNotFound, "-")
}

// listed pages through proofs, two at a time.
func (r *rig) listed(filter api.ProofFilter) []string {
	r.t.Helper()
	var out []string
	for cursor := ""; ; {
		page, err := r.cl.Proofs(r.ctx(), filter, cursor, 2)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, p := range page.Items {
			if p.Result != nil {
				r.t.Error("a list holds results")
			}
			out = append(out, p.ID)
		}
		if cursor = page.Next; cursor == "" {
			return out
		}
	}
}
