package ledger

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/iden3/go-iden3-crypto/babyjub"

	"provery/api"
	"provery/client"
	"provery/examples/rollup/proving"
	"provery/examples/rollup/proving/provingtest"
)

// circuit runs the compiled circuit at a service, without proving.
type circuit struct {
	t      *testing.T
	client *client.Client
	id     string
	batch  int
}

// run returns the root that the circuit gives for arguments, "" if it refuses them.
func (c *circuit) run(arguments []byte) string {
	c.t.Helper()
	r, err := c.client.DryRun(c.t.Context(), c.id, api.WitnessRequest{Arguments: arguments})
	if client.CodeOf(err) == api.CodeUnsatisfiedWitness {
		return ""
	}
	if err != nil {
		c.t.Fatal(err)
	}
	if !r.Satisfied {
		return ""
	}
	return strings.Trim(string(r.Outputs), `"`)
}

func (c *circuit) steps(domain *big.Int, steps ...Step) string {
	c.t.Helper()
	arguments, err := Arguments(domain, steps, c.batch)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.run(arguments)
}

// force makes a transfer without checking it, as a dishonest operator would.
func force(l *Ledger, s Signed) Step {
	step := l.step(s)
	sender, receiver := &l.accounts[s.From], &l.accounts[s.To]
	sender.Balance -= s.Amount
	sender.Nonce++
	l.tree.set(s.From, sender.leaf())
	step.Receiver, step.ReceiverPath = argument(*receiver), decimals(l.tree.path(s.To))
	receiver.Balance += s.Amount
	l.tree.set(s.To, receiver.leaf())
	return step
}

// TestCircuit compares the circuit with this package: hashes, signatures and roots
// agree for transfers that the ledger makes, and the circuit refuses the others.
func TestCircuit(t *testing.T) {
	t.Parallel()
	_, cl := provingtest.Start(t)
	registered, err := proving.Upload(t.Context(), cl, provingtest.Circuit(t))
	if err != nil {
		t.Fatal(err)
	}
	c := &circuit{t, cl, registered.ID, proving.BatchOf(registered)}
	t.Run("accepts", func(t *testing.T) { (&circuit{t, cl, c.id, c.batch}).accepts() })
	t.Run("refuses", func(t *testing.T) { (&circuit{t, cl, c.id, c.batch}).refuses() })
	t.Run("batches", func(t *testing.T) { (&circuit{t, cl, c.id, c.batch}).batches() })
}

func (c *circuit) accepts() {
	l := testLedger(c.t)
	l.accounts[3].Balance = math.MaxUint64 - 1
	l, _ = New(l.domain, l.accounts)
	transfers := []Signed{
		Transfer{From: 0, To: 1, Amount: 1}.Sign(l.domain, testKey(0)),
		Transfer{From: 1, To: 0, Amount: 101}.Sign(l.domain, testKey(1)),
		Transfer{From: 2, To: 3, Amount: 1}.Sign(l.domain, testKey(2)),
		Transfer{From: 3, To: 2, Amount: math.MaxUint64 - 99}.Sign(l.domain, testKey(3)),
		Transfer{From: 0, To: 3, Amount: 7, Nonce: 1}.Sign(l.domain, testKey(0)),
	}
	for i := 0; i < len(transfers); i += c.batch {
		var steps []Step
		for _, s := range transfers[i:min(i+c.batch, len(transfers))] {
			step, err := l.Apply(s)
			if err != nil {
				c.t.Fatal(err)
			}
			steps = append(steps, step)
		}
		if got, want := c.steps(l.domain, steps...), l.Root().String(); got != want {
			c.t.Errorf("transfers from %d on: got root %q, want %s", i, got, want)
		}
	}
}

