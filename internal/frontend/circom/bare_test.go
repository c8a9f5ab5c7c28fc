package circom

import (
	"io"
	"os"
	"testing"

	"provery/internal/fault"
	"provery/internal/frontend"
)

// TestOpenConstraints reads witnesses of circuits without their calculators, on
// both curves. Anything else is refused.
func TestOpenConstraints(t *testing.T) {
	t.Parallel()
	for _, curve := range []string{"bn128", "bls12381"} {
		file := func(name string) *io.SectionReader {
			b, err := os.ReadFile("../../../testdata/circom/" + curve + "/" + name)
			if err != nil {
				t.Fatal(err)
			}
			return sectionOf(b)
		}
		p, err := OpenConstraints(t.Context(), file("tiny.r1cs"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := p.(frontend.WitnessFiles).ReadWitness(t.Context(), file("tiny.wtns"))
		if err != nil || s.Public.Len() != 4 {
			t.Errorf("%s: got %v public inputs, error %v, want 4", curve, s, err)
		}
		_, err = p.Solve(t.Context(), tinyArguments, frontend.SolveOptions{})
		for what, err := range map[string]error{"Solve": err, "Check": p.Check(tinyArguments, frontend.SolveOptions{}), "WriteFile": p.WriteFile(io.Discard)} {
			if !fault.Is(err, fault.Unsupported) {
				t.Errorf("%s: got %v, want it refused", what, err)
			}
		}
		if s := p.Statistics(); s.Constraints == 0 || s.PublicInputs != 4 || len(p.Samples()) != 0 {
			t.Errorf("%s: got %+v", curve, s)
		}
		if err := frontend.Release(p); err != nil {
			t.Error(err)
		}
		if _, err := OpenConstraints(t.Context(), file("tiny.wtns")); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("a witness: got %v", err)
		}
	}
}
