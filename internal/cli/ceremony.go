package cli

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"provery/internal/ceremony"
	"provery/internal/fault"
	"provery/internal/zkey"
)

type ceremonyCommand struct {
	New        ceremonyNew        `cmd:"" help:"Make the key that a ceremony begins with, of a circuit and the powers of tau."`
	Contribute ceremonyContribute `cmd:"" help:"Contribute a secret to a key. Forging proofs takes the secrets of all who did."`
	Beacon     ceremonyBeacon     `cmd:"" help:"Contribute a public value that nobody could choose: the last step."`
	Verify     ceremonyVerify     `cmd:"" help:"Check a key from its beginning, and list its contributions."`
}

// Help says how the commands follow each other.
func (ceremonyCommand) Help() string {
	return `A ceremony makes a Groth16 key that nobody can forge proofs with, as long as one of those who contributed forgot the secret. All files are those of snarkjs; each step can be done by either.

  provery ceremony new circuit.r1cs powers.ptau circuit_0000.zkey
  provery ceremony contribute circuit_0000.zkey circuit_0001.zkey --name "Ada"    # each on a machine of their own
  provery ceremony beacon circuit_0001.zkey circuit_final.zkey HASH 10 --name "final"
  provery ceremony verify circuit.r1cs powers.ptau circuit_final.zkey             # everybody, before using the key
  provery keys add NAME --key circuit_final.zkey

powers.ptau is the result of a first phase, which is the same for all circuits: see docs/circom.md.`
}

type ceremonyNew struct {
	R1CS string `arg:"" name:"circuit.r1cs" help:"Constraint system of the Circom compiler."`
	Ptau string `arg:"" name:"powers.ptau" help:"Powers of tau, prepared for phase 2."`
	Out  string `arg:"" optional:"" name:"out.zkey" help:"File to make; circuit_0000.zkey beside circuit.r1cs without it."`
}

// Run makes the first key.
func (c *ceremonyNew) Run(ctx context.Context, e *env) error {
	circuit, closeFiles, err := circuitOf(c.R1CS, c.Ptau)
	if err != nil {
		return err
	}
	defer closeFiles()
	if c.Out == "" {
		c.Out = strings.TrimSuffix(c.R1CS, ".r1cs") + "_0000.zkey"
	}
	steps := e.steps()
	var hash zkey.Hash
	err = create(c.Out, func(w io.Writer) (err error) {
		hash, err = ceremony.New(ctx, circuit, steps.run(), w)
		return err
	})
	steps.end()
	if err != nil {
		return err
	}
	return e.print(map[string]any{"key": c.Out, "circuit": hex.EncodeToString(hash[:])}, func(w io.Writer) {
		printHash(w, "Circuit hash", hash)
		fmt.Fprintf(w, "Wrote %s. Nobody has contributed to it yet, so that anybody could forge proofs:\n  provery ceremony contribute %s %s\n",
			c.Out, c.Out, next(c.Out))
	})
}

// next returns the usual name of the key after one.
func next(name string) string {
	base := strings.TrimSuffix(filepath.Base(name), ".zkey")
	at := strings.LastIndexByte(base, '_')
	var n int
	if at < 0 {
		return "NEXT.zkey"
	}
	if _, err := fmt.Sscanf(base[at+1:], "%04d", &n); err != nil {
		return "NEXT.zkey"
	}
	return filepath.Join(filepath.Dir(name), fmt.Sprintf("%s_%04d.zkey", base[:at], n+1))
}

type ceremonyContribute struct {
	In      string  `arg:"" name:"in.zkey" help:"Key of the contribution before yours."`
	Out     string  `arg:"" name:"out.zkey" help:"File to make."`
	Name    string  `help:"Your name, which the key shows; up to 64 characters." short:"n" placeholder:"NAME"`
	Entropy *string `help:"Any text, mixed with the system's randomness. Without it you are asked on a terminal." short:"e" placeholder:"TEXT"`
}

// maxEntropy bounds typed entropy.
const maxEntropy = 64 << 10

