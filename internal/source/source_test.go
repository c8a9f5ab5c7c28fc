package source

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"provery/internal/fault"
)

var small = Limits{Bytes: 1000, Files: 3, Expanded: 20_000, Entries: 6}

// tarOf writes a tar file. A name that ends in / is a folder; one with -> is a
// link.
func tarOf(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		h := &tar.Header{Name: files[i], Mode: 0o644, Size: int64(len(files[i+1])), Typeflag: tar.TypeReg}
		if strings.HasSuffix(h.Name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if name, target, link := strings.Cut(h.Name, "->"); link {
			h.Name, h.Linkname, h.Typeflag = name, target, tar.TypeSymlink
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, files[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipOf(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zipOf(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		h := &zip.FileHeader{Name: files[i], Method: zip.Deflate}
		if name, _, link := strings.Cut(h.Name, "->"); link {
			h.Name = name
			h.SetMode(0o777 | 1<<27) // fs.ModeSymlink
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, files[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestArchives reads the same files from all formats, and refuses the same
// things in all of them.
func TestArchives(t *testing.T) {
	t.Parallel()
	formats := map[string]func(files ...string) []byte{
		"tar":    func(files ...string) []byte { return tarOf(t, files...) },
		"tar.gz": func(files ...string) []byte { return gzipOf(t, tarOf(t, files...)) },
		"zip":    func(files ...string) []byte { return zipOf(t, files...) },
	}
	for _, tc := range []struct {
		name  string
		files []string
		want  string // the paths that are taken
		code  fault.Code
		text  string
	}{
		{"one file", []string{"main.zok", "a"}, "main.zok", "", ""},
		{"folders and other files", []string{"./", "", "./p/", "", "./p/main.zok", "a", "README.md", "b", "p/lib/x.zok", "c"}, "p/lib/x.zok p/main.zok", "", ""},
		{"parent folder", []string{"../main.zok", "a"}, "", fault.InvalidRequest, "leaves the source folder"},
		{"parent folder within", []string{"a/../../main.zok", "a"}, "", fault.InvalidRequest, "leaves the source folder"},
		{"harmless detour", []string{"a/../main.zok", "a"}, "", fault.InvalidRequest, "leaves the source folder"},
		{"parent folder of no source", []string{"../../etc/passwd", "a"}, "", fault.InvalidRequest, "leaves the source folder"},
		{"absolute", []string{"/main.zok", "a"}, "", fault.InvalidRequest, "inside the source folder"},
		{"backslash", []string{`..\main.zok`, "a"}, "", fault.InvalidRequest, ""},
		{"drive", []string{"C:main.zok", "a"}, "", fault.InvalidRequest, ""},
		{"link", []string{"main.zok->/etc/passwd", ""}, "", fault.InvalidRequest, "links"},
		{"twice", []string{"main.zok", "a", "./main.zok", "b"}, "", fault.InvalidRequest, "twice"},
		{"too many files", []string{"a.zok", "", "b.zok", "", "c.zok", "", "d.zok", ""}, "", fault.TooLarge, "3 source files"},
		{"too many entries", []string{"a", "", "b", "", "c", "", "d", "", "e", "", "f", "", "g", ""}, "", fault.TooLarge, "6 entries"},
		{"too much source", []string{"main.zok", strings.Repeat("a", 1001)}, "", fault.TooLarge, "1000 bytes"},
		{"too much source together", []string{"a.zok", strings.Repeat("a", 600), "b.zok", strings.Repeat("a", 600)}, "", fault.TooLarge, "1000 bytes"},
		{"bomb that isn't source", []string{"zeros.bin", strings.Repeat("\x00", 1<<20)}, "", fault.TooLarge, "unpacks to more"},
		{"long path", []string{strings.Repeat("a/", 130) + "x.zok", ""}, "", fault.InvalidRequest, "255"},
	} {
		for format, pack := range formats {
			archive := pack(tc.files...)
			c := NewCollector(small, ".zok")
			err := c.Archive(bytes.NewReader(archive), int64(len(archive)))
			if fault.CodeOf(err) != tc.code || tc.code != "" && !strings.Contains(err.Error(), tc.text) {
				t.Errorf("%s as %s: got %v, want %q with %q", tc.name, format, err, tc.code, tc.text)
			}
			if got := strings.Join(slices.Sorted(maps.Keys(c.Files())), " "); tc.code == "" && got != tc.want {
				t.Errorf("%s as %s: got %s, want %s", tc.name, format, got, tc.want)
			}
		}
	}
}

// TestDamagedArchives reads what isn't an archive, or not a whole one.
func TestDamagedArchives(t *testing.T) {
	t.Parallel()
	whole := map[string][]byte{"tar": tarOf(t, "main.zok", "text"), "zip": zipOf(t, "main.zok", "text")}
	whole["tar.gz"] = gzipOf(t, whole["tar"])
	cases := map[string][]byte{
		"nothing": {}, "empty tar": make([]byte, 1024), "text": []byte("def main() { return; }"), "gzip of no tar": gzipOf(t, []byte(strings.Repeat("x", 2000))),
		"zip mark alone": []byte("PK\x03\x04"), "gzip mark alone": {0x1f, 0x8b},
		"cut tar": whole["tar"][:514], "cut tar.gz": whole["tar.gz"][:60], "cut zip": whole["zip"][:60],
	}
	for name, b := range cases {
		err := NewCollector(small, ".zok").Archive(bytes.NewReader(b), int64(len(b)))
		if !fault.Is(err, fault.InvalidArtifact) {
			t.Errorf("%s: got %v, want %s", name, err, fault.InvalidArtifact)
		}
	}
}

// TestZipThatLies has a directory that says a file is small.
func TestZipThatLies(t *testing.T) {
	t.Parallel()
	b := zipOf(t, "a.bin", strings.Repeat("\x00", 1<<20))
	claimed, small32 := []byte{0, 0, 0x10, 0}, []byte{1, 0, 0, 0} // 1 MiB, little-endian
	lie := bytes.ReplaceAll(b, claimed, small32)
	if bytes.Equal(lie, b) {
		t.Fatal("the size isn't where it was expected")
	}
	if err := NewCollector(small, ".zok").Archive(bytes.NewReader(lie), int64(len(lie))); err == nil {
		t.Error("got no error")
	}
}

// TestSparseTar has a file of 1 TiB in an archive of some bytes.
func TestSparseTar(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	data := "1\n0\n512\n" // one piece of 512 bytes at 0
	data += strings.Repeat("\x00", 512-len(data)) + strings.Repeat("x", 512)
	err := w.WriteHeader(&tar.Header{
		Name: "huge.zok", Size: int64(len(data)), Typeflag: tar.TypeReg, Format: tar.FormatPAX, Mode: 0o644,
		PAXRecords: map[string]string{"VENDOR.note": "x"},
	})
	if err == nil {
		_, err = io.WriteString(w, data)
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	// The library writes no sparse files: turn the note into the three records
	// that make it one. The record's length stays right.
	record := "GNU.sparse.major=1\n22 GNU.sparse.minor=0\n37 GNU.sparse.realsize=1099511627776\n"
	old := []byte("17 VENDOR.note=x\n")
	text := append([]byte("22 "), record...)
	i := bytes.Index(b.Bytes(), old)
	if i < 0 {
		t.Fatal("the note isn't where it was expected")
	}
	archive := b.Bytes()
	copy(archive[i:], text)
	copy(archive[124:136], fmt.Sprintf("%011o\x00", len(text)))
	checksum(archive[:512])
	got := NewCollector(small, ".zok").Archive(bytes.NewReader(archive), int64(len(archive)))
	if !fault.Is(got, fault.TooLarge) {
		t.Errorf("got %v (%v), want %s", got, errors.Unwrap(got), fault.TooLarge)
	}
}

// checksum renews the checksum of a tar header.
func checksum(h []byte) {
	copy(h[148:156], "        ")
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:156], fmt.Sprintf("%06o\x00 ", sum))
}

func TestAdd(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]fault.Code{
		"main.zok": "", "lib/hash.zok": "", "./a.zok": "", "a//b.zok": "",
		"": fault.InvalidRequest, ".": fault.InvalidRequest, "main.circom": fault.InvalidRequest, "main": fault.InvalidRequest,
		"../a.zok": fault.InvalidRequest, "/a.zok": fault.InvalidRequest, "a\n.zok": fault.InvalidRequest, "a\xff.zok": fault.InvalidRequest,
	} {
		if err := NewCollector(small, ".zok").Add(name, strings.NewReader("text")); fault.CodeOf(err) != code {
			t.Errorf("%q: got %v, want %q", name, err, code)
		}
	}
	broken := errors.New("the network is gone")
	if err := NewCollector(small, ".zok").Add("a.zok", iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("got %v, want the reader's error", err)
	}
}

func TestMainFile(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		files, wanted, main string
	}{
		{"one.zok", "", "one.zok"},
		{"main.zok a.zok", "", "main.zok"},
		{"p/main.zok p/a.zok", "", "p/main.zok"},
		{"main.zok p/main.zok", "", "main.zok"},
		{"a.zok b.zok", "b.zok", "b.zok"},
		{"a.zok b.zok", "./b.zok", "b.zok"},
		{"a.zok b.zok", "", ""},
		{"p/main.zok q/main.zok", "", ""},
		{"a.zok", "b.zok", ""},
		{"a.zok", "../a.zok", ""},
		{"", "", ""},
	} {
		c := NewCollector(small, ".zok")
		for _, name := range strings.Fields(tc.files) {
			if err := c.Add(name, strings.NewReader("")); err != nil {
				t.Fatal(err)
			}
		}
		got, err := c.Main(tc.wanted)
		if got != tc.main || (err == nil) != (tc.main != "") || err != nil && !fault.Is(err, fault.InvalidRequest) {
			t.Errorf("%s, %q: got %q, %v, want %q", tc.files, tc.wanted, got, err, tc.main)
		}
	}
}

func FuzzArchive(f *testing.F) {
	f.Add(tarOf(f, "main.zok", "text", "a/", ""))
	f.Add(gzipOf(f, tarOf(f, "main.zok", "text")))
	f.Add(zipOf(f, "main.zok", "text", "b", "c"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c := NewCollector(small, ".zok")
		err := c.Archive(bytes.NewReader(b), int64(len(b)))
		if err != nil && fault.CodeOf(err) == fault.Internal {
			t.Errorf("got %v, want a fault of the archive", err)
		}
		total := 0
		for name, content := range c.Files() {
			if clean, err := Path(name); err != nil || clean != name {
				t.Errorf("got the path %q", name)
			}
			total += len(content)
		}
		if int64(total) > small.Bytes || len(c.Files()) > small.Files {
			t.Errorf("got %d files of %d bytes, more than the limits", len(c.Files()), total)
		}
	})
}

// TestZipDirectoryIsBounded refuses a directory before all of it is in memory.
func TestZipDirectoryIsBounded(t *testing.T) {
	t.Parallel()
	var files []string
	for i := range 5000 {
		files = append(files, fmt.Sprint(i), "")
	}
	b := zipOf(t, files...)
	c := NewCollector(small, ".zok")
	if err := c.Archive(bytes.NewReader(b), int64(len(b))); !fault.Is(err, fault.TooLarge) || c.entries != 0 {
		t.Errorf("got %v after %d entries, want too large before any", err, c.entries)
	}
}
