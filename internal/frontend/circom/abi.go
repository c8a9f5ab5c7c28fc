package circom

import (
	"encoding/json"
	"hash/fnv"
	"strconv"
	"strings"

	"provery/internal/fault"
)

// abi is the interface of a circuit. Circom writes none: it is put together
// from the signals' names and what the witness calculator takes. Its JSON has
// the form of ZoKrates's abi.json, with outputs by name.
type abi struct {
	Inputs  []*parameter `json:"inputs"`
	Outputs []*parameter `json:"outputs"`
}

// parameter is an input or output signal of main. Its leaves, in order of
// declaration, are the values that the calculator takes by position.
type parameter struct {
	Name   string `json:"name"`
	Public bool   `json:"public"`
	Value
	hash  uint64 // of the name
	first int    // of its leaves among those of all inputs or outputs
}

// The types of values.
const (
	typeField  = "field"
	typeArray  = "array"
	typeStruct = "struct" // a bus
)

// Value is the type of a value (exported for encoding/json only): a field element, an array or a bus.
type Value struct {
	Type       string      `json:"type"`
	Components *components `json:"components,omitempty"`
	leaves     int
}

// components are an array's size and element type, or a bus's members.
type components struct {
	Size *int `json:"size,omitempty"`
	*Value
	Members []*member `json:"members,omitempty"`
}

type member struct {
	Name string `json:"name"`
	Value
}

const (
	maxDepth  = 64
	maxLeaves = 1 << 27
)

// hashName returns the number by which a calculator knows a signal.
func hashName(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	return h.Sum64()
}

// group is the run of signals with one top-level name.
type group struct {
	name  string
	paths []string // what follows the name: "[0].x"
	first int      // index of its first signal
}

// groups returns the signals by top-level name, in order. Signals of one name
// follow each other.
func groups(signals []signal) []group {
	var out []group
	for i, s := range signals {
		end := strings.IndexAny(s.name, "[.")
		if end < 0 {
			end = len(s.name)
		}
		if n := len(out); n == 0 || out[n-1].name != s.name[:end] {
			out = append(out, group{name: s.name[:end], first: i})
		}
		g := &out[len(out)-1]
		g.paths = append(g.paths, s.name[end:])
	}
	return out
}

// newABI builds the interface. sizeOf returns how many values the calculator
// takes for a signal, 0 if it is no input. wires are the inputs' wires by leaf.
func newABI(h *Header, signals []signal, sizeOf func(hash uint64) (int, error)) (a *abi, wires []uint32, err error) {
	a = &abi{Inputs: []*parameter{}, Outputs: []*parameter{}}
	outputs, names := 0, map[string]bool{}
	for _, g := range groups(signals) {
		p := &parameter{Name: g.name, hash: hashName(g.name)}
		if outputs < h.Outputs {
			p.first, p.Public = outputs, true
			outputs += len(g.paths)
			a.Outputs = append(a.Outputs, p)
			if err := outputWires(signals[g.first:g.first+len(g.paths)], p.first, h); err != nil {
				return nil, nil, err
			}
		} else {
			size, err := sizeOf(p.hash)
			if err != nil {
				return nil, nil, err
			}
			if size == 0 {
				continue // an intermediate signal
			}
			if size != len(g.paths) {
				return nil, nil, fault.New(fault.InvalidArtifact, "input %.80q has %d values in the symbols and %d in the witness calculator", g.name, len(g.paths), size)
			}
			p.first = len(wires)
			for _, s := range signals[g.first : g.first+size] {
				wires = append(wires, s.wire)
			}
			p.Public = isPublic(wires[p.first], h)
			a.Inputs = append(a.Inputs, p)
		}
		if names[g.name] {
			return nil, nil, badSym("signal %.80q occurs twice", g.name)
		}
		names[g.name] = true
		if p.Value, err = typeOf(g.paths, 0); err != nil {
			return nil, nil, fault.Wrap(err, fault.InvalidArtifact, "signal %.80q", g.name)
		}
	}
	if outputs != h.Outputs {
		return nil, nil, badSym("%d outputs where the constraint system has %d", outputs, h.Outputs)
	}
	return a, wires, visibility(a, wires, h)
}

func isPublic(wire uint32, h *Header) bool {
	return int(wire) > h.Outputs && int64(wire) <= int64(h.public())
}

// outputWires checks that outputs are the wires that follow the constant.
func outputWires(signals []signal, first int, h *Header) error {
	for i, s := range signals {
		if int64(s.wire) != int64(first+i+1) || first+i >= h.Outputs {
			return badSym("signal %.80q isn't where the constraint system has its outputs", s.name)
		}
	}
	return nil
}

