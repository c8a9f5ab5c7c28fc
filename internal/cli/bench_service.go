package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"provery/client"
	"provery/internal/bench"
	"provery/internal/fault"
)

// benchService says which service is measured instead of processes that are
// started here.
type benchService struct {
	Service    []string      `help:"Measure the workers of this service, which runs already, instead of processes here. Several addresses are of the same service's API processes." placeholder:"URL,..." group:"A service that runs already"`
	APIKeyFile string        `help:"File with the API key for it; --api-key and PROVERY_API_KEY without." placeholder:"FILE" group:"A service that runs already"`
	Circuit    string        `help:"Prove this circuit, which is registered there, with --arguments; without it the workload is registered." placeholder:"REF" group:"A service that runs already"`
	Scale      string        `help:"Command for the shell that lets there be {n} workers, such as 'kubectl scale deployment/provery-worker --replicas={n}'." placeholder:"COMMAND" group:"A service that runs already"`
	Rounds     int           `help:"How many times all numbers of workers are gone through." default:"2" group:"A service that runs already"`
	PerSlot    int           `help:"Requests under way for each proof at a time of the workers." default:"3" group:"A service that runs already"`
	Settle     time.Duration `help:"The longest wait until the service has so many workers." default:"5m" group:"A service that runs already"`
}

// maxKeyFile bounds the file of an API key.
const maxKeyFile = 4 << 10

// clients returns a client for each address.
func (c *benchService) clients(e *env) (out []*client.Client, err error) {
	key := e.apiKey
	if c.APIKeyFile != "" {
		b, err := e.read(c.APIKeyFile, maxKeyFile)
		if err != nil {
			return nil, err
		}
		key = strings.TrimSpace(string(b))
	}
	for _, address := range c.Service {
		cl, err := client.New(address, client.WithAPIKey(key))
		if err != nil {
			return nil, err
		}
		out = append(out, cl)
	}
	return out, nil
}

// scaler returns what runs the command for a number of workers. Its output goes
// to w.
func (c *benchService) scaler(w io.Writer) func(context.Context, int) error {
	if c.Scale == "" {
		return nil
	}
	return func(ctx context.Context, n int) error {
		line := strings.ReplaceAll(c.Scale, "{n}", strconv.Itoa(n))
		cmd := exec.CommandContext(ctx, "sh", "-c", line)
		cmd.Stdout, cmd.Stderr, cmd.WaitDelay = w, w, 5*time.Second
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
		return nil
	}
}

// subject returns what is proven: the arguments of the registered circuit, or a
// workload.
func (c *benchScalingCommand) subject(e *env) (bench.Workload, error) {
	if c.Circuit == "" {
		return c.one(e)
	}
	if c.Arguments == "" || len(c.Artefact) > 0 {
		return bench.Workload{}, usage("--circuit is a registered one: it needs --arguments, and no --artefact")
	}
	lists, err := e.argumentLists(c.Arguments)
	if err != nil {
		return bench.Workload{}, err
	}
	return bench.Workload{
		Name: c.Circuit, Title: "a registered circuit",
		Arguments: func(i int) (json.RawMessage, error) { return lists[i%len(lists)], nil },
	}, nil
}

// scaleService measures the service.
func (c *benchScalingCommand) scaleService(ctx context.Context, e *env, b *benchCommand) error {
	for _, name := range c.Experiments {
		if name != bench.ByWorkers {
			return usage("of a service that runs already, only the experiment workers can be made")
		}
	}
	switch {
	case c.Scale == "" && len(c.Workers) != 1:
		return usage("without --scale, which says how their number is changed, --workers is the one number of workers that the service has")
	case c.Scale != "" && !strings.Contains(c.Scale, "{n}"):
		return usage("--scale has {n} where the number of workers stands")
	}
	e.server = c.Service[0] // for the hint of an error
	clients, err := c.clients(e)
	if err != nil {
		return err
	}
	w, err := c.subject(e)
	if err != nil {
		return err
	}
	lab, err := b.lab(e)
	if err != nil {
		return err
	}
	r := bench.NewReport(commit(e.Version), reported(e.Args))
	r.Scaling, r.Skipped, err = lab.ScaleService(ctx, bench.ServiceOptions{
		Clients: clients, Circuit: c.Circuit, Workload: w, Workers: c.Workers, Scale: c.scaler(e.Stderr),
		Rounds: c.Rounds, PerSlot: c.PerSlot, Settle: c.Settle, Limit: c.Time, Enough: c.Enough,
	})
	if err != nil {
		return err
	}
	if err := c.write(e, r); err != nil {
		return err
	}
	if len(r.Skipped) == len(c.Workers) {
		return fault.New(fault.Overloaded, "nothing could be measured")
	}
	return nil
}
