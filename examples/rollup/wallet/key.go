package wallet

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"provery/examples/rollup/ledger"
)

// WriteKey writes a private key to a new file that only its owner can read.
func WriteKey(path string, key ledger.PrivateKey) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s exists: a key is never written over another", path)
	}
	if err != nil {
		return err
	}
	seed := key.Seed()
	_, err = fmt.Fprintf(f, "%x\n", seed)
	return errors.Join(err, f.Sync(), f.Close())
}

// ReadKey reads a private key from a file that nobody else can read.
func ReadKey(path string) (key ledger.PrivateKey, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return key, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return key, fmt.Errorf("%s can be read by others: chmod 600 it, and think about making another key", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return key, err
	}
	var seed [32]byte
	if b, err := hex.DecodeString(strings.TrimSpace(string(text))); err != nil || len(b) != copy(seed[:], b) || len(b) != 32 {
		return key, fmt.Errorf("%s isn't a key file: want 32 bytes in hex", path)
	}
	return ledger.PrivateKeyOf(seed), nil
}
