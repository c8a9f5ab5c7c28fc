package daemon

import (
	"bytes"
	"testing"

	"provery/api"
	"provery/client"
)

// TestExportKeys exports keys as they were uploaded, of every scheme, curve and
// layout that the fixtures have, and one that was made here, which then proves
// as an uploaded one.
func TestExportKeys(t *testing.T) {
	t.Parallel()
	r := start(t, setup{})
	for f, keys := range fixturesWithKeys(t) {
		if f.program != "mul" {
			continue
		}
		c := r.register(f)
		for _, dir := range keys {
			want := read(t, f.file(dir+"/proving.key"))
			k, _, err := r.cl.AddKeys(r.ctx(), c.ID, client.KeyUpload{ProvingKey: bytes.NewReader(want), Ceremony: "of test"})
			if err != nil {
				t.Fatalf("%v %s: %v", f, dir, err)
			}
			if k.Provenance != api.ProvenanceCeremony || k.Ceremony != "of test" {
				t.Errorf("%v %s: got %s of %q, want the ceremony", f, dir, k.Provenance, k.Ceremony)
			}
			var got bytes.Buffer
			if layout, err := r.cl.ProvingKey(r.ctx(), c.ID, k.ID, &got); err != nil || layout != k.Layout || !bytes.Equal(got.Bytes(), want) {
				t.Errorf("%v %s: got %d bytes of %s, %v, want the uploaded ones of %s", f, dir, got.Len(), layout, err, k.Layout)
			}
		}
	}
	c := r.register(fixture{"square", "bn128"})
	upload := client.KeyUpload{}
	for i, want := range []struct {
		said       string
		provenance api.Provenance
		ceremony   string
	}{{"", api.ProvenanceUploaded, ""}, {"first", api.ProvenanceCeremony, "first"}, {"second", api.ProvenanceCeremony, "first"}} {
		upload.ProvingKey, upload.Ceremony = bytes.NewReader(read(t, fixture{"square", "bn128"}.file("bellman-g16/proving.key"))), want.said
		k, existed, err := r.cl.AddKeys(r.ctx(), c.ID, upload)
		if err != nil || existed != (i > 0) || k.Provenance != want.provenance || k.Ceremony != want.ceremony {
			t.Errorf("said %q: got %s of %q, %v, want %s of %q", want.said, k.Provenance, k.Ceremony, err, want.provenance, want.ceremony)
		}
	}
	c = r.register(fixture{"asmdir", "bn128"})
	if _, err := r.cl.ProvingKey(r.ctx(), c.ID, "groth16", &bytes.Buffer{}); client.CodeOf(err) != api.CodeNotFound {
		t.Errorf("without keys: got %v", err)
	}
	made, err := r.cl.SetupKeys(r.ctx(), c.ID, "gm17")
	if err != nil {
		t.Fatal(err)
	}
	var exported bytes.Buffer
	if layout, err := r.cl.ProvingKey(r.ctx(), c.ID, "gm17", &exported); err != nil || layout != "ark" {
		t.Fatalf("got %s, %v, want the ark layout", layout, err)
	}
	k, existed, err := r.cl.AddKeys(r.ctx(), c.ID, client.KeyUpload{ProvingKey: &exported})
	if err != nil || existed || k.VerifyingKeyDigest != made.VerifyingKeyDigest || k.SelfTest != "passed" || k.Provenance != api.ProvenanceUploaded {
		t.Errorf("got %+v, %v, want the same key, uploaded", k, err)
	}
}
