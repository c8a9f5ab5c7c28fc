package seal

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"provery/internal/fault"
)

// header is the first line of a key file. Each line after it that isn't empty
// or a comment (#) holds a key: its id and 64 hexadecimal digits, and the word
// standby if it doesn't seal yet. Newer keys stand above older ones. The first
// that isn't on standby seals.
const header = "# Provery sealing keys, version 1. Keep secret. The first key that isn't on standby seals, all open."

// standbyMark ends the line of a key on standby.
const standbyMark = " standby"

// maxFile bounds a key file's length in bytes.
const maxFile = 64 << 10

// Load reads the key file at path. Errors: NotFound where there is none;
// Forbidden where others than its owner and group may read it, or others than
// its owner write it; InvalidArtifact
// where it is malformed or a key doesn't match its id.
func Load(path string) (*Ring, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &fault.Error{Code: fault.NotFound, Detail: "load key file: there is none", Err: err}
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "load key file")
	}
	if !info.Mode().IsRegular() || info.Size() > maxFile {
		return nil, fault.New(fault.InvalidArtifact, "load key file: not a key file")
	}
	if err := checkMode(info.Mode().Perm()); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "load key file")
	}
	return parse(b)
}

// Create writes a key file with a new random key; it never replaces one:
// Conflict where path exists. The file is on disk when Create returns.
func Create(path string) (*Ring, error) {
	var secret [keySize]byte
	rand.Read(secret[:]) // never fails: see its documentation
	k := newKey(secret)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "create key file")
	}
	r := &Ring{keys: []key{k}}
	err := writeNew(path, r.text())
	if errors.Is(err, fs.ErrExist) {
		return nil, &fault.Error{Code: fault.Conflict, Detail: "create key file: it exists", Err: err}
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "create key file")
	}
	return r, nil
}

// text returns the ring as a key file.
func (r *Ring) text() []byte {
	var out bytes.Buffer
	fmt.Fprintln(&out, header)
	for _, k := range r.keys {
		fmt.Fprintf(&out, "%s %s", k.id, hex.EncodeToString(k.secret[:]))
		if k.standby {
			out.WriteString(standbyMark)
		}
		out.WriteByte('\n')
	}
	return out.Bytes()
}

// Ensure loads the key file at path, or creates it where there is none.
// haveSealed says that sealed data exists: then a missing file isn't replaced,
// since a new key couldn't open that data, and the error is InvalidArtifact.
func Ensure(path string, haveSealed bool) (*Ring, error) {
	r, err := Load(path)
	if !fault.Is(err, fault.NotFound) {
		return r, err
	}
	if haveSealed {
		return nil, &fault.Error{Code: fault.InvalidArtifact, Err: err,
			Detail: "the sealing key file is missing, and there are jobs whose arguments only its keys can open: restore it, or delete those jobs"}
	}
	r, err = Create(path)
	if fault.Is(err, fault.Conflict) { // another process was faster
		return Load(path)
	}
	return r, err
}

// writeNew writes a file that doesn't exist yet, in one step: readers see all
// of it or nothing.
func writeNew(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".key-") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil { // fails where path exists
		return err
	}
	return syncDir(filepath.Dir(path))
}

// parse reads the content of a key file.
func parse(b []byte) (*Ring, error) {
	var r Ring
	sc := bufio.NewScanner(bytes.NewReader(b))
	for n := 1; sc.Scan(); n++ {
		line := strings.TrimSpace(sc.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		k, err := parseLine(line)
		if err != nil {
			return nil, fault.Wrap(err, fault.InvalidArtifact, "load key file: line %d", n)
		}
		if r.find(k.id) != nil {
			return nil, fault.New(fault.InvalidArtifact, "load key file: line %d: key %s stands there twice", n, k.id)
		}
		r.keys = append(r.keys, k)
	}
	if err := sc.Err(); err != nil {
		return nil, fault.Wrap(err, fault.InvalidArtifact, "load key file")
	}
	for _, k := range r.keys {
		if !k.standby {
			return &r, nil
		}
	}
	return nil, fault.New(fault.InvalidArtifact, "load key file: no key in it that seals")
}

// parseLine reads "id secret". Its errors repeat neither.
func parseLine(line string) (key, error) {
	id, digits, _ := strings.Cut(line, " ")
	digits, standby := strings.CutSuffix(digits, standbyMark)
	var secret [keySize]byte
	if len(digits) != hex.EncodedLen(keySize) {
		return key{}, fault.New(fault.InvalidArtifact, "want a key id, a space and 64 hexadecimal digits")
	}
	if _, err := hex.Decode(secret[:], []byte(digits)); err != nil {
		return key{}, fault.New(fault.InvalidArtifact, "the key is not hexadecimal")
	}
	k := newKey(secret)
	k.standby = standby
	if k.id.String() != id {
		return key{}, fault.New(fault.InvalidArtifact, "the key doesn't match its id: the file was altered")
	}
	return k, nil
}
