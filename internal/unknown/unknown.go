// Package unknown lets an older version of the service hand on what a newer one
// has added to a record: the fields of a JSON object that a struct doesn't have
// are kept beside it, and written again with it.
//
// It looks at the object itself, not into its fields: what is added to a nested
// object is lost when an older version writes the record. So additions that
// must survive go to the top.
package unknown

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Fields are those that a struct doesn't have, by name. They are not to be
// changed.
type Fields map[string]json.RawMessage

// Decode reads an object into v, a pointer to a struct, as json.Unmarshal does,
// and returns the object's other fields. It costs one more reading where there
// are any, and next to nothing otherwise.
func Decode(object []byte, v any) (Fields, error) {
	strict := json.NewDecoder(bytes.NewReader(object))
	strict.DisallowUnknownFields()
	if err := strict.Decode(v); err == nil && strict.InputOffset() == int64(len(object)) {
		return nil, nil
	}
	if err := json.Unmarshal(object, v); err != nil {
		return nil, err
	}
	fields := Fields{}
	if err := json.Unmarshal(object, &fields); err != nil {
		return nil, err
	}
	for _, name := range names(reflect.TypeOf(v).Elem()) {
		maps.DeleteFunc(fields, func(have string, _ json.RawMessage) bool { return strings.EqualFold(have, name) })
	}
	return fields, nil
}

// Encode writes v, which is a struct, as json.Marshal does, with more fields.
func Encode(v any, more Fields) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil || len(more) == 0 {
		return b, err
	}
	b = bytes.TrimSuffix(b, []byte("}"))
	for _, name := range slices.Sorted(maps.Keys(more)) {
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(append(b, key...), ':'), more[name]...)
	}
	return append(b, '}'), nil
}

// names returns the names that the fields of a struct have in JSON.
func names(t reflect.Type) (out []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			out = append(out, names(f.Type)...)
		case !f.IsExported() || name == "-":
		case name == "":
			out = append(out, f.Name)
		default:
			out = append(out, name)
		}
	}
	return out
}
