package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"provery/client"
	"provery/internal/config"
	"provery/internal/daemon"
	"provery/internal/fault"
)

// someService is an API process and any number of workers, which share this
// test's process and an engine.
type someService struct {
	t       *testing.T
	dir     string
	engine  string
	client  *client.Client
	workers []func()
}

func newService(t *testing.T) *someService {
	t.Helper()
	s := &someService{t: t, dir: t.TempDir()}
	in, stop := io.Pipe()
	told, out := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- Engine(filepath.Join(s.dir, "engine"), in, out) }()
	var at engineAddress
	if err := json.NewDecoder(told).Decode(&at); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stop.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	s.engine = at.URL
	address, end := s.start(config.RoleAPI)
	t.Cleanup(end)
	var err error
	if s.client, err = client.New("http://" + address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.scale(t.Context(), 0) })
	return s
}

// start starts a process of the service and returns what ends it.
func (s *someService) start(role string) (address string, end func()) {
	s.t.Helper()
	cfg := config.Default()
	cfg.Role, cfg.Engine.URL, cfg.DataDir = role, s.engine, s.t.TempDir()
	cfg.BlobDir, cfg.SealKey = filepath.Join(s.dir, "blobs"), filepath.Join(s.dir, "seal.key")
	cfg.Engine.Lease = 4 * time.Second // so that workers that have ended are soon forgotten
	cfg.Workers.Slots, cfg.Workers.Threads = 1, 1
	cfg.Listen = ""
	if role == config.RoleAPI {
		cfg.Listen = "127.0.0.1:0"
	}
	d, err := daemon.New(context.Background(), &cfg, daemon.Build{Version: "test"}, slog.New(slog.DiscardHandler))
	if err != nil {
		s.t.Fatal(err)
	}
	running, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(running) }()
	if role == config.RoleAPI {
		address = d.Addr()
	}
	return address, func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
	}
}

// scale starts and ends workers.
func (s *someService) scale(_ context.Context, n int) error {
	for len(s.workers) > n {
		s.workers[len(s.workers)-1]()
		s.workers = s.workers[:len(s.workers)-1]
	}
	for len(s.workers) < n {
		_, end := s.start(config.RoleWorker)
		s.workers = append(s.workers, end)
	}
	return nil
}

// TestScaleService measures one and two workers, twice.
func TestScaleService(t *testing.T) {
	t.Parallel()
	lab, said := newLab(t, "measures")
	s := newService(t)
	var calls []int
	o := ServiceOptions{
		Clients: []*client.Client{s.client, s.client}, Workload: mul(t), Workers: []int{1, 2}, Rounds: 2, PerSlot: 2,
		Settle: 2 * time.Minute, Limit: 10 * time.Minute, Enough: 20,
		Scale: func(ctx context.Context, n int) error {
			calls = append(calls, n)
			return s.scale(ctx, n)
		},
	}
	got, skipped, err := lab.ScaleService(t.Context(), o)
	if err != nil || len(skipped) != 0 {
		t.Fatalf("got left out %+v, %v, said %q", skipped, err, said.said)
	}
	if fmt.Sprint(calls) != "[1 2 1 2]" {
		t.Errorf("got scaled to %v", calls)
	}
	points := got.Experiments[0].Points
	for i, p := range points {
		if s := p.Service; p.Proofs < 40 || p.Wall <= 0 || s.Slots != i+1 || p.Parallel != 2*(i+1) || len(s.Rates) != 10 || s.Busy <= 0 || s.Most < 20 || p.Memory == 0 {
			t.Errorf("got %+v, %+v", p, s)
		}
	}
	if e := points[1].Service.Efficiency; points[0].Service.Efficiency != nil || e == nil || e.Low > e.Value || e.High < e.Value || e.Confidence < 0.95 {
		t.Errorf("got efficiencies %v and %v", points[0].Service.Efficiency, e)
	}
	// Once more with the circuit that is registered by now, by its name.
	o.Circuit, o.Workers, o.Scale, o.Rounds = "bench-mul", []int{2}, nil, 1
	if got, skipped, err = lab.ScaleService(t.Context(), o); err != nil || len(skipped) != 0 || got.Experiments[0].Points[0].Proofs < 20 || got.Constraints != 1 {
		t.Errorf("got %+v, left out %+v, %v", got, skipped, err)
	}
}

