package httpapi_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"provery/api"
	"provery/internal/httpapi"
)

var digestOfABC = fmt.Sprintf("sha256:%x", sha256.Sum256([]byte("abc")))

func TestPieces(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, digest, header, body string
		code                       api.Code
		args                       string
	}{
		{"first", digestOfABC, "bytes 0-1/3", "ab", "", "{0 2 3} ab"},
		{"last", digestOfABC, "bytes 2-2/3", "c", "", "{2 1 3} c"},
		{"no range", digestOfABC, "", "abc", api.CodeInvalidRequest, ""},
		{"another unit", digestOfABC, "lines 0-1/3", "ab", api.CodeInvalidRequest, ""},
		{"length not known", digestOfABC, "bytes 0-1/*", "ab", api.CodeInvalidRequest, ""},
		{"backwards", digestOfABC, "bytes 1-0/3", "ab", api.CodeInvalidRequest, ""},
		{"behind the end", digestOfABC, "bytes 0-3/3", "abcd", api.CodeInvalidRequest, ""},
		{"huge", digestOfABC, "bytes 0-1/9999999999999999999", "ab", api.CodeInvalidRequest, ""},
		{"another length", digestOfABC, "bytes 0-1/3", "a", api.CodeInvalidRequest, ""},
		{"another hash", "sha512:00", "bytes 0-1/3", "ab", api.CodeInvalidRequest, ""},
		{"upper case", strings.ToUpper(digestOfABC), "bytes 0-1/3", "ab", api.CodeInvalidRequest, ""},
	} {
		r := newRig(t, withKeys)
		headers := []string{"Authorization", "Bearer " + testKey}
		if tc.header != "" {
			headers = append(headers, "Content-Range", tc.header)
		}
		w := r.do("PUT", "/v1/uploads/"+tc.digest, "", tc.body, headers...)
		if tc.code != "" {
			wantProblem(t, w, tc.code)
			continue
		}
		if got := strings.Join(r.fake.args, " "); w.Code != http.StatusOK || !strings.HasSuffix(got, tc.digest+" "+tc.args) {
			t.Errorf("%s: got %d with %q, want 200 with %q", tc.name, w.Code, got, tc.args)
		}
	}
}

func TestABrokenPieceIsTheClients(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	req := newRequest("PUT", "/v1/uploads/"+digestOfABC)
	req.Body = io.NopCloser(io.MultiReader(strings.NewReader("a"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	req.ContentLength = 3
	req.Header.Set("Content-Range", "bytes 0-2/3")
	wantProblem(t, r.send(req), api.CodeInvalidRequest)
}

// TestAPieceTakesASlot checks that pieces count among the uploads in progress.
func TestAPieceTakesASlot(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *httpapi.Options) { o.Limits.Uploads = 1 })
	reading, done := make(chan struct{}), make(chan struct{})
	body, send := io.Pipe()
	go func() {
		defer close(done)
		req := newRequest("PUT", "/v1/uploads/"+digestOfABC)
		req.Body, req.ContentLength = body, 3
		req.Header.Set("Content-Range", "bytes 0-2/3")
		if w := r.send(req); w.Code != http.StatusOK {
			t.Errorf("got %d %s, want 200", w.Code, w.Body)
		}
	}()
	go func() {
		_, _ = send.Write([]byte("a")) // returns when it is read: by then the slot is taken
		close(reading)
	}()
	<-reading
	w := r.do("PUT", "/v1/uploads/"+digestOfABC, "", "abc", "Content-Range", "bytes 0-2/3")
	if wantProblem(t, w, api.CodeOverloaded); w.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	_, _ = send.Write([]byte("bc"))
	_ = send.Close()
	<-done
}

// TestUploadsStandForFiles sends digests in place of files.
func TestUploadsStandForFiles(t *testing.T) {
	t.Parallel()
	form := func(filename string, values ...string) (string, string) {
		var body bytes.Buffer
		w := multipart.NewWriter(&body)
		for i := 0; i < len(values); i += 2 {
			if values[i+1] == digestOfABC && filename != "" {
				p, _ := w.CreateFormFile(values[i], filename)
				_, _ = io.WriteString(p, values[i+1])
				continue
			}
			_ = w.WriteField(values[i], values[i+1])
		}
		_ = w.Close()
		return w.FormDataContentType(), body.String()
	}
	other := "sha256:" + strings.Repeat("0", 64)
	for _, tc := range []struct {
		name, target, filename string
		values                 []string
		want                   map[string]string
	}{
		{"a circuit", "/v1/circuits", "", []string{"program", digestOfABC, "abi", "{}"}, map[string]string{"program": "abc", "abi": "{}"}},
		{"keys", "/v1/circuits/a/keys", "", []string{"proving_key", digestOfABC}, map[string]string{"proving_key": "abc"}},
		{"a file that looks like one", "/v1/circuits", "out", []string{"program", digestOfABC}, map[string]string{"program": digestOfABC}},
		{"more than a digest", "/v1/circuits", "", []string{"program", digestOfABC + "\n"}, map[string]string{"program": digestOfABC + "\n"}},
		{"none of that digest", "/v1/circuits", "", []string{"program", other}, nil},
	} {
		r := newRig(t, nil)
		r.fake.uploads = map[string]string{digestOfABC: "abc"}
		contentType, body := form(tc.filename, tc.values...)
		w := r.do("POST", tc.target, contentType, body)
		if tc.want == nil {
			if p := wantProblem(t, w, api.CodeInvalidRequest); p.Path != "/program" {
				t.Errorf("%s: got path %q, want /program", tc.name, p.Path)
			}
		} else if w.Code != http.StatusCreated || fmt.Sprint(r.fake.content) != fmt.Sprint(tc.want) {
			t.Errorf("%s: got %d %s with %q, want %q", tc.name, w.Code, w.Body, r.fake.content, tc.want)
		}
		r.wantEmptySpool(t)
	}
}
