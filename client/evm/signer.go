package evm

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"
	"os"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
)

// Signer signs the transactions of one account. A key management service or a
// hardware token is another implementation of it.
type Signer interface {
	// Address returns the account.
	Address() common.Address
	// Sign returns tx with the account's signature for the chain.
	Sign(ctx context.Context, tx *types.Transaction, chain *big.Int) (*types.Transaction, error)
}

// keySigner holds the key in memory.
type keySigner struct {
	key     *ecdsa.PrivateKey
	address common.Address
}

// NewKeySigner returns the signer of a key in memory.
func NewKeySigner(key *ecdsa.PrivateKey) Signer {
	return &keySigner{key, crypto.PubkeyToAddress(key.PublicKey)}
}

func (s *keySigner) Address() common.Address { return s.address }

func (s *keySigner) Sign(_ context.Context, tx *types.Transaction, chain *big.Int) (*types.Transaction, error) {
	return types.SignTx(tx, types.LatestSignerForChainID(chain), s.key)
}

// ParseKeystore decrypts a keystore file's contents, version 3, as wallets and
// go-ethereum write it.
func ParseKeystore(contents []byte, password string) (Signer, error) {
	key, err := keystore.DecryptKey(contents, password)
	if err != nil {
		return nil, fmt.Errorf("open the keystore: %w", err)
	}
	return NewKeySigner(key.PrivateKey), nil
}

// ReadKeystore is ParseKeystore for a file, with the password in another one,
// whose last line end doesn't count.
func ReadKeystore(path, passwordPath string) (Signer, error) {
	contents, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("open the keystore: %w", err)
	}
	password, err := os.ReadFile(passwordPath)
	if err != nil {
		return nil, fmt.Errorf("read the keystore's password: %w", err)
	}
	return ParseKeystore(contents, strings.TrimRight(string(password), "\r\n"))
}

// EnvSigner reads a key of 64 hexadecimal digits from an environment variable.
// Other programs of the same user can read that: it is for development.
func EnvSigner(variable string) (Signer, error) {
	digits := os.Getenv(variable)
	if digits == "" {
		return nil, fmt.Errorf("%s is not set", variable)
	}
	key, err := crypto.HexToECDSA(strings.TrimPrefix(digits, "0x"))
	if err != nil {
		// The cause could quote the key.
		return nil, errors.New(variable + " isn't a private key of 64 hexadecimal digits")
	}
	return NewKeySigner(key), nil
}