// TestScaleServiceFails has workers that don't come, and a command that fails.
func TestScaleServiceFails(t *testing.T) {
	t.Parallel()
	lab, _ := newLab(t, "measures")
	s := newService(t)
	o := ServiceOptions{
		Clients: []*client.Client{s.client}, Workload: mul(t), Workers: []int{1, 2}, Rounds: 2, PerSlot: 1,
		Settle: 100 * time.Millisecond, Limit: time.Minute,
		Scale: func(_ context.Context, n int) error {
			if n == 2 {
				return errors.New("no room")
			}
			return nil
		},
	}
	got, skipped, err := lab.ScaleService(t.Context(), o)
	if err != nil || len(skipped) != 2 || !strings.Contains(skipped[0].Why, "wait for 1 workers that prove") || skipped[1].Why != "no room" {
		t.Errorf("got %+v, left out %+v, %v", got, skipped, err)
	}
	o.Scale = nil
	if _, _, err := lab.ScaleService(t.Context(), o); !fault.Is(err, fault.InvalidRequest) {
		t.Errorf("got %v, want a refusal: two numbers, and nothing that scales", err)
	}
	o.Workers, o.Circuit = []int{1}, "nothing"
	if _, _, err := lab.ScaleService(t.Context(), o); client.CodeOf(err) != "not_found" {
		t.Errorf("got %v, want that there is no such circuit", err)
	}
}

// proofs returns proofs that end at times, in seconds.
func proofs(at ...float64) (out []ended) {
	for _, s := range at {
		out = append(out, ended{at: time.Unix(0, 0).Add(time.Duration(s * float64(time.Second))), worker: "w", busy: s})
	}
	return out
}

func TestRates(t *testing.T) {
	t.Parallel()
	var steady []float64
	for i := range 81 {
		steady = append(steady, float64(i)/2)
	}
	for name, tc := range map[string]struct {
		run  []ended
		want string
	}{
		"ten blocks":          {proofs(steady...), "[2 2 2 2 2 2 2 2 2 2]"},
		"too few for several": {proofs(0, 1, 2, 3), "[1]"},
		"two blocks":          {proofs(0, 1, 2, 3, 4, 6, 8, 10, 12), "[1 0.5]"},
		"none after first":    {proofs(7), "[]"},
		"no time passes":      {proofs(7, 7), "[]"},
	} {
		if got := fmt.Sprint(rates(tc.run)); got != tc.want {
			t.Errorf("%s: got %s, want %s", name, got, tc.want)
		}
	}
}

// TestEfficiency compares points with known rates.
func TestEfficiency(t *testing.T) {
	t.Parallel()
	point := func(workers float64, rates ...float64) Point {
		return Point{X: workers, Service: &ServicePoint{Slots: int(workers), Rates: rates}, Load: Load{Proofs: 10, Cost: Cost{Wall: 5}}}
	}
	e := Experiment{Name: ByService, Title: "workers", X: "workers", Points: []Point{
		point(2, 4, 4, 4, 4, 4, 4), point(4, 8, 8, 8, 8, 8, 8), point(6, 6, 6, 6, 6, 6, 6), {X: 8, Failure: "gone", Service: &ServicePoint{}},
	}}
	skipped := e.compare()
	if len(skipped) != 1 || skipped[0].Name != "workers, 8" || skipped[0].Why != "gone" {
		t.Errorf("got %+v", skipped)
	}
	for i, want := range []string{"1", "1.000 [1.000, 1.000]", "0.500 [0.500, 0.500]", "1"} {
		if got := e.Points[i].Service.Efficiency.String(); got != want {
			t.Errorf("%g workers: got %s, want %s", e.Points[i].X, got, want)
		}
	}
	r := experiments()
	r.Scaling.Experiments = []Experiment{e}
	var text, markdown strings.Builder
	r.Text(&text)
	r.Markdown(&markdown, "charts")
	for _, want := range []string{"  0.500 [0.500, 0.500]  ", "  gone  "} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
	for _, want := range []string{"\n| 6 | 6 | 10 | 2.000 [6.000, 6.000] | 0.500 [0.500, 0.500] | 0.000 | 0, 0 | unknown |\n", "![workers](charts/scaling-service.svg)"} {
		if !strings.Contains(markdown.String(), want) {
			t.Errorf("no %q in\n%s", want, &markdown)
		}
	}
	if _, err := r.Charts(t.TempDir()); err != nil {
		t.Error(err)
	}
}
