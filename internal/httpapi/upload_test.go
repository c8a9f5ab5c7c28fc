package httpapi_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"provery/api"
	"provery/internal/fault"
	"provery/internal/httpapi"
)

func newRequest(method, target string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	r.Host = "localhost"
	return r
}

// part is a part of a form; a file if its name is one of a file.
type part struct{ name, content string }

func multipartBody(t *testing.T, parts ...part) (contentType string, body *bytes.Buffer) {
	t.Helper()
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	for _, p := range parts {
		pw, err := w.CreateFormFile(p.name, "file")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(pw, p.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), body
}

func (r *rig) upload(t *testing.T, target string, parts ...part) *httptest.ResponseRecorder {
	t.Helper()
	contentType, body := multipartBody(t, parts...)
	return r.do("POST", target, contentType, body.String())
}

// wantEmptySpool checks that no upload is left.
func (r *rig) wantEmptySpool(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(r.spool)
	if err != nil || len(entries) != 0 {
		t.Errorf("got %v, %v in the spool, want nothing", entries, err)
	}
}

func TestRegister(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		existed bool
		status  int
	}{{false, 201}, {true, 200}} {
		r := newRig(t, nil)
		r.fake.existed = tc.existed
		program := strings.Repeat("program ", 100_000)
		w := r.upload(t, "/v1/circuits", part{"name", "eddsa"}, part{"program", program}, part{"abi", "{}"}, part{"frontend", "zokrates"})
		if w.Code != tc.status || !strings.Contains(w.Body.String(), circuitID) {
			t.Fatalf("got %d %s, want %d", w.Code, w.Body, tc.status)
		}
		if got, want := w.Header().Get("Location"), "/v1/circuits/"+circuitID; got != want {
			t.Errorf("got Location %q, want %q", got, want)
		}
		reg := r.fake.registration
		if reg.Frontend != "zokrates" || reg.Name != "eddsa" || reg.Tag != "latest" {
			t.Errorf("got %+v", reg)
		}
		if r.fake.content["program"] != program || r.fake.content["abi"] != "{}" {
			t.Error("the content differs")
		}
		if reg.Artefacts["program"].Digest != sha256.Sum256([]byte(program)) {
			t.Error("the digest differs")
		}
		r.wantEmptySpool(t)
	}
}

func TestAddKeys(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	w := r.upload(t, "/v1/circuits/a:b/keys", part{"scheme", "groth16"}, part{"proving_key", "pk"}, part{"verifying_key", "vk"}, part{"layout", "ark"})
	if w.Code != http.StatusCreated || w.Header().Get("Location") != "/v1/circuits/"+circuitID+"/keys" {
		t.Fatalf("got %d %s at %q, want 201", w.Code, w.Body, w.Header().Get("Location"))
	}
	if u := r.fake.keys; u.Scheme != "groth16" || u.Layout != "ark" || u.Setup || r.fake.content["proving_key"] != "pk" || r.fake.content["verifying_key"] != "vk" || r.fake.args[0] != "a:b" {
		t.Errorf("got %+v with %v", u, r.fake.content)
	}
	r.wantEmptySpool(t)
	if w := r.do("POST", "/v1/circuits/a/keys", jsonType, `{"setup":"insecure-dev","scheme":"gm17"}`); w.Code != http.StatusCreated {
		t.Fatalf("got %d %s, want 201", w.Code, w.Body)
	}
	if u := r.fake.keys; !u.Setup || u.Scheme != "gm17" || u.ProvingKey != nil {
		t.Errorf("got %+v, want a setup", u)
	}
}

