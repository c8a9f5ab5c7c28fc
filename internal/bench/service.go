package bench

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"time"

	"provery/api"
	"provery/client"
	"provery/internal/config"
	"provery/internal/daemon"
	"provery/internal/fault"
)

// ServiceReport is what the service adds to a proof: the time from the request
// to its answer, over HTTP and through the durable queue, less the time for
// witness and proof. Times are milliseconds.
type ServiceReport struct {
	Constraints int     `json:"constraints"`
	Requests    int     `json:"requests"`
	OverheadP50 float64 `json:"overhead_p50_ms"`
	OverheadP99 float64 `json:"overhead_p99_ms"`
	TotalP50    float64 `json:"total_p50_ms"`
	TotalP99    float64 `json:"total_p99_ms"`
	// Where the overhead goes, medians: waiting for the worker, opening,
	// verifying before release, and the rest (HTTP, sealing, recording).
	QueueP50 float64 `json:"queue_p50_ms"`
	LoadP50  float64 `json:"load_p50_ms"`
	CheckP50 float64 `json:"check_p50_ms"`
	RestP50  float64 `json:"rest_p50_ms"`
}

// Service measures n requests for proofs of a compiled workload, one after
// another, to a service of its own with the embedded engine in a temporary
// directory.
func (l *Lab) Service(ctx context.Context, w Workload, n int) (_ *ServiceReport, err error) {
	if n < 1 {
		return nil, fault.New(fault.InvalidRequest, "at least one request is needed")
	}
	m, err := l.material(w)
	if err != nil {
		return nil, err
	}
	cl, stop, err := serve(ctx, "")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	l.say("the service: registering %s", w.Name)
	circuit, err := register(ctx, cl, &m, "small")
	if err != nil {
		return nil, err
	}
	l.say("the service: %d requests", n)
	return requests(ctx, cl, circuit, m.Arguments, n)
}

// serve runs a service on the embedded engine in a temporary directory, until
// stop is called. toolchain, unless it is "", is where compilers are installed.
func serve(ctx context.Context, toolchain string) (_ *client.Client, stop func() error, err error) {
	dir, err := os.MkdirTemp("", "provery-bench-")
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	cfg := config.Default()
	cfg.Listen, cfg.DataDir, cfg.Compiler.Dir = "127.0.0.1:0", dir, toolchain
	d, err := daemon.New(ctx, &cfg, daemon.Build{Version: "bench"}, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, nil, err
	}
	running, end := context.WithCancel(ctx)
	stopped := make(chan error, 1)
	go func() { stopped <- d.Run(running) }()
	stop = func() error {
		end()
		return errors.Join(<-stopped, os.RemoveAll(dir))
	}
	// Without retries there is no idempotency key, which would cost a write.
	cl, err := client.New("http://"+d.Addr(), client.WithRetries(0))
	if err != nil {
		return nil, nil, errors.Join(err, stop())
	}
	return cl, stop, nil
}

// register registers a compiled workload and its key with a service.
func register(ctx context.Context, cl *client.Client, m *material, name string) (*api.Circuit, error) {
	r := client.Registration{Frontend: m.Frontend, Name: name, Artefacts: map[string]io.Reader{}}
	for role, name := range m.Files {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r.Artefacts[role] = f
	}
	circuit, _, err := cl.Register(ctx, r)
	if err != nil {
		return nil, err
	}
	key, err := os.Open(m.Key)
	if err != nil {
		return nil, err
	}
	defer key.Close()
	_, _, err = cl.AddKeys(ctx, circuit.ID, client.KeyUpload{ProvingKey: key})
	return circuit, err
}

// warmUp is the number of requests that aren't counted.
const warmUp = 10

func requests(ctx context.Context, cl *client.Client, circuit *api.Circuit, arguments []json.RawMessage, n int) (*ServiceReport, error) {
	var overheads, totals, queues, loads, checks, rests []time.Duration
	for i := range n + warmUp {
		start := time.Now()
		p, err := cl.Prove(ctx, api.ProofRequest{Circuit: circuit.ID, Arguments: arguments[i%len(arguments)]})
		if err != nil {
			return nil, err
		}
		total := time.Since(start)
		if i < warmUp {
			continue
		}
		totals = append(totals, total)
		l := p.Ledger
		overheads = append(overheads, total-duration(l.Witness+l.Prove))
		queues, loads, checks = append(queues, duration(l.Queue)), append(loads, duration(l.Load)), append(checks, duration(l.Check))
		rests = append(rests, total-duration(l.Witness+l.Prove+l.Queue+l.Load+l.Check))
	}
	ms := func(d time.Duration) float64 { return d.Seconds() * 1e3 }
	return &ServiceReport{
		Constraints: circuit.Statistics.Constraints, Requests: n,
		OverheadP50: ms(median(overheads)), OverheadP99: ms(quantile(overheads, 0.99)),
		TotalP50: ms(median(totals)), TotalP99: ms(quantile(totals, 0.99)),
		QueueP50: ms(median(queues)), LoadP50: ms(median(loads)), CheckP50: ms(median(checks)), RestP50: ms(median(rests)),
	}, nil
}

// duration returns a ledger's milliseconds as a Duration.
func duration(ms float64) time.Duration { return time.Duration(ms * float64(time.Millisecond)) }
