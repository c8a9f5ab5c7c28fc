package contracttest_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"provery/internal/httpapi/contracttest"
)

// documentFile is the document that the TypeScript client's types are made from.
const documentFile = "../../../sdk/typescript/openapi.json"

var update = flag.Bool("update", false, "write "+documentFile)

// TestDocumentIsTheClients checks that the file is the service's document.
func TestDocumentIsTheClients(t *testing.T) {
	document, err := contracttest.Document(false)
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := json.Indent(&want, bytes.TrimSpace(document), "", " "); err != nil {
		t.Fatal(err)
	}
	want.WriteByte('\n')
	if *update {
		if err := os.WriteFile(documentFile, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(documentFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("the API has changed: make sdk-types, and look at what changes for clients")
	}
}
