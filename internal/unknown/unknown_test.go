package unknown_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"provery/internal/unknown"
)

type inner struct {
	ID    string `json:"id"`
	Empty string `json:"empty,omitempty"`
}

type outer struct {
	inner
	Plain  int
	Hidden string `json:"-"`
}

func TestFields(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, object, want string }{
		{"none", `{"id":"a","Plain":1}`, `{"id":"a","Plain":1}`},
		{"more", `{"new":{"a":[1, 2]},"id":"a","Plain":1,"b":null}`, `{"id":"a","Plain":1,"b":null,"new":{"a":[1, 2]}}`},
		{"known and empty", `{"id":"","empty":"","new":1}`, `{"id":"","Plain":0,"new":1}`},
		{"other case", `{"ID":"a","new":1,"PLAIN":2}`, `{"id":"a","Plain":2,"new":1}`},
		{"no field of ours", `{"own":1,"Hidden":"x","-":2}`, `{"id":"","Plain":0,"-":2,"Hidden":"x","own":1}`},
		{"escaped name", `{"id":"a","\"<\n":1}`, `{"id":"a","Plain":0,"\"\u003c\n":1}`},
		{"behind it space", `{"id":"a"} `, `{"id":"a","Plain":0}`},
	} {
		var v outer
		more, err := unknown.Decode([]byte(c.object), &v)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got, err := unknown.Encode(v, more)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %s, %v, want %s", c.name, got, err, c.want)
		}
	}
	for _, bad := range []string{"", "x", `{"id":1}`, `{"id":"a"}}`, `[1]`, `{"id":"a","id2":1}x`} {
		if _, err := unknown.Decode([]byte(bad), new(outer)); err == nil {
			t.Errorf("%q: got no error", bad)
		}
	}
	if got, err := unknown.Encode(struct{}{}, unknown.Fields{"a": json.RawMessage("1")}); err != nil || string(got) != `{"a":1}` {
		t.Errorf("got %s, %v", got, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"new":{"a":[1, 2]},"id":"a","Plain":1,"b":null}`))
	f.Fuzz(func(t *testing.T, object []byte) {
		var v, again outer
		more, err := unknown.Decode(object, &v)
		if err != nil {
			return
		}
		b, err := unknown.Encode(v, more)
		if err != nil {
			t.Fatal(err)
		}
		rest, err := unknown.Decode(b, &again)
		if err != nil || v != again || len(rest) != len(more) {
			t.Fatalf("got %+v and %d more, %v, want %+v and %d", again, len(rest), err, v, len(more))
		}
		for name, value := range more {
			var a, b any
			if json.Unmarshal(value, &a) != nil || json.Unmarshal(rest[name], &b) != nil || !reflect.DeepEqual(a, b) {
				t.Errorf("%q: got %s, want %s", name, rest[name], value)
			}
		}
	})
}
