package circom

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
	"strings"

	"provery/internal/fault"
)

const (
	maxSymLine = 1 << 16
	mainPrefix = "main."
	eliminated = ^uint32(0) // the wire of a signal that the compiler optimised away
)

// signal is one of main's own signals.
type signal struct {
	name string // without "main.", such as "path[3]"
	wire uint32 // eliminated if it has none
}

// symbols is what an import needs of a .sym file.
type symbols struct {
	// main are the signals of the main component itself, in the order of their
	// labels: outputs, public inputs, private inputs, others.
	main []signal
}

// readSym reads a .sym file, lines of "label,wire,component,name", in which the
// labels count up from 1. It checks each line against the labels of the r1cs
// file's wires: a file of another compilation is fault.InvalidArtifact.
func readSym(file *io.SectionReader, h *Header, wireLabels []uint32) (*symbols, error) {
	in := bufio.NewScanner(io.NewSectionReader(file, 0, file.Size()))
	in.Buffer(make([]byte, 0, 4096), maxSymLine)
	in.Split(wholeLines)
	out := &symbols{}
	component, inMain := "", true
	label, matched := uint64(0), 1
	for in.Scan() {
		label++
		s, of, err := parseLine(in.Text(), label, h, wireLabels, &matched)
		if err != nil {
			return nil, err
		}
		if label == 1 {
			component = of
		}
		if inMain = inMain && of == component; inMain {
			name, ok := strings.CutPrefix(s.name, mainPrefix)
			if !ok {
				return nil, badSym("line %d: a signal that isn't main's", label)
			}
			out.main = append(out.main, signal{strings.Clone(name), s.wire})
		}
	}
	switch err := in.Err(); {
	case err == bufio.ErrTooLong:
		return nil, badSym("line %d is too long", label+1)
	case err == errOpenLine:
		return nil, badSym("the last line isn't ended")
	case err != nil:
		return nil, fault.Wrap(err, fault.Internal, "read symbols")
	case label+1 != h.Labels:
		return nil, badSym("%d signals where the constraint system has %d", label, h.Labels-1)
	case matched != h.Wires:
		return nil, badSym("%d wires have no signal", h.Wires-matched)
	}
	return out, nil
}

// parseLine reads one line and counts in matched the wires whose label it is.
func parseLine(line string, label uint64, h *Header, wireLabels []uint32, matched *int) (signal, string, error) {
	fields := strings.SplitN(line, ",", 4)
	if len(fields) != 4 || fields[0] != strconv.FormatUint(label, 10) || fields[3] == "" {
		return signal{}, "", badSym("line %d isn't label %d, wire, component and name", label, label)
	}
	s := signal{fields[3], eliminated}
	if fields[1] != "-1" {
		wire, err := strconv.ParseUint(fields[1], 10, 32)
		if err != nil || wire == 0 || wire >= uint64(h.Wires) {
			return s, "", badSym("line %d: no such wire", label)
		}
		s.wire = uint32(wire)
		if uint64(wireLabels[wire]) == label {
			*matched++
		}
	}
	return s, fields[2], nil
}

var errOpenLine = fault.New(fault.InvalidArtifact, "line without an end")

// wholeLines is bufio.ScanLines for files that must end with a line feed.
func wholeLines(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, bytes.TrimSuffix(data[:i], []byte{'\r'}), nil
	}
	if atEOF && len(data) > 0 {
		return 0, nil, errOpenLine
	}
	return 0, nil, nil
}

func badSym(format string, args ...any) error {
	return fault.Wrap(fault.New(fault.InvalidArtifact, format, args...), fault.InvalidArtifact, "read symbols")
}
