package zokrates

import (
	"bytes"
	"encoding/json"
	"io"

	"provery/internal/fault"
)

// jsonNode is a JSON value of an artefact. value holds a string, a
// json.Number, a bool or nil; an object or array holds items, and an object
// the keys of its items besides.
type jsonNode struct {
	kind  json.Delim // '{', '[' or 0
	value any
	keys  []string
	items []jsonNode
}

const maxTypeDepth = 64 // of nested types; two or three levels of JSON each

// parseJSON reads one value. Repeated keys, deep nesting and trailing bytes
// are errors.
func parseJSON(text []byte) (jsonNode, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	n, err := readNode(dec, 0)
	if err != nil {
		return n, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return n, badABI("bytes follow the value")
	}
	return n, nil
}

func readNode(dec *json.Decoder, depth int) (n jsonNode, err error) {
	if depth > 4*maxTypeDepth {
		return n, badABI("values are nested too deeply")
	}
	token, err := dec.Token()
	if err != nil {
		return n, badABI("not valid JSON at byte %d", dec.InputOffset())
	}
	open, ok := token.(json.Delim)
	if !ok {
		n.value = token
		return n, nil
	}
	n.kind = open
	seen := map[string]bool{}
	for dec.More() {
		if open == '{' {
			token, err := dec.Token()
			key, _ := token.(string)
			if err != nil {
				return n, badABI("not valid JSON at byte %d", dec.InputOffset())
			}
			if seen[key] {
				return n, badABI("key %.40q occurs twice", key)
			}
			seen[key] = true
			n.keys = append(n.keys, key)
		}
		item, err := readNode(dec, depth+1)
		if err != nil {
			return n, err
		}
		n.items = append(n.items, item)
	}
	if _, err := dec.Token(); err != nil {
		return n, badABI("not valid JSON at byte %d", dec.InputOffset())
	}
	return n, nil
}

// get returns the value of a key, or nil.
func (n *jsonNode) get(key string) *jsonNode {
	for i, k := range n.keys {
		if k == key {
			return &n.items[i]
		}
	}
	return nil
}

// text returns the string at a key.
func (n *jsonNode) text(key string) (string, bool) {
	item := n.get(key)
	if item == nil {
		return "", false
	}
	s, ok := item.value.(string)
	return s, ok
}

// only fails if n isn't an object or has other keys than those given.
func (n *jsonNode) only(what string, keys ...string) error {
	if n == nil || n.kind != '{' {
		return badABI("%s isn't an object", what)
	}
	for _, k := range n.keys {
		if indexOf(keys, []byte(k)) < 0 {
			return badABI("%s has an unknown key %.40q", what, k)
		}
	}
	return nil
}

func badABI(format string, args ...any) error {
	return fault.Wrap(fault.New(fault.InvalidArtifact, format, args...), fault.InvalidArtifact, "read ABI")
}