// Run contributes a secret.
func (c *ceremonyContribute) Run(ctx context.Context, e *env) error {
	in := ceremony.Contribution{Name: c.Name, Rand: rand.Reader}
	if c.Entropy != nil {
		in.Entropy = []byte(*c.Entropy)
	} else if f, ok := e.Stdin.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(e.Stderr, "Type anything at random, then Enter; it is mixed with the system's randomness: ")
		line, err := bufio.NewReader(io.LimitReader(f, maxEntropy)).ReadBytes('\n')
		if err != nil && err != io.EOF {
			return fault.New(fault.InvalidRequest, "read entropy: %v", err)
		}
		in.Entropy = line
	}
	return contribute(ctx, e, c.In, c.Out, in)
}

type ceremonyBeacon struct {
	In       string `arg:"" name:"in.zkey" help:"Key of the last contribution."`
	Out      string `arg:"" name:"out.zkey" help:"File to make."`
	Value    string `arg:"" name:"value" help:"The beacon in hexadecimal: say, the hash of a block that was announced before it was mined."`
	Exponent int    `arg:"" name:"exponent" help:"SHA-256 is taken 2^exponent times, 10 to 63. 10 is usual; everybody who verifies repeats it."`
	Name     string `help:"A name, which the key shows; up to 64 characters." short:"n" placeholder:"NAME"`
}

// Run contributes a beacon.
func (c *ceremonyBeacon) Run(ctx context.Context, e *env) error {
	value, err := hex.DecodeString(strings.TrimPrefix(c.Value, "0x"))
	if err != nil || len(value) == 0 {
		return usage("the beacon's value is hexadecimal, two digits for each byte")
	}
	return contribute(ctx, e, c.In, c.Out, ceremony.Contribution{Name: c.Name, Beacon: &zkey.Beacon{Value: value, Exponent: c.Exponent}})
}

// contribute makes a key of another with one contribution more.
func contribute(ctx context.Context, e *env, from, to string, in ceremony.Contribution) error {
	key, closeKey, err := sectionOf(from, kindZKey)
	if err != nil {
		return err
	}
	defer closeKey()
	in.Key = key
	steps := e.steps()
	var receipt *ceremony.Receipt
	err = create(to, func(w io.Writer) (err error) {
		receipt, err = ceremony.Contribute(ctx, in, steps.run(), w)
		return err
	})
	steps.end()
	if err != nil {
		return err
	}
	answer := map[string]any{
		"key": to, "circuit": hex.EncodeToString(receipt.Circuit[:]), "number": receipt.Number, "contribution": hex.EncodeToString(receipt.Hash[:]),
	}
	if receipt.Open {
		fmt.Fprintf(e.Stderr, "Warning: %s: a beacon comes last.\n", nobody)
	}
	return e.print(answer, func(w io.Writer) {
		printHash(w, "Circuit hash", receipt.Circuit)
		printHash(w, fmt.Sprintf("Hash of contribution %d", receipt.Number), receipt.Hash)
		fmt.Fprintf(w, "Wrote %s. ", to)
		if in.Beacon == nil {
			fmt.Fprint(w, "Keep the hash, and publish it: by it you will find your contribution in the final key.\n")
			return
		}
		fmt.Fprint(w, "Publish it with the .r1cs and the .ptau file, so that everybody can verify it.\n")
	})
}

type ceremonyVerify struct {
	R1CS string `arg:"" name:"circuit.r1cs" help:"Constraint system of the Circom compiler."`
	Ptau string `arg:"" name:"powers.ptau" help:"Powers of tau, prepared for phase 2."`
	Key  string `arg:"" name:"key.zkey" help:"Key to check."`
}

// verified is what verify prints as JSON.
type verified struct {
	Circuit       string               `json:"circuit"`
	Contributions []listedContribution `json:"contributions"`
}

type listedContribution struct {
	Number   int    `json:"number"`
	Hash     string `json:"hash"`
	Name     string `json:"name,omitempty"`
	Beacon   string `json:"beacon,omitempty"`
	Exponent int    `json:"exponent,omitempty"`
}

