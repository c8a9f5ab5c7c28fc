package zokrates

import (
	"bytes"
	"encoding/json"
	"strconv"

	"provery/internal/fault"
)

// typeKind is a type of the language.
type typeKind uint8

const (
	typeField typeKind = iota
	typeBool
	typeU8
	typeU16
	typeU32
	typeU64
	typeArray
	typeTuple
	typeStruct
)

var typeNames = []string{"field", "bool", "u8", "u16", "u32", "u64", "array", "tuple", "struct"}

// bits returns the width of an unsigned integer type, 1 for a boolean, and 0
// for the others.
func (k typeKind) bits() int {
	return [...]int{typeBool: 1, typeU8: 8, typeU16: 16, typeU32: 32, typeU64: 64, typeArray: 0, typeTuple: 0, typeStruct: 0}[k]
}

// abiType is a type of an ABI. Each of its leaves, in order of declaration, is
// one field element of the program.
type abiType struct {
	kind    typeKind
	size    int         // of an array
	elem    *abiType    // of an array
	members []abiMember // of a tuple (without names) or a struct
	leaves  int
	nodes   int // values of this type as JSON: itself and all below
}

// abiMember is a member of a struct or a tuple, or a parameter. Its leaves
// start at offset within the whole.
type abiMember struct {
	name   string
	ty     *abiType
	public bool // of a parameter
	offset int
}

// abi is the interface of a program. inputs is a struct of the parameters.
type abi struct {
	inputs abiType
	output *abiType
}

const (
	maxABI    = 32 << 20 // bytes of an ABI file
	maxLeaves = 1 << 28
	// A type without leaves, such as an empty tuple, costs memory only when
	// values of it are written. So the nodes of a type are bounded by its
	// leaves, with room for depth.
	nodesPerLeaf = maxTypeDepth
	freeNodes    = 1 << 16
)

// parseABI reads an ABI in the compiler's JSON.
func parseABI(text []byte) (*abi, error) {
	if len(text) > maxABI {
		return nil, badABI("file is larger than %d bytes", maxABI)
	}
	root, err := parseJSON(text)
	if err != nil {
		return nil, err
	}
	if err := root.only("ABI", "inputs", "output"); err != nil {
		return nil, err
	}
	inputs := root.get("inputs")
	if inputs == nil || inputs.kind != '[' || root.get("output") == nil {
		return nil, badABI("inputs or output are missing")
	}
	a := &abi{inputs: abiType{kind: typeStruct}}
	for i := range inputs.items {
		n := &inputs.items[i]
		public, ok := false, false
		if p := n.get("public"); p != nil {
			public, ok = p.value.(bool)
		}
		if !ok {
			return nil, badABI("parameter %d doesn't tell whether it is public", i)
		}
		if err := a.inputs.addMember(n, 1, "name", "public"); err != nil {
			return nil, err
		}
		a.inputs.members[i].public = public
	}
	if err := a.inputs.count(); err != nil {
		return nil, err
	}
	a.output, err = newType(root.get("output"), 1)
	return a, err
}

// parseType reads a single type.
func parseType(text []byte) (*abiType, error) {
	n, err := parseJSON(text)
	if err != nil {
		return nil, err
	}
	return newType(&n, 1)
}

// newType makes a type of an object that holds it beside the keys of others.
func newType(n *jsonNode, depth int, others ...string) (*abiType, error) {
	if depth > maxTypeDepth {
		return nil, badABI("types are nested too deeply")
	}
	if err := n.only("type", append(others, "type", "components")...); err != nil {
		return nil, err
	}
	name, _ := n.text("type")
	kind := indexOf(typeNames, []byte(name))
	components := n.get("components")
	if kind < 0 {
		return nil, badABI("unknown type %.40q", name)
	}
	t := &abiType{kind: typeKind(kind)}
	if (t.kind >= typeArray) != (components != nil) {
		return nil, badABI("components are missing, or a type has some that has none")
	}
	var err error
	switch t.kind {
	case typeArray:
		err = t.array(components, depth)
	case typeTuple:
		if err = components.only("tuple", "elements"); err == nil {
			err = t.list(components.get("elements"), depth)
		}
	case typeStruct:
		if err = components.only("struct", "name", "generics", "members"); err == nil {
			err = t.list(components.get("members"), depth, "name")
		}
	}
	if err != nil {
		return nil, err
	}
	return t, t.count()
}