func TestUploadsRefused(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 5000)
	tests := []struct {
		name, target string
		parts        []part
		code         api.Code
		path         string
	}{
		{"no program", "/v1/circuits", []part{{"abi", "{}"}}, api.CodeInvalidRequest, "/program"},
		{"nothing", "/v1/circuits", nil, api.CodeInvalidRequest, "/program"},
		{"unknown part", "/v1/circuits", []part{{"program", "p"}, {"prgram", "p"}}, api.CodeInvalidRequest, "/prgram"},
		{"nameless part", "/v1/circuits", []part{{"", "p"}}, api.CodeInvalidRequest, "/?"},
		{"file twice", "/v1/circuits", []part{{"program", "p"}, {"program", "q"}}, api.CodeInvalidRequest, "/program"},
		{"field twice", "/v1/circuits", []part{{"name", "p"}, {"name", "q"}}, api.CodeInvalidRequest, "/name"},
		{"unknown front-end", "/v1/circuits", []part{{"program", "p"}, {"frontend", "noir"}}, api.CodeInvalidRequest, "/frontend"},
		{"bad name", "/v1/circuits", []part{{"program", "p"}, {"name", "a/b"}}, api.CodeInvalidRequest, "/name"},
		{"bad tag", "/v1/circuits", []part{{"program", "p"}, {"name", "a"}, {"tag", "b c"}}, api.CodeInvalidRequest, "/tag"},
		{"tag without name", "/v1/circuits", []part{{"program", "p"}, {"tag", "b"}}, api.CodeInvalidRequest, "/tag"},
		{"large field", "/v1/circuits", []part{{"name", big}}, api.CodeTooLarge, "/name"},
		{"large file", "/v1/circuits", []part{{"program", big}}, api.CodeTooLarge, "/program"},
		{"large whole", "/v1/circuits", []part{{"program", big[:4000]}, {"abi", big[:4000]}, {"name", "a"}}, api.CodeTooLarge, ""},
		{"no key", "/v1/circuits/a/keys", []part{{"verifying_key", "{}"}}, api.CodeInvalidRequest, "/proving_key"},
		{"key of a circuit", "/v1/circuits/a/keys", []part{{"program", "{}"}}, api.CodeInvalidRequest, "/program"},
		{"bad scheme", "/v1/circuits/a/keys", []part{{"proving_key", "k"}, {"scheme", "A B"}}, api.CodeInvalidRequest, "/scheme"},
		{"bad layout", "/v1/circuits/a/keys", []part{{"proving_key", "k"}, {"layout", "../x"}}, api.CodeInvalidRequest, "/layout"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(o *httpapi.Options) { o.Limits.UploadBytes = 4096 })
			if p := wantProblem(t, r.upload(t, tc.target, tc.parts...), tc.code); p.Path != tc.path {
				t.Errorf("got path %q (%s), want %q", p.Path, p.Detail, tc.path)
			}
			if r.fake.registration.Frontend != "" || r.fake.keys.ProvingKey != nil {
				t.Error("the upload reached the service")
			}
			r.wantEmptySpool(t)
		})
	}
}

// TestOtherFrontendsFiles has two front-ends: the files tell which one is meant,
// and must be its own.
func TestOtherFrontendsFiles(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *httpapi.Options) {
		o.Frontends = append(o.Frontends, api.Frontend{Name: "circom", Roles: []api.Role{{Name: "r1cs"}}})
	})
	if p := wantProblem(t, r.upload(t, "/v1/circuits", part{"program", "p"}, part{"r1cs", "r"}), api.CodeInvalidRequest); p.Path != "/frontend" {
		t.Errorf("files of both: got path %q, want /frontend", p.Path)
	}
	if w := r.upload(t, "/v1/circuits", part{"r1cs", "r"}); w.Code != http.StatusCreated || r.fake.registration.Frontend != "circom" {
		t.Errorf("files of one: got %d and %q", w.Code, r.fake.registration.Frontend)
	}
	w := r.upload(t, "/v1/circuits", part{"program", "p"}, part{"r1cs", "r"}, part{"frontend", "circom"})
	if p := wantProblem(t, w, api.CodeInvalidRequest); p.Path != "/program" {
		t.Errorf("got path %q, want /program", p.Path)
	}
}

