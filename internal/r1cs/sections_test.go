package r1cs_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"provery/internal/container"
	"provery/internal/curve/bn254"
	"provery/internal/fault"
	"provery/internal/r1cs"
)

const base = 16

func TestSectionsRoundTrip(t *testing.T) {
	t.Parallel()
	narrow, _ := squares(5)
	wide, _ := squares(5)
	for _, c := range wide.Rows.Coef16 {
		wide.Rows.Coef32 = append(wide.Rows.Coef32, uint32(c))
	}
	wide.Rows.Coef16 = nil
	empty, _ := squares(0)
	for name, sys := range map[string]*r1cs.System{"u16": narrow, "u32": wide, "no constraints": empty} {
		got, err := reopen(t, sys.Sections(base))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		same := cmp.Transformer("empty", func(v []uint32) []uint32 { return append([]uint32{}, v...) })
		if diff := cmp.Diff(sys, got, same); name != "no constraints" && diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if got.NumConstraints() != sys.NumConstraints() || got.NumPrivate() != sys.NumPrivate() {
			t.Errorf("%s: the dimensions differ", name)
		}
	}
}

// reopen writes the sections to a container and reads them.
func reopen(t *testing.T, sections []container.Section) (*r1cs.System, error) {
	t.Helper()
	var file bytes.Buffer
	if _, err := container.Write(&file, "TEST", 1, sections); err != nil {
		t.Fatal(err)
	}
	f, err := container.Open(file.Bytes(), "TEST", 1)
	if err != nil {
		t.Fatal(err)
	}
	return r1cs.FromSections(f, base, bn254.NewField().Params())
}

func TestFromSectionsRefusesDamage(t *testing.T) {
	t.Parallel()
	good, _ := squares(5)
	for i := range good.Sections(base) {
		left := append([]container.Section{}, good.Sections(base)...)
		if _, err := reopen(t, append(left[:i], left[i+1:]...)); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("without section %d: got %v, want invalid_artifact", i, err)
		}
		odd := good.Sections(base)
		odd[i].Data = append(bytes.Clone(odd[i].Data), 1)
		if _, err := reopen(t, odd); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("section %d with a byte more: got %v, want invalid_artifact", i, err)
		}
	}
	for name, header := range map[string][]uint64{
		"empty": {}, "long": {1, 1, 7, 16, 0}, "another curve": {2, 1, 7, 16}, "no curve": {0, 1, 7, 16}, "width": {1, 1, 7, 8},
		"more public than variables": {1, 7, 7, 16}, "huge public": {1, 1 << 63, 7, 16}, "huge variables": {1, 1, 1 << 63, 16},
		"few variables": {1, 1, 2, 16},
	} {
		sections := good.Sections(base)
		sections[0].Data = container.Bytes(header)
		if _, err := reopen(t, sections); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("header, %s: got %v, want invalid_artifact", name, err)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(s *r1cs.System)
	}{
		{"negative public", func(s *r1cs.System) { s.NumPublic = -1 }},
		{"no constant", func(s *r1cs.System) { s.NumVariables = s.NumPublic }},
		{"short B", func(s *r1cs.System) { s.B = s.B[1:] }},
		{"long C", func(s *r1cs.System) { s.C = append(s.C, 0) }},
		{"table of one", func(s *r1cs.System) { s.Table = s.Table[:32] }},
		{"table cut", func(s *r1cs.System) { s.Table = s.Table[:65] }},
		{"no rows", func(s *r1cs.System) { s.Rows.Start = nil }},
		{"row 0 not empty", func(s *r1cs.System) { s.Rows.Start[1] = 1 }},
		{"rows overlap", func(s *r1cs.System) { s.Rows.Start[3] = 0 }},
		{"terms beyond rows", func(s *r1cs.System) { s.Rows.Columns = append(s.Rows.Columns, 0) }},
		{"rows beyond terms", func(s *r1cs.System) { s.Rows.Start[len(s.Rows.Start)-1]++ }},
		{"two coefficient arrays", func(s *r1cs.System) { s.Rows.Coef32 = []uint32{} }},
		{"no coefficients", func(s *r1cs.System) { s.Rows.Coef16 = nil }},
		{"column out of range", func(s *r1cs.System) { s.Rows.Columns[2] = uint32(s.NumVariables) }},
		{"coefficient out of range", func(s *r1cs.System) { s.Rows.Coef16[2] = 3 }},
		{"row out of range", func(s *r1cs.System) { s.C[1] = uint32(s.Rows.NumRows()) }},
	}
	for _, tc := range tests {
		s, _ := squares(4)
		if err := s.Validate(32); err != nil {
			t.Fatalf("unchanged: %v", err)
		}
		tc.change(s)
		if err := s.Validate(32); !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("%s: got %v, want invalid_artifact", tc.name, err)
		}
	}
}

func FuzzFromSections(f *testing.F) {
	s, _ := squares(5)
	var file bytes.Buffer
	if _, err := container.Write(&file, "TEST", 1, s.Sections(base)); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	field := bn254.NewField()
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := container.Open(bytes.Clone(data), "TEST", 1)
		if err != nil {
			return
		}
		s, err := r1cs.FromSections(c, base, field.Params())
		if err != nil || s.NumVariables > 1<<16 {
			return
		}
		if err := s.Validate(32); err != nil {
			t.Errorf("accepted a system that isn't valid: %v", err)
		}
	})
}
