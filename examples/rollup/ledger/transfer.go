package ledger

import (
	"fmt"
	"math/big"
)

// Transfer moves an amount from one account to another.
type Transfer struct {
	From   uint32 `json:"from"`
	To     uint32 `json:"to"`
	Amount uint64 `json:"amount,string"`
	// Nonce is the number of transfers that the sender made before.
	Nonce uint64 `json:"nonce,string"`
}

// Signed is a transfer with its sender's signature.
type Signed struct {
	Transfer
	Signature Signature `json:"signature"`
}

// Word is the transfer as one public input of the proof, without the nonce: the
// chain shows it, so that everybody can compute the accounts.
func (t Transfer) Word() *big.Int {
	w := new(big.Int).SetUint64(uint64(t.From)<<32 | uint64(t.To))
	return w.Lsh(w, 64).Or(w, number(t.Amount))
}

// ParseWord is the inverse of Word.
func ParseWord(w *big.Int) (Transfer, error) {
	if w.Sign() < 0 || w.BitLen() > 128 {
		return Transfer{}, fmt.Errorf("word %v isn't a transfer", w)
	}
	accounts := new(big.Int).Rsh(w, 64).Uint64()
	amount := new(big.Int).And(w, new(big.Int).SetUint64(^uint64(0)))
	return Transfer{From: uint32(accounts >> 32), To: uint32(accounts), Amount: amount.Uint64()}, nil
}

// Message is what the sender signs. The domain names the ledger's contract and its
// chain, so that a signature is good for one ledger only; the nonce makes it good
// for one time.
func (t Transfer) Message(domain *big.Int) *big.Int {
	return hash(domain, t.Word(), number(t.Nonce))
}

// ID identifies the transfer. It doesn't depend on the signature.
func (t Transfer) ID(domain *big.Int) string {
	return fmt.Sprintf("%064x", t.Message(domain))
}

// Sign signs the transfer.
func (t Transfer) Sign(domain *big.Int, key PrivateKey) Signed {
	return Signed{t, key.Sign(t.Message(domain))}
}