func TestMalformedForms(t *testing.T) {
	t.Parallel()
	contentType, body := multipartBody(t, part{"program", strings.Repeat("x", 1000)})
	for name, tc := range map[string]struct{ contentType, body string }{
		"no boundary":    {"multipart/form-data", body.String()},
		"other boundary": {"multipart/form-data; boundary=other", body.String()},
		"cut off":        {contentType, body.String()[:600]},
		"empty":          {contentType, ""},
	} {
		r := newRig(t, nil)
		t.Run(name, func(t *testing.T) {
			wantProblem(t, r.do("POST", "/v1/circuits", tc.contentType, tc.body), api.CodeInvalidRequest)
			r.wantEmptySpool(t)
		})
	}
}

func TestDeclaredLengthIsRefusedUnread(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *httpapi.Options) { o.Limits.UploadBytes = 1 << 20 })
	req := newRequest("POST", "/v1/circuits")
	req.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	req.ContentLength = 3 << 20
	req.Body = io.NopCloser(unreadable{t})
	wantProblem(t, r.send(req), api.CodeTooLarge)
}

type unreadable struct{ t *testing.T }

func (u unreadable) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

func TestUploadsAreLimited(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *httpapi.Options) { o.Limits.Uploads = 1 })
	body, send := io.Pipe()
	done := make(chan *httptest.ResponseRecorder)
	go func() {
		req := newRequest("POST", "/v1/circuits")
		req.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		req.Body = body
		done <- r.send(req)
	}()
	if _, err := io.WriteString(send, "--x\r\n"); err != nil { // returns once the first upload reads
		t.Fatal(err)
	}
	w := r.upload(t, "/v1/circuits", part{"program", "p"})
	wantProblem(t, w, api.CodeOverloaded)
	if w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if w := r.do("GET", "/v1/queue", "", ""); w.Code != http.StatusOK {
		t.Errorf("status call: got %d, want 200", w.Code)
	}
	_ = send.CloseWithError(io.ErrUnexpectedEOF)
	wantProblem(t, <-done, api.CodeInvalidRequest)
	if w := r.upload(t, "/v1/circuits", part{"program", "p"}); w.Code != http.StatusCreated {
		t.Errorf("after the first: got %d, want 201", w.Code)
	}
	r.wantEmptySpool(t)
}

func TestUploadIsRemovedAfterFailureAndPanic(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.fake.err = fault.New(fault.InvalidArtifact, "truncated")
	wantProblem(t, r.upload(t, "/v1/circuits", part{"program", "p"}), api.CodeInvalidArtifact)
	r.wantEmptySpool(t)
	r.fake.err, r.fake.panic = nil, "boom"
	wantProblem(t, r.upload(t, "/v1/circuits", part{"program", "p"}), api.CodeInternal)
	r.wantEmptySpool(t)
}

func TestSpoolIsSweptAtStart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spool")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"upload-123.part", "kept.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	newRig(t, func(o *httpapi.Options) { o.SpoolDir = dir })
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "kept.txt" {
		t.Errorf("got %v, %v, want kept.txt alone", entries, err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("got mode %v, %v, want 0700", info.Mode(), err)
	}
	if _, err := httpapi.New(httpapi.Options{}); err == nil {
		t.Error("got a server without a spool directory")
	}
}

// TestFullDisk writes to a device that is always full.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full on this system")
	}
	_, writeErr := full.WriteString("x")
	_ = full.Close()
	if got := fault.CodeOf(httpapi.DiskError(writeErr)); got != fault.InsufficientStorage {
		t.Errorf("got %v of %v, want insufficient_storage", got, writeErr)
	}
	if got := fault.CodeOf(httpapi.DiskError(os.ErrPermission)); got != fault.Internal {
		t.Errorf("got %v, want internal", got)
	}
}