// visibility checks that a parameter is public as a whole or not at all, and
// that the public ones are the wires that follow the outputs, in order.
func visibility(a *abi, wires []uint32, h *Header) error {
	next := h.Outputs + 1
	for i, p := range a.Inputs {
		end := len(wires)
		if i+1 < len(a.Inputs) {
			end = a.Inputs[i+1].first
		}
		for _, w := range wires[p.first:end] {
			if isPublic(w, h) != p.Public || p.Public && int64(w) != int64(next) {
				return badSym("input %.80q isn't where the constraint system has it", p.Name)
			}
			if p.Public {
				next++
			}
		}
	}
	if next != h.public()+1 {
		return badSym("%d public inputs where the constraint system has %d", next-1-h.Outputs, h.PublicInputs)
	}
	return nil
}

// typeOf returns the type of a value whose leaves have these paths, in order.
func typeOf(paths []string, depth int) (Value, error) {
	bad := fault.New(fault.InvalidArtifact, "the names of its parts don't form an array or a bus")
	switch {
	case depth > maxDepth || len(paths) == 0:
		return Value{}, bad
	case paths[0] == "":
		if len(paths) != 1 {
			return Value{}, bad
		}
		return Value{Type: typeField, leaves: 1}, nil
	}
	var out Value
	var err error
	if paths[0][0] == '[' {
		out, err = arrayOf(paths, depth, bad)
	} else {
		out, err = busOf(paths, depth, bad)
	}
	out.leaves = len(paths)
	return out, err
}

func arrayOf(paths []string, depth int, bad error) (Value, error) {
	size := 0
	var elem *Value
	for lo := 0; lo < len(paths); size++ {
		prefix := "[" + strconv.Itoa(size) + "]"
		n, rest := cutRun(paths[lo:], prefix)
		if n == 0 || elem != nil && n != elem.leaves {
			return Value{}, bad
		}
		t, err := typeOf(rest, depth+1)
		if err != nil {
			return t, err
		}
		elem = &t
		lo += n
	}
	return Value{Type: typeArray, Components: &components{Size: &size, Value: elem}}, nil
}

func busOf(paths []string, depth int, bad error) (Value, error) {
	c, seen := &components{}, map[string]bool{}
	for lo := 0; lo < len(paths); {
		name := paths[lo]
		if name == "" || name[0] != '.' {
			return Value{}, bad
		}
		if end := strings.IndexAny(name[1:], "[."); end >= 0 {
			name = name[:end+1]
		}
		n, rest := cutRun(paths[lo:], name)
		t, err := typeOf(rest, depth+1)
		if err != nil {
			return t, err
		}
		if seen[name] {
			return Value{}, bad
		}
		seen[name] = true
		c.Members = append(c.Members, &member{name[1:], t})
		lo += n
	}
	return Value{Type: typeStruct, Components: c}, nil
}

// cutRun returns how many of the paths start with the step prefix, from the
// first on, and what follows it in each.
func cutRun(paths []string, prefix string) (n int, rest []string) {
	for _, p := range paths {
		after, ok := strings.CutPrefix(p, prefix)
		if !ok || after != "" && after[0] != '[' && after[0] != '.' {
			break
		}
		rest = append(rest, after)
	}
	return len(rest), rest
}

// parseABI reads the JSON of an interface, of a file of Provery's own.
func parseABI(text []byte) (*abi, error) {
	a := &abi{}
	if err := json.Unmarshal(text, a); err != nil {
		return nil, fault.New(fault.InvalidArtifact, "open program: the ABI isn't valid JSON of its form")
	}
	for _, list := range [][]*parameter{a.Inputs, a.Outputs} {
		first := 0
		for _, p := range list {
			if p == nil {
				return nil, fault.New(fault.InvalidArtifact, "open program: the ABI has a parameter without a type")
			}
			if err := p.count(0); err != nil {
				return nil, err
			}
			p.hash, p.first = hashName(p.Name), first
			if first += p.leaves; first > maxLeaves {
				return nil, fault.New(fault.InvalidArtifact, "open program: the ABI has too many values")
			}
		}
	}
	return a, nil
}

// count checks a type and sets its number of leaves.
func (t *Value) count(depth int) error {
	bad := fault.New(fault.InvalidArtifact, "open program: the ABI has a type that isn't one")
	c := t.Components
	switch {
	case depth > maxDepth || (c == nil) != (t.Type == typeField):
		return bad
	case t.Type == typeField:
		t.leaves = 1
		return nil
	case t.Type == typeArray && c.Size != nil && *c.Size > 0 && *c.Size <= maxLeaves && c.Value != nil:
		if err := c.Value.count(depth + 1); err != nil {
			return err
		}
		t.leaves = *c.Size * c.Value.leaves
	case t.Type == typeStruct && len(c.Members) > 0:
		t.leaves = 0
		for _, m := range c.Members {
			if m == nil {
				return bad
			}
			if err := m.count(depth + 1); err != nil {
				return err
			}
			t.leaves += m.leaves
		}
	default:
		return bad
	}
	if t.leaves > maxLeaves {
		return bad
	}
	return nil
}

// leaves returns the number of values of a list of parameters.
func leaves(list []*parameter) int {
	if len(list) == 0 {
		return 0
	}
	last := list[len(list)-1]
	return last.first + last.leaves
}
