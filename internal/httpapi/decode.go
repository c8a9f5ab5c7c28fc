package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"provery/api"
	"provery/internal/fault"
)

// decodeJSON reads data, one JSON object, into the struct that into points
// to. It is strict: names are matched exactly, and an unknown or repeated
// field, a null for a field that isn't raw, or anything after the object is
// an error. Errors name the place and never hold a value.
//
// Fields of type json.RawMessage are checked for syntax only, and copied.
func decodeJSON(data []byte, into any) error {
	if !utf8.Valid(data) {
		return fault.New(fault.InvalidRequest, "the body isn't UTF-8")
	}
	d := &objectDecoder{dec: json.NewDecoder(bytes.NewReader(data)), fields: fieldsOf(into), seen: map[string]bool{}}
	if err := d.object(); err != nil {
		return err
	}
	if _, err := d.dec.Token(); !errors.Is(err, io.EOF) {
		return fault.New(fault.InvalidRequest, "there is something after the JSON object")
	}
	return nil
}

// fieldsOf returns the fields of the struct that v points to by JSON name.
func fieldsOf(v any) map[string]reflect.Value {
	s := reflect.ValueOf(v).Elem()
	fields := make(map[string]reflect.Value, s.NumField())
	for i := range s.NumField() {
		name, _, _ := strings.Cut(s.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = s.Field(i)
	}
	return fields
}

type objectDecoder struct {
	dec    *json.Decoder
	fields map[string]reflect.Value
	seen   map[string]bool
}

func (d *objectDecoder) object() error {
	token, err := d.dec.Token()
	if err != nil {
		return d.syntax(err)
	}
	if token != json.Delim('{') {
		return fault.New(fault.InvalidRequest, "the body isn't a JSON object")
	}
	for d.dec.More() {
		if err := d.field(); err != nil {
			return err
		}
	}
	_, err = d.dec.Token()
	return d.syntax(err)
}

func (d *objectDecoder) field() error {
	token, err := d.dec.Token()
	if err != nil {
		return d.syntax(err)
	}
	name, _ := token.(string)
	path := "/" + safeName(name)
	field, ok := d.fields[name]
	if !ok {
		return fault.New(fault.InvalidRequest, "unknown field").At(path)
	}
	if d.seen[name] {
		return fault.New(fault.InvalidRequest, "the field occurs twice").At(path)
	}
	d.seen[name] = true
	var raw json.RawMessage
	if err := d.dec.Decode(&raw); err != nil {
		return d.syntax(err)
	}
	return assign(field, raw, path)
}

// assign decodes raw into a field. The library's texts hold values: only
// what was wanted is said.
func assign(field reflect.Value, raw json.RawMessage, path string) error {
	if p, ok := field.Addr().Interface().(*json.RawMessage); ok {
		*p = raw
		return nil
	}
	if field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.Struct {
		return assignList(field, raw, path)
	}
	err := json.Unmarshal(raw, field.Addr().Interface())
	if err != nil || string(raw) == "null" {
		return fault.New(fault.InvalidRequest, "want %s", wanted(field.Type())).At(path)
	}
	if field.Kind() == reflect.Map && countKeys(raw) != field.Len() {
		return fault.New(fault.InvalidRequest, "a name occurs twice").At(path)
	}
	return nil
}

// maxList bounds a list of objects.
const maxList = api.MaxBatch

// assignList decodes a list of objects, each as strictly as the whole.
func assignList(field reflect.Value, raw json.RawMessage, path string) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if token, err := dec.Token(); err != nil || token != json.Delim('[') {
		return fault.New(fault.InvalidRequest, "want an array of objects").At(path)
	}
	for i := 0; dec.More(); i++ {
		if i == maxList {
			return fault.New(fault.InvalidRequest, "more than %d items", maxList).At(path)
		}
		var item json.RawMessage
		if err := dec.Decode(&item); err != nil {
			return fault.New(fault.InvalidRequest, "malformed JSON").At(path) // can't be: the whole was read
		}
		v := reflect.New(field.Type().Elem())
		if err := decodeJSON(item, v.Interface()); err != nil {
			return below(err, path+"/"+strconv.Itoa(i))
		}
		field.Set(reflect.Append(field, v.Elem()))
	}
	return nil
}

// countKeys counts the members of a flat JSON object, repeated ones too.
func countKeys(object json.RawMessage) int {
	dec, n := json.NewDecoder(bytes.NewReader(object)), 0
	for {
		if _, err := dec.Token(); err != nil {
			return (n - 2) / 2 // without the braces
		}
		n++
	}
}

func wanted(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[*time.Time]():
		return "a time such as 2026-01-02T15:04:05Z"
	case t.Kind() == reflect.String:
		return "a string"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Map:
		return "an object of strings"
	case t == reflect.TypeFor[[]byte]():
		return "base64"
	case t.Kind() == reflect.Slice:
		return "an array of strings"
	}
	return "another type"
}

// syntax describes a malformed body by its place.
func (d *objectDecoder) syntax(err error) error {
	if err == nil {
		return nil
	}
	return fault.New(fault.InvalidRequest, "malformed JSON at byte %d", d.dec.InputOffset())
}

// checkJSON returns an error unless contentType is JSON's. It isn't optional:
// a browser sends other types across sites without asking the server.
func checkJSON(contentType string) error {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil || media != "application/json" {
		return refuse(api.CodeUnsupportedMediaType, "want Content-Type: application/json")
	}
	return nil
}