// title returns what follows the number. The name may hold anything.
func (c *listedContribution) title() string {
	title := ""
	if c.Name != "" {
		title = fmt.Sprintf(" %q", c.Name)
	}
	if c.Beacon != "" {
		title += fmt.Sprintf(", a beacon: %s, 2^%d iterations", c.Beacon, c.Exponent)
	}
	return title
}

func contributionsOf(r *ceremony.Report) []listedContribution {
	out := []listedContribution{}
	for i, k := range r.Contributions {
		c := listedContribution{Number: i + 1, Hash: hex.EncodeToString(k.Hash[:]), Name: k.Name}
		if k.Beacon != nil {
			c.Beacon, c.Exponent = hex.EncodeToString(k.Beacon.Value), k.Beacon.Exponent
		}
		out = append(out, c)
	}
	return out
}

// nobody warns of a key that is open to all.
const nobody = "nobody has contributed a secret to this key, so that anybody could forge proofs with it"

// Run checks a key.
func (c *ceremonyVerify) Run(ctx context.Context, e *env) error {
	circuit, closeFiles, err := circuitOf(c.R1CS, c.Ptau)
	if err != nil {
		return err
	}
	defer closeFiles()
	key, closeKey, err := sectionOf(c.Key, kindZKey)
	if err != nil {
		return err
	}
	defer closeKey()
	steps := e.steps()
	report, err := ceremony.Verify(ctx, circuit, key, steps.run())
	steps.end()
	if err != nil {
		return fault.Wrap(err, fault.InvalidArtifact, "%s", c.Key)
	}
	out := verified{hex.EncodeToString(report.Circuit[:]), contributionsOf(report)}
	if err := e.print(out, func(w io.Writer) { printReport(w, report) }); err != nil {
		return err
	}
	if report.Open() {
		fmt.Fprintf(e.Stderr, "Warning: %s.\n", nobody)
	}
	return nil
}

// printReport prints the hashes as snarkjs does, the last contribution first.
func printReport(w io.Writer, r *ceremony.Report) {
	printHash(w, "Circuit hash", r.Circuit)
	list := contributionsOf(r)
	for i := len(list) - 1; i >= 0; i-- {
		printHash(w, fmt.Sprintf("Contribution %d%s", list[i].Number, list[i].title()), r.Contributions[i].Hash)
	}
	fmt.Fprintln(w, "The key is that of the circuit and the powers of tau, with these contributions.")
}

// printHash prints a hash in four lines of four words, as snarkjs does.
func printHash(w io.Writer, title string, h zkey.Hash) {
	fmt.Fprintf(w, "%s:\n", title)
	for line := range 4 {
		b := h[16*line:]
		fmt.Fprintf(w, "\t\t%x %x %x %x\n", b[0:4], b[4:8], b[8:12], b[12:16])
	}
}

// circuitOf opens what a ceremony begins with.
func circuitOf(r1cs, ptau string) (ceremony.Circuit, func(), error) {
	c, closeR1CS, err := sectionOf(r1cs, kindR1CS)
	if err != nil {
		return ceremony.Circuit{}, nil, err
	}
	p, closePtau, err := sectionOf(ptau, kindPowers)
	if err != nil {
		closeR1CS()
		return ceremony.Circuit{}, nil, err
	}
	return ceremony.Circuit{R1CS: c, Powers: p}, func() { closeR1CS(); closePtau() }, nil
}

// sectionOf opens a file that should be of a kind.
func sectionOf(name, kind string) (*io.SectionReader, func(), error) {
	s, closeFile, err := section(name)
	if err != nil {
		return nil, nil, err
	}
	f, err := inspect(s)
	if err == nil && f.Kind != kind {
		err = fault.New(fault.InvalidRequest, "this is a %s, not a %s", f.Kind, kind)
	}
	if err != nil {
		closeFile()
		return nil, nil, fault.Wrap(err, fault.InvalidArtifact, "%s", name)
	}
	return s, closeFile, nil
}
