package conformance

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/big"
	"math/rand/v2"
	"strings"
)

// abiType is a type of an abi.json, or one of its inputs.
type abiType struct {
	Type       string         `json:"type"`
	Name       string         `json:"name"`
	Components *abiComponents `json:"components"`
}

type abiComponents struct {
	abiType
	Size     int       `json:"size"`
	Elements []abiType `json:"elements"`
	Members  []abiType `json:"members"`
}

// maker makes up arguments. The cases of a program depend on its name only, so
// that a failure can be repeated.
type maker struct {
	rand    *rand.Rand
	modulus *big.Int
	choose  func(max *big.Int) *big.Int // a number from 0 to max
}

// makeUp returns n cases: all values 0, all at their maximum, and mixtures of
// these with random ones.
func makeUp(p *program, abi []byte, modulus *big.Int, n int) ([]testCase, error) {
	var doc struct {
		Inputs []abiType `json:"inputs"`
	}
	if err := json.Unmarshal(abi, &doc); err != nil {
		return nil, err
	}
	seed := fnv.New64a()
	seed.Write([]byte(p.name))
	m := &maker{rand: rand.New(rand.NewPCG(seed.Sum64(), 1)), modulus: modulus}
	var out []testCase
	for i := range n {
		m.choose = m.mixed
		switch i {
		case 2:
			m.choose = func(*big.Int) *big.Int { return new(big.Int) }
		case 3:
			m.choose = func(max *big.Int) *big.Int { return max }
		}
		args := m.list(doc.Inputs)
		out = append(out, testCase{Args: json.RawMessage(args), madeUp: true})
	}
	return out, nil
}

// mixed returns an edge of the range, a small number or any number of it.
func (m *maker) mixed(max *big.Int) *big.Int {
	v := new(big.Int)
	switch m.rand.IntN(8) {
	case 0:
		return v
	case 1:
		return v.SetUint64(1)
	case 2:
		return v.Set(max)
	case 3, 4:
		return v.Mod(v.SetUint64(m.rand.Uint64N(300)), new(big.Int).Add(max, big.NewInt(1)))
	}
	words := make([]big.Word, 8)
	for i := range words {
		words[i] = big.Word(m.rand.Uint64())
	}
	return v.Mod(v.SetBits(words), new(big.Int).Add(max, big.NewInt(1)))
}

func (m *maker) list(types []abiType) string {
	var parts []string
	for i := range types {
		parts = append(parts, m.value(&types[i]))
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func (m *maker) value(t *abiType) string {
	switch t.Type {
	case "array":
		elements := make([]abiType, t.Components.Size)
		for i := range elements {
			elements[i] = t.Components.abiType
		}
		return m.list(elements)
	case "tuple":
		return m.list(t.Components.Elements)
	case "struct":
		var parts []string
		for i := range t.Components.Members {
			member := &t.Components.Members[i]
			parts = append(parts, fmt.Sprintf("%q:%s", member.Name, m.value(member)))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case "bool":
		return fmt.Sprint(m.choose(big.NewInt(1)).Sign() > 0)
	case "field":
		return `"` + m.choose(new(big.Int).Sub(m.modulus, big.NewInt(1))).String() + `"`
	}
	var bits uint
	fmt.Sscanf(t.Type, "u%d", &bits)
	max := new(big.Int).Lsh(big.NewInt(1), bits)
	return `"` + m.choose(max.Sub(max, big.NewInt(1))).String() + `"`
}
