package daemon

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"provery/api"
	"provery/client"
	"provery/internal/config"
)

// cutting breaks the connection of every second piece in its middle.
type cutting struct {
	http.RoundTripper
	pieces, cuts atomic.Int32
}

func (c *cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPut && c.pieces.Add(1)%2 == 1 {
		c.cuts.Add(1)
		r = r.Clone(r.Context())
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(r.Body, r.ContentLength/2), cutReader{}), r.Body}
	}
	return c.RoundTripper.RoundTrip(r)
}

var errCut = errors.New("the connection is cut")

// cutReader is where it breaks.
type cutReader struct{}

func (cutReader) Read([]byte) (int, error) { return 0, errCut }

// digestOf names content as uploads are named.
func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// TestUploadsSurvive sends a file over connections that break, stops the service
// in the middle, and goes on with its successor.
func TestUploadsSurvive(t *testing.T) {
	t.Parallel()
	content := bytes.Repeat([]byte("some bytes of a large key; "), 4*api.MinPiece/27)
	r := start(t, setup{})
	stopped := errors.New("enough")
	half := &limited{Reader: bytes.NewReader(content), most: int64(len(content) / 2), err: stopped}
	digest := digestOf(content)
	o := client.UploadOptions{Digest: digest, PieceBytes: api.MinPiece}
	if _, err := r.cl.Upload(r.ctx(), half, o); !errors.Is(err, stopped) {
		t.Fatalf("got %v, want the file's error", err)
	}
	before, err := r.cl.UploadStatus(r.ctx(), digest)
	if err != nil || before.Complete || before.Received < api.MinPiece {
		t.Fatalf("got %+v, %v, want a part of it", before, err)
	}
	r.stop()

	r = start(t, setup{dir: r.dir})
	cuts := &cutting{RoundTripper: r.http.Transport}
	cl, err := client.New(r.base, client.WithHTTPClient(&http.Client{Transport: cuts}))
	if err != nil {
		t.Fatal(err)
	}
	first := int64(-1)
	o.Progress = func(sent, _ int64) {
		if first < 0 {
			first = sent
		}
	}
	u, err := cl.Upload(r.ctx(), bytes.NewReader(content), o)
	if err != nil || !u.Complete || first != before.Received || cuts.cuts.Load() == 0 {
		t.Fatalf("got %+v, %v from %d on with %d cuts, want it taken up at %d", u, err, first, cuts.cuts.Load(), before.Received)
	}
	if err := cl.DeleteUpload(r.ctx(), digest); err != nil {
		t.Error(err)
	}
	if _, err := cl.UploadStatus(r.ctx(), digest); client.CodeOf(err) != api.CodeNotFound {
		t.Errorf("got %v, want it gone", err)
	}
}

// limited is a file that fails behind so many bytes.
type limited struct {
	*bytes.Reader
	most int64
	err  error
}

func (l *limited) Read(b []byte) (int, error) {
	at, err := l.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, err
	}
	if at >= l.most {
		return 0, l.err
	}
	return l.Reader.Read(b[:min(int64(len(b)), l.most-at)])
}

// TestRegisterUploads registers a circuit with its key from complete uploads.
func TestRegisterUploads(t *testing.T) {
	t.Parallel()
	r := start(t, setup{config: func(c *config.Config) { c.Limits.MaxUploadBytes = 1 << 20 }})
	upload := func(name string) string {
		t.Helper()
		u, err := r.cl.Upload(r.ctx(), bytes.NewReader(read(t, name)), client.UploadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return u.Digest
	}
	c, _, err := r.cl.Register(r.ctx(), client.Registration{Name: "product", Uploads: map[string]string{
		"program": upload(mul.file("out")), "abi": upload(mul.file("abi.json")),
	}})
	if err != nil {
		t.Fatal(err)
	}
	key := upload(mul.file("ark-g16/proving.key"))
	if _, _, err := r.cl.AddKeys(r.ctx(), c.ID, client.KeyUpload{Uploads: map[string]string{api.RoleProvingKey: key}}); err != nil {
		t.Fatal(err)
	}
	if p := r.prove(api.ProofRequest{Circuit: "product", Arguments: []byte(`["3","5"]`)}); string(p.Result.Outputs) != `"15"` {
		t.Errorf("got %s", p.Result.Outputs)
	}

	other := digestOf([]byte("something else"))
	for name, tc := range map[string]struct {
		content []byte
		digest  string
		want    api.Code
	}{
		"another digest": {[]byte("content"), other, api.CodeInvalidArtifact},
		"too large":      {make([]byte, 1<<20+1), "", api.CodeTooLarge},
	} {
		if _, err := r.cl.Upload(r.ctx(), bytes.NewReader(tc.content), client.UploadOptions{Digest: tc.digest}); client.CodeOf(err) != tc.want {
			t.Errorf("%s: got %v, want %s", name, err, tc.want)
		}
	}
	if _, _, err := r.cl.AddKeys(r.ctx(), c.ID, client.KeyUpload{Uploads: map[string]string{api.RoleProvingKey: other}}); client.CodeOf(err) == "" {
		t.Errorf("a key of an upload that isn't there: got %v", err)
	}
}
