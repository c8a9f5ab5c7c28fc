package worker

import (
	"io"
	"os"
	"testing"

	"provery/internal/fault"
	"provery/internal/frontend"
	"provery/internal/frontend/zokrates"
)

// bare hides all but what the programs of every language have.
type bare struct{ frontend.Program }

// TestCheckTask checks the form of arguments and of witnesses.
func TestCheckTask(t *testing.T) {
	t.Parallel()
	f, err := os.Open("../../testdata/zokrates/mul/bn128/out")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	program, err := zokrates.New().Import(t.Context(), frontend.Artefacts{"program": io.NewSectionReader(f, 0, info.Size())})
	if err != nil {
		t.Fatal(err)
	}
	whole := Task{Witness: []byte("~out_0 15\n~one 1\n_0 3\n_1 5")}
	for _, tc := range []struct {
		name    string
		program frontend.Program
		task    Task
		code    fault.Code
	}{
		{"arguments", program, Task{Arguments: []byte(`["3","5"]`)}, ""},
		{"wrong arguments", program, Task{Arguments: []byte(`["3"]`)}, fault.InvalidRequest},
		{"witness", program, whole, ""},
		{"false witness, which only the constraints tell", program, Task{Witness: []byte("~out_0 16\n~one 1\n_0 3\n_1 5")}, ""},
		{"damaged witness", program, Task{Witness: []byte("~out_0 15")}, fault.InvalidArtifact},
		{"witness of a language that has none", bare{program}, whole, fault.Unsupported},
		{"arguments of that language", bare{program}, Task{Arguments: []byte(`["3","5"]`)}, ""},
	} {
		if got := fault.CodeOf(check(tc.program, &tc.task)); got != tc.code {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.code)
		}
	}
}
