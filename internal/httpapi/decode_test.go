package httpapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/httpapi"
)

func TestDecodeKeepsArgumentsAsTheyAre(t *testing.T) {
	t.Parallel()
	const arguments = `[ "0x1f", 9007199254740993, {"b": 1e400, "a": []} ]`
	var got api.ProofRequest
	if err := httpapi.DecodeJSON([]byte(`{"arguments": `+arguments+` , "circuit":"a"}`), &got); err != nil {
		t.Fatal(err)
	}
	if string(got.Arguments) != arguments {
		t.Errorf("got %s, want %s", got.Arguments, arguments)
	}
}

func TestDecodeCopies(t *testing.T) {
	t.Parallel()
	body := []byte(`{"arguments":["1"],"circuit":"a"}`)
	var got api.ProofRequest
	if err := httpapi.DecodeJSON(body, &got); err != nil {
		t.Fatal(err)
	}
	clear(body)
	if string(got.Arguments) != `["1"]` {
		t.Errorf("got %q: the arguments share the body's memory", got.Arguments)
	}
}

func TestDecodeRefusesDeepNesting(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 100_000)
	if err := httpapi.DecodeJSON([]byte(`{"circuit":"a","arguments":`+deep), new(api.ProofRequest)); !fault.Is(err, fault.InvalidRequest) {
		t.Errorf("got %v, want invalid_request", err)
	}
}

// FuzzProofRequest checks that no body makes the decoder panic, that its
// errors are requests' errors without values, and that what it accepts is
// what encoding/json reads.
func FuzzProofRequest(f *testing.F) {
	for _, seed := range []string{
		`{"circuit":"a","arguments":["1",{"x":[true]}],"scheme":"gm17","keys":"k","priority":"low","deadline":"2026-01-02T15:04:05Z","labels":{"a":"b"},"reduce":true}`,
		`{}`, `[]`, `{"circuit":"a","circuit":"b"}`, `{"arguments":null}`, `{"circuit":null}`, `{"labels":{"a":"1","a":"2"}}`,
		`{"labels":{}}`, `{"reduce":1}`, `{"deadline":"x"}`, `{"a":`, `{"circuit":"\ud800"}`, "{\"circuit\":\"\xff\"}", `{} {}`, ` {"arguments" : 1e999 } `, `{"keys":"a"`, `{,}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var got, want api.ProofRequest
		err := httpapi.DecodeJSON(body, &got)
		if err != nil {
			var e *fault.Error
			if !errors.As(err, &e) || e.Code != fault.InvalidRequest || e.Err != nil {
				t.Fatalf("got %#v, want invalid_request without a cause", err)
			}
			return
		}
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&want); err != nil {
			t.Fatalf("%q was accepted, encoding/json says %v", body, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: got %+v, want %+v", body, got, want)
		}
	})
}
