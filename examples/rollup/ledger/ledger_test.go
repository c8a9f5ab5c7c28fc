package ledger

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/iden3/go-iden3-crypto/babyjub"
)

// testKey returns the private key of account n.
func testKey(n byte) PrivateKey { return PrivateKeyOf([32]byte{'t', 'e', 's', 't', n}) }

// testLedger returns a ledger of four accounts with 100 each.
func testLedger(t testing.TB) *Ledger {
	t.Helper()
	var accounts []Account
	for n := range byte(4) {
		accounts = append(accounts, Account{Key: testKey(n).Public(), Balance: 100})
	}
	l, err := New(big.NewInt(77), accounts)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func code(err error) Code {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

func TestCheckRefuses(t *testing.T) {
	t.Parallel()
	l := testLedger(t)
	l.accounts[3].Balance = math.MaxUint64
	domain := l.Domain()
	good := Transfer{From: 1, To: 2, Amount: 60}
	tests := []struct {
		name   string
		signed Signed
		want   Code
	}{
		{"good", good.Sign(domain, testKey(1)), ""},
		{"all of it", Transfer{From: 1, To: 2, Amount: 100}.Sign(domain, testKey(1)), ""},
		{"another's key", good.Sign(domain, testKey(2)), BadSignature},
		{"another ledger", good.Sign(big.NewInt(78), testKey(1)), BadSignature},
		{"altered amount", Signed{Transfer{From: 1, To: 2, Amount: 61}, good.Sign(domain, testKey(1)).Signature}, BadSignature},
		{"altered receiver", Signed{Transfer{From: 1, To: 3, Amount: 60}, good.Sign(domain, testKey(1)).Signature}, BadSignature},
		{"altered sender", Signed{Transfer{From: 0, To: 2, Amount: 60}, good.Sign(domain, testKey(1)).Signature}, BadSignature},
		{"no signature", Signed{Transfer: good}, BadSignature},
		{"nonce of later", Transfer{From: 1, To: 2, Amount: 60, Nonce: 1}.Sign(domain, testKey(1)), WrongNonce},
		{"overdraft", Transfer{From: 1, To: 2, Amount: 101}.Sign(domain, testKey(1)), Overdraft},
		{"more than a ledger holds", Transfer{From: 1, To: 3, Amount: 1}.Sign(domain, testKey(1)), BalanceTooHigh},
		{"to oneself", Transfer{From: 1, To: 1, Amount: 1}.Sign(domain, testKey(1)), SelfTransfer},
		{"nothing", Transfer{From: 1, To: 2}.Sign(domain, testKey(1)), ZeroAmount},
		{"unknown sender", Transfer{From: 4, To: 2, Amount: 1}.Sign(domain, testKey(1)), UnknownAccount},
		{"unknown receiver", Transfer{From: 1, To: math.MaxUint32, Amount: 1}.Sign(domain, testKey(1)), UnknownAccount},
	}
	for _, tc := range tests {
		if err := l.Check(tc.signed); code(err) != tc.want || (err == nil) != (tc.want == "") {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.want)
		}
	}
}

func TestApplyMovesMoney(t *testing.T) {
	t.Parallel()
	l := testLedger(t)
	before := l.Root()
	signed := Transfer{From: 1, To: 2, Amount: 60}.Sign(l.Domain(), testKey(1))
	step, err := l.Apply(signed)
	if err != nil || step.Root != decimal(before) || step.Word != decimal(signed.Word()) {
		t.Fatalf("got step of word %s from %s, %v", step.Word, step.Root, err)
	}
	sender, _ := l.Account(1)
	receiver, _ := l.Account(2)
	if sender.Balance != 40 || sender.Nonce != 1 || receiver.Balance != 160 || receiver.Nonce != 0 {
		t.Errorf("got %+v and %+v", sender, receiver)
	}
	if _, err := l.Apply(signed); code(err) != WrongNonce {
		t.Errorf("the same once more: got %v, want wrong_nonce", err)
	}
	again, err := New(l.Domain(), l.Accounts())
	if err != nil || again.Root().Cmp(l.Root()) != 0 || l.Root().Cmp(before) == 0 {
		t.Errorf("got root %v, want %v as built anew, other than %v", l.Root(), again.Root(), before)
	}
}

func TestARefusalChangesNothing(t *testing.T) {
	t.Parallel()
	l := testLedger(t)
	before := l.Root()
	if _, err := l.Apply(Transfer{From: 1, To: 2, Amount: 101}.Sign(l.Domain(), testKey(1))); code(err) != Overdraft {
		t.Fatalf("got %v, want an overdraft", err)
	}
	if a, _ := l.Account(1); a.Balance != 100 || a.Nonce != 0 || l.Root().Cmp(before) != 0 {
		t.Errorf("got %+v", a)
	}
}

// TestSecondSignature adds the subgroup's order to S: the equation holds still, the
// check of the range doesn't.
func TestSecondSignature(t *testing.T) {
	t.Parallel()
	key, message := testKey(1), big.NewInt(5)
	s := key.Sign(message)
	if !key.Public().Verify(message, s) {
		t.Fatal("a good signature is refused")
	}
	second := Signature{babyjub.Signature{R8: s.sig.R8, S: new(big.Int).Add(s.sig.S, babyjub.SubOrder)}}
	if key.Public().Verify(message, second) {
		t.Error("S plus the order is accepted")
	}
	if !(*babyjub.PublicKey)(key.Public().point).VerifyPoseidon(message, &second.sig) {
		t.Error("the library refuses it by itself: the test shows nothing")
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	if _, err := ParseKey(testKey(1).Public().String()); err != nil {
		t.Fatal(err)
	}
	minusOne := new(big.Int).Sub(fieldOrder, big.NewInt(1))
	order2 := &babyjub.Point{X: new(big.Int), Y: minusOne}
	pack := func(p *babyjub.Point) string { return string(encodeHex(p.Compress())) }
	order := [32]byte{}
	for i, b := range fieldOrder.Bytes() { // big-endian
		order[31-i] = b
	}
	for name, text := range map[string]string{
		"identity":            pack(&babyjub.Point{X: new(big.Int), Y: big.NewInt(1)}),
		"order 2":             pack(order2),
		"outside of subgroup": pack(babyjub.NewPointProjective().Add(babyjub.B8.Projective(), order2.Projective()).Affine()),
		"y is the order":      string(encodeHex(order)),
		"empty":               "",
		"short":               "00",
		"not hex":             strings.Repeat("x", 64),
	} {
		if _, err := ParseKey(text); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestSignedRoundTrip(t *testing.T) {
	t.Parallel()
	in := Transfer{From: 1, To: math.MaxUint32, Amount: math.MaxUint64, Nonce: math.MaxUint64}.Sign(big.NewInt(7), testKey(1))
	text, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out Signed
	if err := json.Unmarshal(text, &out); err != nil || out.Transfer != in.Transfer || !testKey(1).Public().Verify(in.Message(big.NewInt(7)), out.Signature) {
		t.Errorf("got %+v, %v of %s", out.Transfer, err, text)
	}
	word, err := ParseWord(in.Word())
	if err != nil || word != (Transfer{From: 1, To: math.MaxUint32, Amount: math.MaxUint64}) {
		t.Errorf("got %+v, %v", word, err)
	}
}

func FuzzSigned(f *testing.F) {
	text, _ := json.Marshal(Transfer{From: 1, To: 2, Amount: 3}.Sign(big.NewInt(7), testKey(1)))
	f.Add(text)
	f.Add([]byte(`{"from":1,"to":2,"amount":"1","nonce":"0","signature":""}`))
	l := testLedger(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		var s Signed
		if json.Unmarshal(data, &s) == nil && l.Check(s) == nil && l.accounts[s.From].Balance < s.Amount {
			t.Errorf("accepted an overdraft %+v", s.Transfer)
		}
	})
}

// FuzzKey checks that a key that is read is written in the same way.
func FuzzKey(f *testing.F) {
	f.Add(testKey(1).Public().String())
	f.Add("0x01")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParseKey(text)
		if err != nil {
			return
		}
		again, err := ParseKey(k.String())
		if err != nil || again.String() != k.String() {
			t.Errorf("%q is read as %v, which is read as %v, %v", text, k, again, err)
		}
	})
}

// TestTree compares roots with those of a tree that is computed node by node.
func TestTree(t *testing.T) {
	t.Parallel()
	leaves := []*big.Int{big.NewInt(5), big.NewInt(6), big.NewInt(7)}
	for n := 0; n <= len(leaves); n++ {
		got := newTree(leaves[:n])
		level := make([]*big.Int, MaxAccounts)
		for i := range level {
			level[i] = new(big.Int)
			if i < n {
				level[i] = leaves[i]
			}
		}
		for ; len(level) > 1; level = level[:len(level)/2] {
			for i := range len(level) / 2 {
				level[i] = hash(level[2*i], level[2*i+1])
			}
		}
		if got.root().Cmp(level[0]) != 0 {
			t.Errorf("%d leaves: got %v, want %v", n, got.root(), level[0])
		}
		for i := range leaves {
			node := got.nodes[MaxAccounts+i]
			for j, sibling := range got.path(uint32(i)) {
				if i>>j&1 == 1 {
					node = hash(sibling, node)
				} else {
					node = hash(node, sibling)
				}
			}
			if node.Cmp(level[0]) != 0 {
				t.Errorf("the path of leaf %d leads to %v", i, node)
			}
		}
	}
}
