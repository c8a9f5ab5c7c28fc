package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"

	"provery/api"
	"provery/client"
	"provery/client/verify"
	"provery/internal/config"
	"provery/internal/daemon"
)

// The program of the examples, by the ZoKrates compiler:
//
//	def main(private field a, field b) -> field { return a * b; }
const program = "../testdata/zokrates/mul/bn128/"

// service starts a service of its own for an example. In your program it runs
// elsewhere, and the client has an API key.
func service() (url string, stop func()) {
	dir, err := os.MkdirTemp("", "provery-example-")
	if err != nil {
		log.Fatal(err)
	}
	cfg := config.Default()
	cfg.Listen, cfg.DataDir = "127.0.0.1:0", dir
	ctx, cancel := context.WithCancel(context.Background())
	d, err := daemon.New(ctx, &cfg, daemon.Build{Version: "example"}, slog.New(slog.DiscardHandler))
	if err != nil {
		log.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	return "http://" + d.Addr(), func() {
		cancel()
		if err := <-ended; err != nil {
			log.Fatal(err)
		}
		_ = os.RemoveAll(dir)
	}
}

func open(name string) *os.File {
	f, err := os.Open(program + name)
	if err != nil {
		log.Fatal(err)
	}
	return f
}

// register registers the program with its key.
func register(ctx context.Context, c *client.Client) {
	if _, _, err := c.Register(ctx, client.Registration{Name: "product", Artefacts: map[string]io.Reader{"program": open("out"), "abi": open("abi.json")}}); err != nil {
		log.Fatal(err)
	}
	if _, _, err := c.AddKeys(ctx, "product", client.KeyUpload{ProvingKey: open("ark-g16/proving.key")}); err != nil {
		log.Fatal(err)
	}
}

// registered returns a client of a service that has the program.
func registered(ctx context.Context) (c *client.Client, stop func()) {
	url, stop := service()
	c, err := client.New(url)
	if err != nil {
		log.Fatal(err)
	}
	register(ctx, c)
	return c, stop
}

// Register a circuit and its key once. Then each request names the circuit, and
// brings the arguments.
func Example() {
	ctx := context.Background()
	url, stop := service()
	defer stop()
	c, err := client.New(url, client.WithAPIKey(os.Getenv("PROVERY_API_KEY")))
	if err != nil {
		log.Fatal(err)
	}
	register(ctx, c)

	proof, err := c.Prove(ctx, api.ProofRequest{Circuit: "product", Arguments: json.RawMessage(`["3", "5"]`)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the product is", string(proof.Result.Outputs))
	fmt.Println("public inputs end in", proof.Result.PublicInputs[0][62:], proof.Result.PublicInputs[1][62:])
	// Output:
	// the product is "15"
	// public inputs end in 0005 000f
}

// What the service refuses has a code to act on, and often the place of the
// mistake. Arguments never come back in an error.
func ExampleCodeOf() {
	ctx := context.Background()
	c, stop := registered(ctx)
	defer stop()

	_, err := c.Prove(ctx, api.ProofRequest{Circuit: "product", Arguments: json.RawMessage(`["three", "5"]`)})
	var refused *client.Error
	switch client.CodeOf(err) {
	case api.CodeInvalidRequest:
		errors.As(err, &refused)
		fmt.Println("mend the request at", refused.Path)
	case api.CodeUnsatisfiedWitness:
		fmt.Println("the arguments don't satisfy the circuit")
	default:
		log.Fatal(err)
	}
	// Output: mend the request at /arguments/0
}

// A proof that was asked for is found again by its id, also after a restart of
// either side. Follow tells what happens meanwhile.
func ExampleClient_Follow() {
	ctx := context.Background()
	c, stop := registered(ctx)
	defer stop()

	order := "order-4711" // the same key never makes two proofs
	queued, err := c.Submit(ctx, api.ProofRequest{Circuit: "product", Arguments: json.RawMessage(`["3", "5"]`)}, client.SubmitOptions{IdempotencyKey: order})
	if err != nil {
		log.Fatal(err)
	}
	proof, err := c.Follow(ctx, queued.ID, func(e api.Event) {
		if e.Final {
			fmt.Println("told of", e.State)
		}
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("got", string(proof.Result.Outputs))
	// Output:
	// told of succeeded
	// got "15"
}

// A batch is up to thousands of proofs of one circuit in one request. Its results
// are a stream, in order, each as soon as it is there.
func ExampleClient_BatchResults() {
	ctx := context.Background()
	c, stop := registered(ctx)
	defer stop()

	request := api.BatchRequest{Circuit: "product"}
	for i := range 3 {
		request.Items = append(request.Items, api.BatchItem{Arguments: fmt.Appendf(nil, `["7", "%d"]`, i)})
	}
	batch, err := c.SubmitBatch(ctx, request, "")
	if err != nil {
		log.Fatal(err)
	}
	for proof, err := range c.BatchResults(ctx, batch.ID, client.ItemsOptions{Wait: true}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(*proof.Item, proof.State, string(proof.Result.Outputs))
	}
	// Output:
	// 0 succeeded "0"
	// 1 succeeded "7"
	// 2 succeeded "14"
}

// Large keys go up in pieces: a connection that breaks costs the last piece, and
// a program that was stopped goes on where it was.
func ExampleClient_Upload() {
	ctx := context.Background()
	url, stop := service()
	defer stop()
	c, err := client.New(url)
	if err != nil {
		log.Fatal(err)
	}
	if _, _, err := c.Register(ctx, client.Registration{Name: "product", Artefacts: map[string]io.Reader{"program": open("out"), "abi": open("abi.json")}}); err != nil {
		log.Fatal(err)
	}

	key, err := c.Upload(ctx, open("ark-g16/proving.key"), client.UploadOptions{Progress: func(sent, total int64) {
		fmt.Printf("%d of %d bytes\n", sent, total)
	}})
	if err != nil {
		log.Fatal(err)
	}
	set, _, err := c.AddKeys(ctx, "product", client.KeyUpload{Uploads: map[string]string{api.RoleProvingKey: key.Digest}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(set.Scheme, "on", set.Curve)
	// Output:
	// 0 of 2096 bytes
	// 2096 of 2096 bytes
	// groth16 on bn128
}

// A client with a check returns no proof that doesn't hold for a key of yours,
// whatever the service says.
func ExampleWithCheck() {
	ctx := context.Background()
	url, stop := service()
	defer stop()
	var text bytes.Buffer
	if _, err := text.ReadFrom(open("ark-g16/verification.key")); err != nil {
		log.Fatal(err)
	}
	key, err := verify.ParseKey(text.Bytes())
	if err != nil {
		log.Fatal(err)
	}
	c, err := client.New(url, client.WithCheck(key.Check))
	if err != nil {
		log.Fatal(err)
	}
	register(ctx, c)

	proof, err := c.Prove(ctx, api.ProofRequest{Circuit: "product", Arguments: json.RawMessage(`["3", "5"]`)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("checked here:", string(proof.Result.Outputs))
	// Output: checked here: "15"
}