func (t *abiType) array(components *jsonNode, depth int) error {
	if components.kind != '{' {
		return badABI("components of an array aren't an object")
	}
	if size := components.get("size"); size != nil {
		number, _ := size.value.(json.Number)
		n, err := strconv.ParseUint(number.String(), 10, 32)
		if err != nil {
			return badABI("size of an array isn't a number below 2^32")
		}
		t.size = int(n)
	} else {
		return badABI("array without a size")
	}
	var err error
	t.elem, err = newType(components, depth+1, "size")
	return err
}

func (t *abiType) list(items *jsonNode, depth int, others ...string) error {
	if items == nil || items.kind != '[' {
		return badABI("%s without its members", typeNames[t.kind])
	}
	for i := range items.items {
		if err := t.addMember(&items.items[i], depth+1, others...); err != nil {
			return err
		}
	}
	return nil
}

func (t *abiType) addMember(n *jsonNode, depth int, others ...string) error {
	ty, err := newType(n, depth, others...)
	if err != nil {
		return err
	}
	m := abiMember{ty: ty}
	if len(others) > 0 {
		var ok bool
		if m.name, ok = n.text("name"); !ok {
			return badABI("member without a name")
		}
	}
	t.members = append(t.members, m)
	return nil
}

// count sets the numbers of leaves and nodes and the members' offsets.
func (t *abiType) count() error {
	t.leaves, t.nodes = 0, 1
	switch {
	case t.kind < typeArray:
		t.leaves = 1
	case t.kind == typeArray:
		// Both factors are below 2^32, so that the products fit.
		t.leaves, t.nodes = t.size*t.elem.leaves, 1+t.size*t.elem.nodes
	}
	names := map[string]bool{}
	for i := range t.members {
		m := &t.members[i]
		m.offset = t.leaves
		t.leaves += m.ty.leaves
		t.nodes += m.ty.nodes
		if t.kind == typeStruct && names[m.name] {
			return badABI("name %.40q occurs twice", m.name)
		}
		names[m.name] = true
	}
	if t.leaves > maxLeaves || t.nodes > nodesPerLeaf*t.leaves+freeNodes {
		return badABI("type has too many values")
	}
	return nil
}

// flatABI returns the interface of a program that came without an ABI: one
// field element for each parameter and output. Parameters are named by number.
func flatABI(parameters []parameter, outputs int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"inputs":[`)
	for i, p := range parameters {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"name":"` + strconv.Itoa(i) + `","public":` + strconv.FormatBool(!p.private) + `,"type":"field"}`)
	}
	b.WriteString(`],"output":{"type":"array","components":{"size":` + strconv.Itoa(outputs) + `,"type":"field"}}}`)
	return b.Bytes()
}

// matches fails unless a has the program's parameters, with their visibility,
// and outputs.
func (a *abi) matches(parameters []parameter, outputs int) error {
	if a.inputs.leaves != len(parameters) {
		return fault.New(fault.InvalidArtifact, "ABI has %d field elements as arguments where the program has %d", a.inputs.leaves, len(parameters))
	}
	if a.output.leaves != outputs {
		return fault.New(fault.InvalidArtifact, "ABI has %d field elements as output where the program has %d", a.output.leaves, outputs)
	}
	for _, m := range a.inputs.members {
		for i := range m.ty.leaves {
			if parameters[m.offset+i].private == m.public {
				return fault.New(fault.InvalidArtifact, "ABI and program differ in the visibility of a parameter")
			}
		}
	}
	return nil
}
