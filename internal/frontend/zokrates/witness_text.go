package zokrates

import (
	"bufio"
	"cmp"
	"io"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"provery/internal/curve"
	"provery/internal/fault"
	"provery/internal/frontend"
)

// oneName is the constant's name in text witnesses.
const oneName = "~one"

// readWitnessFile reads a witness in any format. A binary one is told by its
// exact length, a text by its first character.
func readWitnessFile(file *io.SectionReader, id curve.ID) (*WitnessFile, error) {
	var first [1]byte
	_, _ = file.ReadAt(first[:], 0) // an empty file is none of both
	if first[0] != '~' && first[0] != '_' {
		return ReadWitness(file, id)
	}
	w, err := ReadWitness(file, id)
	if !fault.Is(err, fault.InvalidArtifact) {
		return w, err
	}
	return readWitnessText(file, id)
}

// textEntry is a line of a text witness.
type textEntry struct {
	id    int32
	value *big.Int
}

// maxWitnessLine bounds a line: a name, a space, and the decimal digits of the
// largest field.
const maxWitnessLine = 256

// readWitnessText reads a text witness: "name value" lines in any order.
func readWitnessText(file *io.SectionReader, id curve.ID) (*WitnessFile, error) {
	params, err := paramsOf(id)
	if err != nil {
		return nil, err
	}
	var entries []textEntry
	lines := bufio.NewScanner(io.NewSectionReader(file, 0, file.Size()))
	lines.Buffer(nil, maxWitnessLine)
	for lines.Scan() {
		e, ok := parseWitnessLine(lines.Text(), params)
		if !ok {
			return nil, badWitness("line %d isn't a variable and its value", len(entries)+1)
		}
		entries = append(entries, e)
	}
	if err := lines.Err(); err != nil {
		return nil, badWitness("line %d is too long", len(entries)+1)
	}
	slices.SortFunc(entries, func(a, b textEntry) int { return cmp.Compare(a.id, b.id) })
	w := &WitnessFile{Curve: id, width: params.ScalarBytes}
	value := make([]byte, w.width)
	for i, e := range entries {
		if i > 0 && entries[i-1].id == e.id {
			return nil, badWitness("a variable occurs twice")
		}
		e.value.FillBytes(value)
		slices.Reverse(value)
		w.ids = append(w.ids, e.id)
		w.values = append(w.values, value...)
	}
	return w, nil
}

// parseWitnessLine reads "name value".
func parseWitnessLine(line string, params *curve.Params) (e textEntry, ok bool) {
	name, digits, ok := strings.Cut(line, " ")
	if !ok || digits == "" || strings.Trim(digits, "0123456789") != "" {
		return e, false
	}
	if e.id, ok = variableOf(name); !ok {
		return e, false
	}
	e.value, ok = new(big.Int).SetString(digits, 10)
	return e, ok && e.value.Cmp(params.ScalarModulus) < 0
}

// variableOf returns the number of a variable's name: "~one" is 0, "~out_i"
// is -1-i, "_i" is 1+i.
func variableOf(name string) (id int32, ok bool) {
	if name == oneName {
		return 0, true
	}
	digits, isOutput := strings.CutPrefix(name, "~out_")
	if !isOutput {
		if digits, ok = strings.CutPrefix(name, "_"); !ok {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || n == math.MaxInt32 {
		return 0, false
	}
	if isOutput {
		return -1 - int32(n), true
	}
	return 1 + int32(n), true
}

// variableName is the inverse of variableOf.
func variableName(id int32) string {
	switch {
	case id == 0:
		return oneName
	case id < 0:
		return "~out_" + strconv.Itoa(int(-1-id))
	}
	return "_" + strconv.Itoa(int(id-1))
}

// writeWitnessText writes lines in ascending order of the variables' numbers,
// without a line break at the end.
func (p *program[S]) writeWitnessText(w io.Writer, solution *frontend.Solution) error {
	z, order, err := p.ordered(solution)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, windowSize)
	var v big.Int
	var line []byte
	for n, i := range order {
		line = line[:0]
		if n > 0 {
			line = append(line, '\n')
		}
		line = append(append(line, variableName(p.ids[i])...), ' ')
		p.field.Big(&v, &z[i])
		out.Write(v.Append(line, 10)) // an error sticks until Flush
	}
	return fault.Wrap(out.Flush(), fault.Internal, "write witness")
}
