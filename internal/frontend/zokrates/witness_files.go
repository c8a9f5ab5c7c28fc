package zokrates

import (
	"context"
	"io"

	"provery/internal/fault"
	"provery/internal/frontend"
)

// The formats of witness files. Only the first two can be proven by ZoKrates
// itself; the text is what ZoKrates wrote before 0.8.6, and what ZoKrates-API
// answers.
const (
	Witness32   = "zokrates32"    // words of 4 bytes: zokrates-js
	Witness64   = "zokrates64"    // words of 8 bytes: the command line
	WitnessText = "zokrates-text" // a line for each variable: "~out_0 15"
)

// wordSizes are the word sizes of the binary formats.
var wordSizes = map[string]int{Witness32: WordSize32, Witness64: WordSize64}

// CheckWitness implements frontend.WitnessFiles.
func (p *program[S]) CheckWitness(file *io.SectionReader) error {
	w, err := readWitnessFile(file, p.system.Curve)
	if err != nil {
		return err
	}
	_, err = p.assignment(w)
	return err
}

// ReadWitness implements frontend.WitnessFiles. It takes every format.
func (p *program[S]) ReadWitness(ctx context.Context, file *io.SectionReader) (*frontend.Solution, error) {
	w, err := readWitnessFile(file, p.system.Curve)
	if err != nil {
		return nil, err
	}
	return p.importWitness(ctx, w)
}

// WriteWitness implements frontend.WitnessFiles.
func (p *program[S]) WriteWitness(w io.Writer, s *frontend.Solution, format string) error {
	if format == WitnessText {
		return p.writeWitnessText(w, s)
	}
	size, ok := wordSizes[format]
	if !ok {
		return fault.New(fault.Unsupported, "unknown witness format; known are %s, %s and %s", Witness32, Witness64, WitnessText)
	}
	return p.writeWitness(w, s, size)
}

// WitnessSize implements frontend.WitnessFiles.
func (p *program[S]) WitnessSize(format string) int64 {
	params := p.field.Params()
	n := int64(p.system.NumVariables)
	if format == WitnessText {
		const name, digitsPerByte = 16, 2.5 // "~out_2147483647 " and a little over log10(256) digits
		return n * (name + int64(digitsPerByte*float64(params.ScalarBytes)))
	}
	word := int64(wordSizes[format])
	return word + n*(word+int64(params.ScalarBytes))
}
