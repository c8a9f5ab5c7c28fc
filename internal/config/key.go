package config

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
)

// KeyPrefix starts every API key, so that leaked ones can be searched for.
const KeyPrefix = "pvk_"

// GenerateKey returns a new API key of 256 random bits, and the hash that
// goes into the configuration. The key itself is shown once and kept nowhere.
func GenerateKey() (key, hash string) {
	var b [32]byte
	rand.Read(b[:]) // never fails: it ends the process instead
	key = KeyPrefix + base64.RawURLEncoding.EncodeToString(b[:])
	return key, HashKey(key)
}

// HashKey returns the SHA-256 of a key in hex. Keys are random, so a plain
// hash is enough.
func HashKey(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// Hash returns the hash that k.SHA256 writes in hex. k must have passed
// Validate.
func (k APIKey) Hash() (hash [sha256.Size]byte) {
	b, err := hex.DecodeString(k.SHA256)
	if err == nil {
		copy(hash[:], b)
	}
	return hash
}

// GenerateWebhookSecret makes a secret for APIKey.WebhookSecrets: 256 random
// bits.
func GenerateWebhookSecret() string {
	var b [32]byte
	rand.Read(b[:]) // never fails: see its documentation
	return "whsec_" + base64.StdEncoding.EncodeToString(b[:])
}
