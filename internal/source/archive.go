package source

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"math"
	"strings"

	"provery/internal/fault"
)

// The first bytes of the formats. A tar file has its mark at an offset.
var (
	gzipMark = []byte{0x1f, 0x8b}
	zipMark  = []byte("PK\x03\x04")
	zipEmpty = []byte("PK\x05\x06")
	tarMark  = []byte("ustar")
)

const tarMarkAt = 257

// Archive reads the source files of an archive of size bytes: tar, tar.gz or
// zip, which its first bytes tell. Directories, and files that aren't source,
// are passed over. Errors: InvalidArtifact for what is no archive or a damaged
// one; InvalidRequest for a path that leaves it, a link or a device; TooLarge.
func (c *Collector) Archive(r io.ReaderAt, size int64) error {
	head := make([]byte, min(size, tarMarkAt+int64(len(tarMark))))
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, size), head); err != nil {
		return err
	}
	in := io.NewSectionReader(r, 0, size)
	switch {
	case bytes.HasPrefix(head, gzipMark):
		return c.gzip(in)
	case bytes.HasPrefix(head, zipMark), bytes.HasPrefix(head, zipEmpty):
		return c.zip(in, size)
	case len(head) == cap(head) && bytes.HasSuffix(head, tarMark) && len(head) == tarMarkAt+len(tarMark):
		return c.tar(in)
	}
	return fault.New(fault.InvalidArtifact, "the archive is neither tar, tar.gz nor zip")
}

func (c *Collector) gzip(r io.Reader) error {
	unpacked, err := gzip.NewReader(r)
	if err != nil {
		return damaged(err)
	}
	return c.tar(unpacked)
}

// tar reads a tar stream. The limit on what it expands to counts its headers
// and padding too, so that it bounds the time.
func (c *Collector) tar(r io.Reader) error {
	in := tar.NewReader(&bounded{c: c, r: r})
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return damaged(err)
		}
		switch h.Typeflag {
		case tar.TypeReg:
			// A sparse file has more bytes than the archive.
			if err = c.claim(h.Size); err == nil {
				err = c.entry(h.Name, in)
			}
		case tar.TypeDir:
			err = c.count()
		case tar.TypeXGlobalHeader: // git archive writes one
			err = c.count()
		default:
			err = notAFile(h.Name)
		}
		if err != nil {
			return damaged(err)
		}
	}
}

// maxZipEntry bounds an entry in a zip file's directory, on average.
const maxZipEntry = 300

// directory counts what is read of a zip file's directory, which is held in
// memory as a whole before its entries can be counted, and ends what is too
// much.
type directory struct {
	io.ReaderAt
	left  int64
	count error // what to say then
}

// ReadAt reads until the limit.
func (d *directory) ReadAt(p []byte, off int64) (int, error) {
	if d.left -= int64(len(p)); d.left < 0 {
		return 0, d.count
	}
	return d.ReaderAt.ReadAt(p, off)
}

// zip reads a zip file.
func (c *Collector) zip(r io.ReaderAt, size int64) error {
	const ends = 128 << 10 // where the directory is looked for
	dir := &directory{r, int64(c.limits.Entries)*maxZipEntry + ends, c.tooMany()}
	in, err := zip.NewReader(dir, size)
	dir.left = math.MaxInt64 // from now on the files bound themselves
	if err != nil {
		return damaged(err)
	}
	for _, f := range in.File {
		switch mode := f.Mode(); {
		case mode.IsDir():
			err = c.count()
		case !mode.IsRegular():
			err = notAFile(f.Name)
		default:
			err = c.zipped(f)
		}
		if err != nil {
			return damaged(err)
		}
	}
	return nil
}

func (c *Collector) zipped(f *zip.File) error {
	if err := c.claim(int64(min(f.UncompressedSize64, math.MaxInt64))); err != nil {
		return err
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close() // of a file in memory or already read
	return c.entry(f.Name, &bounded{c: c, r: r})
}

// entry takes a regular file of an archive.
func (c *Collector) entry(name string, r io.Reader) error {
	if err := c.count(); err != nil {
		return err
	}
	clean, err := Path(name)
	if err != nil {
		return err
	}
	if !strings.HasSuffix(clean, c.extension) {
		_, err := io.Copy(io.Discard, r)
		return err
	}
	return c.read(clean, r)
}

// count counts an entry.
func (c *Collector) count() error {
	if c.entries++; c.entries > c.limits.Entries {
		return c.tooMany()
	}
	return nil
}

func (c *Collector) tooMany() error {
	return fault.New(fault.TooLarge, "the archive has more than %d entries", c.limits.Entries)
}

// claim counts the bytes that an entry says it has, before any of them is
// unpacked. The bytes themselves are counted as they come: see bounded.
func (c *Collector) claim(size int64) error {
	if size < 0 || size > c.limits.Expanded-c.claimed {
		return c.tooMuch()
	}
	c.claimed += size
	return nil
}

func (c *Collector) tooMuch() error {
	return fault.New(fault.TooLarge, "the archive unpacks to more than %d bytes", c.limits.Expanded)
}

// bounded counts what an archive expands to, and ends what is too much.
type bounded struct {
	c *Collector
	r io.Reader
}

// Read reads until the limit.
func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.c.expanded += int64(n); b.c.expanded > b.c.limits.Expanded {
		return 0, b.c.tooMuch()
	}
	return n, err
}

func notAFile(name string) error {
	return fault.New(fault.InvalidRequest, "the archive's entry %q is neither a file nor a folder: links and devices aren't taken", name)
}

// damaged returns an error of this package or of the disk as it is, and any
// other as that of a damaged archive.
func damaged(err error) error {
	var known *fault.Error
	var disk *fs.PathError
	if errors.As(err, &known) || errors.As(err, &disk) {
		return err
	}
	return &fault.Error{Code: fault.InvalidArtifact, Detail: "the archive is damaged", Err: err}
}
