package ledger

import (
	"fmt"
	"math"
	"math/big"
)

// Account is a leaf of the tree.
type Account struct {
	Key     Key    `json:"key"`
	Balance uint64 `json:"balance,string"`
	Nonce   uint64 `json:"nonce,string"`
}

func (a Account) leaf() *big.Int {
	return hash(a.Key.point.X, a.Key.point.Y, number(a.Balance), number(a.Nonce))
}

// Ledger is the state of all accounts. It isn't safe for concurrent use.
type Ledger struct {
	domain   *big.Int
	accounts []Account
	tree     *tree
}

// New returns a ledger with the accounts, numbered from 0. Every key has to be set.
func New(domain *big.Int, accounts []Account) (*Ledger, error) {
	if len(accounts) > MaxAccounts {
		return nil, fmt.Errorf("ledger: %d accounts are more than the tree's %d", len(accounts), MaxAccounts)
	}
	l := &Ledger{domain: domain, accounts: append([]Account(nil), accounts...)}
	leaves := make([]*big.Int, len(accounts))
	for i, a := range accounts {
		if a.Key.point == nil {
			return nil, fmt.Errorf("ledger: account %d has no key", i)
		}
		leaves[i] = a.leaf()
	}
	l.tree = newTree(leaves)
	return l, nil
}

// Domain returns the domain that transfers are signed for.
func (l *Ledger) Domain() *big.Int { return l.domain }

// Root returns the tree's root.
func (l *Ledger) Root() *big.Int { return l.tree.root() }

// Account returns an account, and whether there is one.
func (l *Ledger) Account(n uint32) (Account, bool) {
	if uint64(n) >= uint64(len(l.accounts)) {
		return Account{}, false
	}
	return l.accounts[n], true
}

// Accounts returns a copy of all accounts.
func (l *Ledger) Accounts() []Account { return append([]Account(nil), l.accounts...) }

// Code says why a transfer is refused.
type Code string

// The reasons to refuse a transfer.
const (
	UnknownAccount Code = "unknown_account"
	SelfTransfer   Code = "self_transfer"
	ZeroAmount     Code = "zero_amount"
	WrongNonce     Code = "wrong_nonce"
	BadSignature   Code = "bad_signature"
	Overdraft      Code = "overdraft"
	BalanceTooHigh Code = "balance_too_high"
)

// Refusal is a transfer that the ledger doesn't make.
type Refusal struct {
	Code   Code
	Detail string
}

// Error returns code and detail.
func (r *Refusal) Error() string { return string(r.Code) + ": " + r.Detail }

func refuse(code Code, format string, args ...any) error {
	return &Refusal{code, fmt.Sprintf(format, args...)}
}

// Check returns a *Refusal if the ledger doesn't make the transfer.
func (l *Ledger) Check(t Signed) error {
	sender, ok := l.Account(t.From)
	if !ok {
		return refuse(UnknownAccount, "there is no account %d", t.From)
	}
	receiver, ok := l.Account(t.To)
	switch {
	case !ok:
		return refuse(UnknownAccount, "there is no account %d", t.To)
	case t.From == t.To:
		return refuse(SelfTransfer, "account %d can't pay itself", t.From)
	case t.Amount == 0:
		return refuse(ZeroAmount, "the amount is zero")
	case !sender.Key.Verify(t.Message(l.domain), t.Signature):
		return refuse(BadSignature, "the signature isn't that of account %d for this transfer on this ledger", t.From)
	case t.Nonce != sender.Nonce:
		return refuse(WrongNonce, "the nonce is %d, account %d's next is %d", t.Nonce, t.From, sender.Nonce)
	case t.Amount > sender.Balance:
		return refuse(Overdraft, "account %d has %d, which is less than %d", t.From, sender.Balance, t.Amount)
	case t.Amount > math.MaxUint64-receiver.Balance:
		return refuse(BalanceTooHigh, "account %d can't hold that much", t.To)
	}
	return nil
}

// Apply makes a transfer and returns the circuit's private arguments for it, or
// returns a *Refusal and leaves everything as it is.
func (l *Ledger) Apply(t Signed) (Step, error) {
	if err := l.Check(t); err != nil {
		return Step{}, err
	}
	sender, receiver := &l.accounts[t.From], &l.accounts[t.To]
	s := l.step(t)
	sender.Balance -= t.Amount
	sender.Nonce++
	l.tree.set(t.From, sender.leaf())

	s.Receiver, s.ReceiverPath = argument(*receiver), decimals(l.tree.path(t.To))
	receiver.Balance += t.Amount
	l.tree.set(t.To, receiver.leaf())
	return s, nil
}
