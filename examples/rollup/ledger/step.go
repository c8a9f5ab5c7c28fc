package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

// Step is a transfer as the circuit's struct Transfer: decimal numbers by name.
type Step struct {
	Word         Decimal         `json:"word"`
	Root         Decimal         `json:"root"`
	R            [2]Decimal      `json:"r"`
	S            Decimal         `json:"s"`
	Sender       accountArgument `json:"sender"`
	SenderPath   [Depth]Decimal  `json:"senderPath"`
	Receiver     accountArgument `json:"receiver"`
	ReceiverPath [Depth]Decimal  `json:"receiverPath"`
}

type accountArgument struct {
	Key     [2]Decimal `json:"key"`
	Balance Decimal    `json:"balance"`
	Nonce   Decimal    `json:"nonce"`
}

// Decimal is a field element in decimal digits.
type Decimal string

func decimal(n *big.Int) Decimal { return Decimal(n.String()) }

func decimals(in [Depth]*big.Int) (out [Depth]Decimal) {
	for i, n := range in {
		out[i] = decimal(n)
	}
	return out
}

func argument(a Account) accountArgument {
	return accountArgument{
		Key:     [2]Decimal{decimal(a.Key.point.X), decimal(a.Key.point.Y)},
		Balance: decimal(number(a.Balance)),
		Nonce:   decimal(number(a.Nonce)),
	}
}

// step returns the sender's part of a transfer's arguments, before it is made.
func (l *Ledger) step(t Signed) Step {
	sig := t.Signature.sig
	return Step{
		Word: decimal(t.Word()), Root: decimal(l.Root()),
		R: [2]Decimal{decimal(sig.R8.X), decimal(sig.R8.Y)}, S: decimal(sig.S),
		Sender: argument(l.accounts[t.From]), SenderPath: decimals(l.tree.path(t.From)),
	}
}

// Words returns a batch's public words: those of the steps, and zeros up to size.
func Words(steps []Step, size int) []Decimal {
	words := make([]Decimal, size)
	for i := range words {
		words[i] = "0"
		if i < len(steps) {
			words[i] = steps[i].Word
		}
	}
	return words
}

// Arguments returns the circuit's arguments for a batch of up to size transfers, of
// which each step follows the one before. Unused slots repeat the last step.
func Arguments(domain *big.Int, steps []Step, size int) (json.RawMessage, error) {
	if len(steps) == 0 || len(steps) > size {
		return nil, fmt.Errorf("ledger: a batch has 1 to %d transfers, not %d", size, len(steps))
	}
	words, full := Words(steps, size), append([]Step(nil), steps...)
	for len(full) < size {
		full = append(full, steps[len(steps)-1])
	}
	return json.Marshal([]any{decimal(domain), steps[0].Root, words, full})
}

// errNoNumber hides the text: it may be long.
var errNoNumber = errors.New("not a decimal number")

// Int returns the number.
func (d Decimal) Int() (*big.Int, error) {
	n, ok := new(big.Int).SetString(string(d), 10)
	if !ok || len(d) > 80 {
		return nil, errNoNumber
	}
	return n, nil
}
