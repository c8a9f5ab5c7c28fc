package main

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestRun(t *testing.T) {
	t.Parallel()
	var first, second bytes.Buffer
	for _, w := range []*bytes.Buffer{&first, &second} {
		if err := run(w, "demo", 2, 2); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two runs with one seed differ")
	}
	lines := bytes.Split(bytes.TrimSpace(first.Bytes()), []byte("\n"))
	if len(lines) != 2 || bytes.Equal(lines[0], lines[1]) {
		t.Fatalf("got %d lines, want two different ones", len(lines))
	}
	for _, line := range lines {
		var arguments []any
		if err := json.Unmarshal(line, &arguments); err != nil || len(arguments) != 10 {
			t.Errorf("got %d arguments and error %v, want 10", len(arguments), err)
		}
	}
}
