package evm

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

func TestKeystore(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	account, err := keystore.StoreKey(dir, "secret", keystore.LightScryptN, keystore.LightScryptP)
	if err != nil {
		t.Fatal(err)
	}
	password := filepath.Join(dir, "password")
	if err := os.WriteFile(password, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := ReadKeystore(account.URL.Path, password)
	if err != nil || s.Address() != account.Address {
		t.Fatalf("got %v, %v, want %v", s, err, account.Address)
	}
	if _, err := ParseKeystore([]byte("{}"), "secret"); err == nil {
		t.Error("an empty keystore was opened")
	}
	if _, err := ReadKeystore(account.URL.Path, account.URL.Path); err == nil {
		t.Error("a keystore was opened with a wrong password")
	}
}

// TestEnvSigner sets variables, so it isn't parallel.
func TestEnvSigner(t *testing.T) {
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	digits := hex.EncodeToString(crypto.FromECDSA(key))
	for _, value := range []string{digits, "0x" + digits} {
		t.Setenv("EVM_TEST_KEY", value)
		if s, err := EnvSigner("EVM_TEST_KEY"); err != nil || s.Address() != crypto.PubkeyToAddress(key.PublicKey) {
			t.Errorf("got %v, %v", s, err)
		}
	}
	for _, value := range []string{"", digits[1:], digits + "0", "z" + digits[1:]} {
		t.Setenv("EVM_TEST_KEY", value)
		_, err := EnvSigner("EVM_TEST_KEY")
		if err == nil || value != "" && strings.Contains(err.Error(), value) {
			t.Errorf("got %v, want an error that doesn't repeat the value", err)
		}
	}
}

// impostor signs with another account's key than it says.
type impostor struct {
	Signer
	address common.Address
}

func (i impostor) Address() common.Address { return i.address }

func TestImpostor(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s, err := c.client(Options{}).Sender(t.Context(), impostor{NewKeySigner(c.key), common.Address{1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Submit(t.Context(), nothing("a")); err == nil || !strings.Contains(err.Error(), "another account") {
		t.Errorf("got %v, want that the signature is another account's", err)
	}
	if len(s.Pending()) != 0 {
		t.Error("a transaction of another account is pending")
	}
}
