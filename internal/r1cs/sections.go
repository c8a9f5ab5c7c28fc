package r1cs

import (
	"math"

	"provery/internal/container"
	"provery/internal/curve"
	"provery/internal/fault"
)

// NumSections is the number of container sections that a System takes: ids
// base to base+NumSections-1.
const NumSections = 8

// The sections of a System, relative to the base id.
const (
	sectionHeader  = iota // u64: curve, NumPublic, NumVariables, bits of a coefficient index
	sectionA              // u32 by constraint
	sectionB              // u32 by constraint
	sectionC              // u32 by constraint
	sectionStart          // u32, one more than there are rows
	sectionColumns        // u32 by term
	sectionCoefs          // u16 or u32 by term
	sectionTable          // field elements in memory form
)

const headerWords = 4

// Sections returns s as container sections with the ids from base on. They
// share s's storage.
func (s *System) Sections(base uint32) []container.Section {
	width, coefs := uint64(16), container.Bytes(s.Rows.Coef16)
	if s.Rows.Coef16 == nil {
		width, coefs = 32, container.Bytes(s.Rows.Coef32)
	}
	header := []uint64{uint64(s.Curve), uint64(s.NumPublic), uint64(s.NumVariables), width}
	return []container.Section{
		{ID: base + sectionHeader, Data: container.Bytes(header)},
		{ID: base + sectionA, Data: container.Bytes(s.A)},
		{ID: base + sectionB, Data: container.Bytes(s.B)},
		{ID: base + sectionC, Data: container.Bytes(s.C)},
		{ID: base + sectionStart, Data: container.Bytes(s.Rows.Start)},
		{ID: base + sectionColumns, Data: container.Bytes(s.Rows.Columns)},
		{ID: base + sectionCoefs, Data: coefs},
		{ID: base + sectionTable, Data: s.Table},
	}
}

// FromSections views the System that Sections wrote with the same base. It
// shares f's storage, and its structure has been checked with Validate. A
// system over another curve than params.ID, a missing section or a broken
// structure is fault.InvalidArtifact.
func FromSections(f *container.File, base uint32, params *curve.Params) (*System, error) {
	header, err := container.Words[uint64](f, base+sectionHeader)
	if err != nil {
		return nil, err
	}
	if len(header) != headerWords || header[1] >= math.MaxUint32 || header[2] > math.MaxUint32 {
		return nil, fault.New(fault.InvalidArtifact, "constraint system: header is damaged")
	}
	if header[0] != uint64(params.ID) {
		return nil, fault.New(fault.InvalidArtifact, "constraint system isn't over %v", params.ID)
	}
	s := &System{Curve: params.ID, NumPublic: int(header[1]), NumVariables: int(header[2])}
	for _, part := range []struct {
		dst *[]uint32
		id  uint32
	}{{&s.A, sectionA}, {&s.B, sectionB}, {&s.C, sectionC}, {&s.Rows.Start, sectionStart}, {&s.Rows.Columns, sectionColumns}} {
		if *part.dst, err = container.Words[uint32](f, base+part.id); err != nil {
			return nil, err
		}
	}
	switch header[3] {
	case 16:
		s.Rows.Coef16, err = container.Words[uint16](f, base+sectionCoefs)
	case 32:
		s.Rows.Coef32, err = container.Words[uint32](f, base+sectionCoefs)
	default:
		err = fault.New(fault.InvalidArtifact, "constraint system: coefficient indexes of %d bits", header[3])
	}
	if err != nil {
		return nil, err
	}
	if s.Table, err = f.Section(base + sectionTable); err != nil {
		return nil, err
	}
	if err := s.Validate(params.ScalarBytes); err != nil {
		return nil, err
	}
	return s, nil
}
