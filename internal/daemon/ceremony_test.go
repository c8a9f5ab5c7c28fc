package daemon

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"provery/api"
	"provery/client"
	"provery/internal/ceremony"
	"provery/internal/zkey"
)

// beacons returns tiny's first key with a beacon, whose secret everybody knows, as its
// only contribution.
func beacons(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	_, err := ceremony.Contribute(t.Context(), ceremony.Contribution{
		Key:    sectionOf(circomFile(t, "bn128/fresh.zkey")),
		Beacon: &zkey.Beacon{Value: []byte{1}, Exponent: 10},
	}, ceremony.Run{Threads: 1}, &out)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func sectionOf(b []byte) *io.SectionReader {
	return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b)))
}

// registerTiny registers the circuit of snarkjs's keys.
func (r *rig) registerTiny(curve string) *api.Circuit {
	r.t.Helper()
	artefacts := map[string]io.Reader{}
	for _, role := range []string{"r1cs", "wasm", "sym"} {
		artefacts[role] = bytes.NewReader(circomFile(r.t, curve+"/tiny."+role))
	}
	c, _, err := r.cl.Register(r.ctx(), client.Registration{Name: "tiny-" + curve, Artefacts: artefacts})
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// TestProvenance registers keys of all that a ceremony makes: who contributed is
// recorded, a key that nobody contributed a secret to is marked, and refused where
// such keys are. Keys come back with what they tell of the ceremony.
func TestProvenance(t *testing.T) {
	t.Parallel()
	allowed, refused := start(t, setup{}), start(t, setup{config: configWithoutSetup(new(bool))})
	c := allowed.registerTiny("bn128")
	refused.registerTiny("bn128")
	for _, tc := range []struct {
		name          string
		zkey          []byte
		ceremony      string
		want          api.Provenance // where insecure keys are allowed; "" if it is refused even there
		strict        api.Provenance // where they aren't
		contributions string
	}{
		{"fresh, with a name", circomFile(t, "bn128/fresh.zkey"), "ours", "", "", ""},
		{"fresh", circomFile(t, "bn128/fresh.zkey"), "", api.ProvenanceInsecureDev, "", ""},
		{"a beacon alone, with a name", beacons(t), "ours", "", "", ""},
		{"a beacon alone", beacons(t), "", api.ProvenanceInsecureDev, "", `1 "" true;`},
		{"contributed", circomFile(t, "bn128/contributed.zkey"), "", api.ProvenanceCeremony, api.ProvenanceCeremony, `1 "two" false;`},
		{"beaconed, with a name", circomFile(t, "bn128/beaconed.zkey"), "ours", api.ProvenanceCeremony, api.ProvenanceCeremony, `1 "two" false;2 "final" true;`},
	} {
		for r, want := range map[*rig]api.Provenance{allowed: tc.want, refused: tc.strict} {
			k, _, err := r.cl.AddKeys(r.ctx(), c.ID, client.KeyUpload{ProvingKey: bytes.NewReader(tc.zkey), Ceremony: tc.ceremony})
			if want == "" {
				if e := wantProblem(t, tc.name, err, api.CodeInvalidArtifact, ""); !strings.Contains(e.Error(), "nobody has contributed a secret") {
					t.Errorf("%s: got %v", tc.name, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", tc.name, err)
				continue
			}
			got := ""
			for _, c := range k.Contributions {
				got += fmt.Sprintf("%d %q %v;", c.Number, c.Name, c.Beacon)
			}
			if k.Provenance != want || k.Ceremony != tc.ceremony || got != tc.contributions {
				t.Errorf("%s: got %s of %q by %s, want %s by %s", tc.name, k.Provenance, k.Ceremony, got, want, tc.contributions)
			}
			r.sameContributions(c.ID, k.ID, tc.zkey)
		}
	}
}

// sameContributions checks that the key comes back with the ceremony's list, and as
// one that verifies as before.
func (r *rig) sameContributions(circuit, keys string, zkey []byte) {
	r.t.Helper()
	var out bytes.Buffer
	if _, err := r.cl.ProvingKey(r.ctx(), circuit, keys, &out); err != nil {
		r.t.Fatal(err)
	}
	powers := func() ceremony.Circuit {
		return ceremony.Circuit{R1CS: sectionOf(circomFile(r.t, "bn128/tiny.r1cs")), Powers: sectionOf(circomFile(r.t, "bn128/bn128.ptau"))}
	}
	reports := make([]string, 2)
	for i, key := range [][]byte{zkey, out.Bytes()} {
		report, err := ceremony.Verify(r.ctx(), powers(), sectionOf(key), ceremony.Run{Threads: 1})
		if err != nil {
			r.t.Fatal(err)
		}
		reports[i] = fmt.Sprintf("%x", report.Circuit)
		for _, c := range report.Contributions {
			reports[i] += fmt.Sprintf(" %x %s", c.Hash, c.Name)
		}
	}
	if reports[0] != reports[1] {
		r.t.Errorf("exported with\n%s\nwant\n%s", reports[1], reports[0])
	}
}