func (c *circuit) refuses() {
	domain := big.NewInt(77)
	good := Transfer{From: 1, To: 2, Amount: 60}
	signed := good.Sign(domain, testKey(1))
	sig := signed.Signature.sig
	shifted := signed
	shifted.Signature.sig = babyjub.Signature{R8: sig.R8, S: new(big.Int).Add(sig.S, babyjub.SubOrder)}
	otherR := signed
	otherR.Signature.sig = babyjub.Signature{R8: babyjub.B8, S: sig.S}
	tests := map[string]Signed{
		"another's key":          good.Sign(domain, testKey(2)),
		"another ledger":         good.Sign(big.NewInt(78), testKey(1)),
		"altered amount":         {Transfer{From: 1, To: 2, Amount: 61}, signed.Signature},
		"altered receiver":       {Transfer{From: 1, To: 3, Amount: 60}, signed.Signature},
		"S plus the order":       shifted,
		"another R":              otherR,
		"nonce of later":         Transfer{From: 1, To: 2, Amount: 60, Nonce: 1}.Sign(domain, testKey(1)),
		"overdraft":              Transfer{From: 1, To: 2, Amount: 101}.Sign(domain, testKey(1)),
		"far overdraft":          Transfer{From: 1, To: 2, Amount: math.MaxUint64}.Sign(domain, testKey(1)),
		"more than 64 bits hold": Transfer{From: 1, To: 3, Amount: 2}.Sign(domain, testKey(1)),
		"to oneself":             Transfer{From: 1, To: 1, Amount: 1}.Sign(domain, testKey(1)),
	}
	fresh := func() *Ledger {
		l := testLedger(c.t)
		l.accounts[3].Balance = math.MaxUint64 - 1
		l, _ = New(domain, l.accounts)
		return l
	}
	if c.steps(domain, force(fresh(), signed)) == "" {
		c.t.Fatal("the transfer that the others are made of is refused")
	}
	for name, s := range tests {
		if got := c.steps(domain, force(fresh(), s)); got != "" {
			c.t.Errorf("%s: accepted, with root %s", name, got)
		}
	}
	for name, alter := range map[string]func(s *Step){
		"balance that isn't in the tree":   func(s *Step) { s.Sender.Balance = "1000" },
		"receiver that isn't in the tree":  func(s *Step) { s.Receiver.Balance = "1" },
		"another root":                     func(s *Step) { s.Root = "5" },
		"receiver's path of before":        func(s *Step) { s.ReceiverPath = decimals(fresh().tree.path(2)) },
		"receiver beyond the tree":         func(s *Step) { s.Word = decimal(Transfer{From: 1, To: 2 + MaxAccounts, Amount: 60}.Word()) },
		"amount of more than 64 bits":      func(s *Step) { s.Word = decimal(new(big.Int).Add(signed.Word(), new(big.Int).Lsh(big.NewInt(1), 128))) },
		"key that isn't on the curve":      func(s *Step) { s.Sender.Key[0] = "1" },
		"signature whose R is off curve":   func(s *Step) { s.R[0] = "1" },
		"signature of the order's S":       func(s *Step) { s.S = decimal(babyjub.SubOrder) },
		"signature with S minus the order": func(s *Step) { s.S = decimal(new(big.Int).Add(new(big.Int).Sub(sig.S, babyjub.SubOrder), fieldOrder)) },
	} {
		step := force(fresh(), signed)
		alter(&step)
		if got := c.steps(domain, step); got != "" {
			c.t.Errorf("%s: accepted, with root %s", name, got)
		}
	}
	c.lowOrder(domain)
}

// lowOrder has accounts with keys under which anybody could sign: R = S*BASE.
func (c *circuit) lowOrder(domain *big.Int) {
	minusOne := new(big.Int).Sub(fieldOrder, big.NewInt(1))
	for name, key := range map[string]*babyjub.Point{
		"identity": {X: new(big.Int), Y: big.NewInt(1)},
		"order 2":  {X: new(big.Int), Y: minusOne},
	} {
		accounts := testLedger(c.t).Accounts()
		accounts[1].Key = Key{key}
		l, err := New(domain, accounts)
		if err != nil {
			c.t.Fatal(err)
		}
		s := Signed{Transfer: Transfer{From: 1, To: 2, Amount: 60}}
		s.Signature.sig = babyjub.Signature{R8: babyjub.NewPoint().Mul(big.NewInt(3), babyjub.B8), S: big.NewInt(3)}
		if !(*babyjub.PublicKey)(key).VerifyPoseidon(s.Message(domain), &s.Signature.sig) {
			c.t.Fatalf("%s: the equation doesn't hold: the test shows nothing", name)
		}
		if got := c.steps(domain, force(l, s)); got != "" {
			c.t.Errorf("key of %s: accepted, with root %s", name, got)
		}
	}
}

// batches alters how steps are put together.
func (c *circuit) batches() {
	l := testLedger(c.t)
	first, err := l.Apply(Transfer{From: 0, To: 1, Amount: 1}.Sign(l.domain, testKey(0)))
	if err != nil {
		c.t.Fatal(err)
	}
	second, err := l.Apply(Transfer{From: 2, To: 1, Amount: 1}.Sign(l.domain, testKey(2)))
	if err != nil {
		c.t.Fatal(err)
	}
	if c.batch != 2 {
		c.t.Fatalf("the tests' circuit has %d transfers in a batch, want 2", c.batch)
	}
	make := func(root Decimal, words []Decimal, steps ...Step) []byte {
		out, err := json.Marshal([]any{decimal(l.domain), root, words, steps})
		if err != nil {
			c.t.Fatal(err)
		}
		return out
	}
	both := []Decimal{first.Word, second.Word}
	if got := c.run(make(first.Root, both, first, second)); got != l.Root().String() {
		c.t.Fatalf("got root %q, want %v", got, l.Root())
	}
	if got := c.run(make(first.Root, []Decimal{first.Word, "0"}, first, first)); got != string(second.Root) {
		c.t.Errorf("a free slot: got root %q, want %s", got, second.Root)
	}
	for name, arguments := range map[string][]byte{
		"reordered":              make(first.Root, []Decimal{second.Word, first.Word}, second, first),
		"words reordered":        make(first.Root, []Decimal{second.Word, first.Word}, first, second),
		"the same twice":         make(first.Root, []Decimal{first.Word, first.Word}, first, first),
		"the first left out":     make(first.Root, []Decimal{second.Word, "0"}, second, second),
		"from another root":      make(second.Root, both, first, second),
		"no transfer":            make(first.Root, []Decimal{"0", "0"}, first, first),
		"the first slot is free": make(first.Root, []Decimal{"0", first.Word}, first, first),
		"nonsense in a free one": make(first.Root, []Decimal{first.Word, "0"}, first, func() Step { s := first; s.S = "1"; return s }()),
	} {
		if got := c.run(arguments); got != "" {
			c.t.Errorf("%s: accepted, with root %s", name, got)
		}
	}
}
