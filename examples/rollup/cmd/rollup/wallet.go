package main

import (
	"context"
	"fmt"
	"os"

	"github.com/ethereum/go-ethereum/common"

	"provery/examples/rollup/ledger"
	"provery/examples/rollup/wallet"
)

type walletCommand struct {
	New     walletNew     `cmd:"" help:"Make a key and print its public part, which goes into the genesis file."`
	Show    walletShow    `cmd:"" help:"Print the public part of a key."`
	Balance walletBalance `cmd:"" help:"Print an account."`
	Pay     walletPay     `cmd:"" help:"Sign a transfer and send it."`
}

type walletNew struct {
	File string `arg:"" help:"New file for the private key, readable for you alone. Whoever has it can spend the account: keep a copy in a safe place."`
}

func (c *walletNew) Run() error {
	key := ledger.NewPrivateKey()
	if err := wallet.WriteKey(c.File, key); err != nil {
		return err
	}
	fmt.Println(key.Public())
	return nil
}

type walletShow struct {
	File string `arg:"" help:"File with the private key."`
}

func (c *walletShow) Run() error {
	key, err := wallet.ReadKey(c.File)
	if err != nil {
		return err
	}
	fmt.Println(key.Public())
	return nil
}

// server is the operator that a wallet uses.
type server struct {
	Operator string `help:"Address of the operator." default:"http://127.0.0.1:8090" env:"ROLLUP_OPERATOR"`
}

// client returns a client of the operator, which waits for one that doesn't answer.
func (s *server) client() *wallet.Client {
	return &wallet.Client{Base: s.Operator, Waiting: func(err error) {
		fmt.Fprintf(os.Stderr, "rollup: %v; trying again until you stop it\n", err)
	}}
}

type walletBalance struct {
	server
	Account uint32 `arg:"" help:"Number of the account."`
}

func (c *walletBalance) Run(ctx context.Context) error {
	a, err := c.client().Account(ctx, c.Account)
	if err != nil {
		return err
	}
	fmt.Printf("account %d: %d, after %d transfers of its own; key %s\n", c.Account, a.Balance, a.Nonce, a.Key)
	return nil
}

type walletPay struct {
	server
	Key      string         `help:"File with the private key." required:"" type:"existingfile" placeholder:"FILE"`
	ChainID  uint64         `help:"Chain of the ledger. With --contract it is what the transfer is signed for." required:"" placeholder:"N"`
	Contract common.Address `help:"Address of the ledger's contract, from somebody other than the operator." required:"" placeholder:"0x…"`
	Nonce    *uint64        `help:"Number of transfers that the account made before; asked of the operator without it." placeholder:"N"`
	Wait     bool           `help:"Wait until the transfer is on the chain."`
	From     uint32         `arg:"" help:"Your account's number."`
	To       uint32         `arg:"" help:"The receiver's."`
	Amount   uint64         `arg:"" help:"What to pay."`
}

func (c *walletPay) Run(ctx context.Context) error {
	key, err := wallet.ReadKey(c.Key)
	if err != nil {
		return err
	}
	cl := c.client()
	domain, err := cl.Domain(ctx, c.ChainID, c.Contract)
	if err != nil {
		return err
	}
	t := ledger.Transfer{From: c.From, To: c.To, Amount: c.Amount}
	if c.Nonce != nil {
		t.Nonce = *c.Nonce
	} else {
		account, err := cl.Account(ctx, c.From)
		if err != nil {
			return err
		}
		t.Nonce = account.Nonce
	}
	sent, err := cl.Send(ctx, t.Sign(domain, key))
	if err != nil {
		return err
	}
	fmt.Printf("%s: %s\n", sent.ID, sent.State)
	if c.Wait {
		if sent, err = cl.Settled(ctx, sent.ID); err != nil {
			return err
		}
		fmt.Printf("%s: %s, transaction %s\n", sent.ID, sent.State, sent.Transaction)
	}
	return nil
}
