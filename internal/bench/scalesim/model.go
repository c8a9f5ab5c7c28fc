// Package scalesim simulates the service with any number of workers: how many
// proofs a second it makes, how long jobs wait, and what is used up first.
//
// It is a simulation of discrete events over a model of the queue: requests
// come to API processes, their records are written by an engine of several
// servers, every worker follows all records, chooses a job, claims it against
// the others, proves, and writes the result. The model's times are measured;
// docs/scaling.md has them and says what they leave out.
package scalesim

import (
	"math"

	"provery/internal/fault"
)

// Model is a service of identical workers that prove one circuit. Times are
// seconds, rates per second.
type Model struct {
	Workers int `json:"workers"`
	// Proof is the time that one proof takes its worker, and Spread the
	// coefficient of variation of that: 0 is always the same, 1 exponential.
	Proof  float64 `json:"proof_seconds"`
	Spread float64 `json:"spread"`
	// Pieces are the proofs that one job makes: 1, or more if jobs are
	// chunkier than the service's are today.
	Pieces int `json:"pieces"`

	Engine Engine `json:"engine"`
	API    API    `json:"api"`
	Store  Store  `json:"store"`
	// Trip is the time of a message there and back between two machines.
	Trip float64 `json:"trip_seconds"`
	// Hold is for how long a new job is left to the processes that come first in
	// its order, and Rank the distance of two of them.
	Hold float64 `json:"hold_seconds"`
	Rank float64 `json:"rank_seconds"`
	// Scatter is among how many of the first waiting jobs a worker chooses: 1 is
	// always the oldest.
	Scatter int `json:"scatter"`
	// Follow is the processor time of a worker for one change of a record that
	// it hears of.
	Follow float64 `json:"follow_seconds"`
}

// Engine is the servers that keep the records.
type Engine struct {
	// Cells is the number of engines that share the jobs. Each has its part of
	// the workers, and they know nothing of each other.
	Cells int `json:"cells"`
	// Cores are those of all servers of one engine.
	Cores int `json:"cores"`
	// Streams are written side by side, each with one Sync at a time; Writes is
	// how many of them make a job, the first of which accepts it. Batch is how
	// many jobs are accepted by one write.
	Streams int     `json:"streams"`
	Sync    float64 `json:"sync_seconds"`
	Writes  int     `json:"writes"`
	Batch   int     `json:"batch"`
	// Write is the processor time of a write on all servers, Refuse that of one
	// that comes too late, Deliver that to tell one process of a change, and Beat
	// that to hand one heartbeat to one process.
	Write   float64 `json:"write_seconds"`
	Refuse  float64 `json:"refuse_seconds"`
	Deliver float64 `json:"deliver_seconds"`
	Beat    float64 `json:"beat_seconds"`
	// Beats is how many heartbeats a process sends in a second.
	Beats float64 `json:"beats"`
	// Bytes are those that tell one process of a change, and Network is what
	// all servers together can send in a second.
	Bytes   float64 `json:"bytes"`
	Network float64 `json:"network_bytes"`
	// Followers says that all workers follow all records of their engine, as
	// the service's do; otherwise only the API processes do, and hand jobs out.
	Followers bool `json:"followers"`
}

// API is the processes that take requests.
type API struct {
	Processes int     `json:"processes"`
	Cores     int     `json:"cores"` // of all of them
	Request   float64 `json:"request_seconds"`
}

// Store is where circuits and keys come from when a worker starts.
type Store struct {
	Key    float64 `json:"key_bytes"`         // a circuit's files
	Send   float64 `json:"send_bytes"`        // a second, by the store
	Worker float64 `json:"worker_bytes"`      // a second, into one worker
	Disk   float64 `json:"worker_disk_bytes"` // a second, onto its disk, verified
}

// Validate reports what can't be simulated.
func (m *Model) Validate() error {
	for _, c := range []struct {
		ok   bool
		what string
	}{
		{m.Workers >= 1 && m.Workers <= 1_000_000, "workers: from 1 to 1,000,000"},
		{m.Proof > 0 && m.Proof <= 1e6, "the time of a proof: above 0, to 1e6 s"},
		{m.Spread >= 0 && m.Spread <= 1, "the spread of the time of a proof: from 0 to 1"},
		{m.Pieces >= 1 && m.Scatter >= 1 && m.Engine.Batch >= 1 && m.Engine.Writes >= 2, "proofs of a job, jobs of a batch and jobs to choose among: at least 1; writes of a job: at least 2"},
		{m.Engine.Cells >= 1 && m.Engine.Cells <= m.Workers, "cells: at least 1, and no more than workers"},
		{m.Engine.Cores >= 1 && m.Engine.Streams >= 1 && m.API.Cores >= 1 && m.API.Processes >= 1, "cores, streams and API processes: at least 1"},
		{m.Engine.Network > 0 && m.Store.Send > 0 && m.Store.Worker > 0 && m.Store.Disk > 0, "rates of bytes: above 0"},
	} {
		if !c.ok {
			return fault.New(fault.InvalidRequest, "%s", c.what)
		}
	}
	for _, t := range []float64{
		m.Trip, m.Hold, m.Rank, m.Follow, m.Engine.Sync, m.Engine.Write, m.Engine.Refuse, m.Engine.Deliver, m.Engine.Beat, m.Engine.Beats,
		m.Engine.Bytes, m.API.Request, m.Store.Key,
	} {
		if t < 0 || math.IsNaN(t) || math.IsInf(t, 0) {
			return fault.New(fault.InvalidRequest, "times and sizes: not below 0")
		}
	}
	return nil
}

