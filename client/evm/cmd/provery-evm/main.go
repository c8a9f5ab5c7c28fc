// Command provery-evm deploys and checks verifier contracts, and submits proofs to
// contracts, on any chain of the EVM.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"provery/client/evm"
)

// Exit statuses, as of the command provery.
const (
	exitOK     = 0
	exitFailed = 1 // the command failed, or what was checked doesn't hold
	exitUsage  = 2 // the command line is wrong
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// commands are the command line.
type commands struct {
	Node          string        `help:"The node's JSON-RPC endpoint: http(s), ws(s), or a socket's path." env:"PROVERY_EVM_NODE" required:"" placeholder:"URL"`
	Chain         uint64        `help:"Id of the chain that the node must be of: 1 is Ethereum." env:"PROVERY_EVM_CHAIN" required:"" placeholder:"ID"`
	Confirmations uint64        `help:"Blocks, the transaction's own included, after which it is final." default:"1"`
	Finalized     bool          `help:"Wait as well until the chain calls the block final."`
	Poll          time.Duration `help:"Time between two looks at the chain." default:"2s"`

	Keystore     string `help:"Keystore file of the account that pays." type:"existingfile" placeholder:"FILE"`
	PasswordFile string `help:"File with the keystore's password." type:"existingfile" placeholder:"FILE"`
	KeyEnv       string `help:"Environment variable with the account's private key, for development." placeholder:"NAME"`
	MaxGasPrice  uint64 `help:"Most to offer for a unit of gas, in gwei." placeholder:"GWEI"`
	Legacy       bool   `help:"Make transactions with a gas price, though the chain has base fees."`
	Journal      string `help:"File that keeps what was submitted: with it and an --id nothing is submitted twice." placeholder:"FILE"`

	Deploy   deployCommand   `cmd:"" help:"Make the verifier contract of a circuit, and check it."`
	Check    checkCommand    `cmd:"" help:"Check that a deployed contract is the verifier of a circuit."`
	Simulate simulateCommand `cmd:"" help:"Call a verifier with a proof, without a transaction."`
	Submit   submitCommand   `cmd:"" help:"Send a proof, or any call, to a contract in a transaction."`
}

// env is what commands run with.
type env struct {
	*commands
	out, log io.Writer
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c commands
	status := -1
	parser, err := kong.New(&c,
		kong.Name("provery-evm"),
		kong.Description("Verifier contracts and proofs on a chain of the EVM."),
		kong.Writers(stdout, stderr), kong.Exit(func(n int) { status = n }),
	)
	if err != nil {
		fmt.Fprintln(stderr, "provery-evm:", err)
		return exitUsage
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if status >= 0 { // --help has printed its text
		return status
	}
	if err != nil {
		fmt.Fprintf(stderr, "provery-evm: %v\nprovery-evm --help says how.\n", err)
		return exitUsage
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := parsed.Run(&env{&c, stdout, stderr}); err != nil {
		// Endpoints often have a secret in their path.
		fmt.Fprintln(stderr, "provery-evm:", strings.ReplaceAll(err.Error(), c.Node, origin(c.Node)))
		return exitFailed
	}
	return exitOK
}

// origin returns what may be shown of an endpoint.
func origin(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return "the node"
	}
	return u.Scheme + "://" + u.Host + "/…"
}

// connect returns a client of the chain. It may sign if its journal is open.
func (e *env) connect(ctx context.Context, journal evm.Journal) (*evm.Client, error) {
	o := evm.Options{
		ChainID: e.Chain, Confirmations: e.Confirmations, Finalized: e.Finalized, Poll: e.Poll, Journal: journal,
		Fees: evm.Fees{Legacy: e.Legacy},
	}
	if e.MaxGasPrice > 0 {
		const gwei = 1_000_000_000
		o.Fees.MaxGasPrice = new(big.Int).Mul(new(big.Int).SetUint64(e.MaxGasPrice), big.NewInt(gwei))
	}
	return evm.Dial(ctx, e.Node, o)
}

// withSender runs f with the sender of the account that pays.
func (e *env) withSender(ctx context.Context, f func(*evm.Client, *evm.Sender) error) (err error) {
	signer, err := e.signer()
	if err != nil {
		return err
	}
	journal := evm.NewMemoryJournal()
	if e.Journal != "" {
		file, err := evm.OpenFileJournal(e.Journal)
		if err != nil {
			return err
		}
		defer file.Close() // every record is on disk already
		journal = file
	}
	c, err := e.connect(ctx, journal)
	if err != nil {
		return err
	}
	defer c.Close()
	s, err := c.Sender(ctx, signer)
	if err != nil {
		return err
	}
	return f(c, s)
}

func (e *env) signer() (evm.Signer, error) {
	switch {
	case e.Keystore != "" && e.KeyEnv != "":
		return nil, errors.New("give --keystore or --key-env, not both")
	case e.Keystore != "" && e.PasswordFile == "":
		return nil, errors.New("--keystore wants its --password-file")
	case e.Keystore != "":
		return evm.ReadKeystore(e.Keystore, e.PasswordFile)
	case e.KeyEnv != "":
		return evm.EnvSigner(e.KeyEnv)
	}
	return nil, errors.New("give the account that pays: --keystore and --password-file, or --key-env")
}

// printMined says where a transaction is and what it cost.
func (e *env) printMined(m *evm.Mined) {
	fmt.Fprintf(e.out, "transaction %v\nblock       %d\ngas         %d of %d at %v wei\n", m.Hash, m.Block, m.GasUsed, m.GasLimit, m.GasPrice.ToInt())
}