// cell returns the model of one engine with its part of everything.
func (m *Model) cell() Model {
	out := *m
	part := func(n int) int { return max(1, n/m.Engine.Cells) }
	out.Workers, out.API.Cores, out.API.Processes, out.Engine.Cells = part(m.Workers), part(m.API.Cores), part(m.API.Processes), 1
	return out
}

// listeners returns how many processes one engine tells of each change.
func (m *Model) listeners() float64 {
	n := m.API.Processes
	if m.Engine.Followers {
		n += m.Workers
	}
	return float64(n)
}

// writes returns how many of them a job costs, its part of a batch's included.
func (m *Model) writes() float64 { return float64(m.Engine.Writes) - 1 + 1/float64(m.Engine.Batch) }

// changes returns how many changes of records a job makes.
func (m *Model) changes() float64 { return float64(m.Engine.Writes) }

// beating returns the part of the engine's processors that heartbeats take: each
// process's goes to all that listen.
func (m *Model) beating() float64 {
	return float64(m.API.Processes+m.Workers) * m.listeners() * m.Engine.Beats * m.Engine.Beat / float64(m.Engine.Cores)
}

// The names of what can be used up.
const (
	Workers    = "workers"
	Syncs      = "engine: syncs"
	Processors = "engine: processors"
	Network    = "engine: network"
	Requests   = "API: processors"
	Following  = "workers: following the records"
)

// Bound is the rate of proofs at which something is used up, if nothing else is.
type Bound struct {
	Of   string  `json:"of"`
	Rate float64 `json:"rate"` // proofs a second; infinite as MaxFloat64
}

// Bounds returns the arithmetic of the model: the rate at which each thing would
// be used up, the first to be in front. Claims that come too late, and waiting,
// are in none of them: those are what is simulated.
func (m *Model) Bounds() []Bound {
	c := m.cell()
	per := float64(m.Pieces * m.Engine.Cells) // proofs for a job of one cell
	e := &c.Engine
	rate := func(have, need float64) float64 {
		if need <= 0 {
			return math.MaxFloat64
		}
		return max(0, have) / need * per
	}
	list := []Bound{
		{Workers, rate(float64(c.Workers), c.Proof*float64(m.Pieces))},
		{Syncs, rate(float64(e.Streams), c.writes()*e.Sync)},
		{Processors, rate(float64(e.Cores)*(1-c.beating()), c.writes()*e.Write+c.changes()*c.listeners()*e.Deliver)},
		{Network, rate(e.Network, c.changes()*c.listeners()*e.Bytes)},
		{Requests, rate(float64(c.API.Cores), c.API.Request)},
	}
	if e.Followers {
		list = append(list, Bound{Following, rate(1, c.changes()*c.Follow)})
	}
	for i := 1; i < len(list); i++ { // a handful, in order
		for k := i; k > 0 && list[k].Rate < list[k-1].Rate; k-- {
			list[k], list[k-1] = list[k-1], list[k]
		}
	}
	return list
}

// ColdStart returns the seconds until all workers, started at once, have
// fetched a circuit's files, and what it is that takes them.
func (m *Model) ColdStart() (seconds float64, by string) {
	together := float64(m.Workers) * m.Store.Key / m.Store.Send
	alone := m.Store.Key/m.Store.Worker + m.Store.Key/m.Store.Disk
	if together > alone {
		return together, "the store"
	}
	return alone, "each worker's network and disk"
}

// Default returns the model with what was measured: three servers of four
// processors each, which hold every record three times. docs/scaling.md says
// where each figure comes from.
func Default() Model {
	return Model{
		Workers: 1, Proof: 0.32, Spread: 0.05, Pieces: 1, Scatter: 1, Trip: 200e-6, Hold: 3e-3, Rank: 500e-6, Follow: 17e-6,
		Engine: Engine{
			Cells: 1, Cores: 12, Streams: 4, Sync: 0.6e-3, Writes: 3, Batch: 1,
			Write: 1.6e-3, Refuse: 0.4e-3, Deliver: 28e-6, Beat: 10e-6, Beats: 4.0 / 30,
			Bytes: 700, Network: 3 * 1.25e9, Followers: true,
		},
		API:   API{Processes: 2, Cores: 4, Request: 1e-3},
		Store: Store{Key: 45 << 20, Send: 1.25e9, Worker: 125e6, Disk: 500e6},
	}
}
