package api

import "time"

// About says what is running.
type About struct {
	Service   string     `json:"service" example:"provery"`
	Version   string     `json:"version"`
	Commit    string     `json:"commit,omitempty"`
	GoVersion string     `json:"go_version"`
	Platform  string     `json:"platform" example:"linux/amd64"`
	Started   time.Time  `json:"started"`
	Uptime    float64    `json:"uptime_seconds"`
	Engine    string     `json:"engine" doc:"Job engine: embedded or external." enum:"embedded,external"`
	Frontends []Frontend `json:"frontends"`
	Backends  []Backend  `json:"backends" doc:"Schemes on curves that can prove."`
	Workers   Workers    `json:"workers"`
}

// Frontend is a circuit language and the files that it registers from.
type Frontend struct {
	Name     string    `json:"name" example:"zokrates"`
	Roles    []Role    `json:"roles"`
	Compiler *Compiler `json:"compiler,omitempty" doc:"How its sources are compiled. Not there where they can't be."`
}

// Compiler describes the compiler of a circuit language.
type Compiler struct {
	Name      string   `json:"name" example:"zokrates-js 1.1.9"`
	Extension string   `json:"extension" doc:"What the names of source files end in." example:".zok"`
	Curves    []string `json:"curves" doc:"Curves that it compiles for; the first is the default."`
	Installed bool     `json:"installed" doc:"It is installed in this process."`
	// Optimizations are empty, and Includes false, where there is nothing to choose.
	Optimizations []string `json:"optimizations,omitempty" doc:"Levels of optimisation; the first is the default."`
	Includes      bool     `json:"includes,omitempty" doc:"Imports can be looked up in other folders, too."`
}

// Role describes one file of a circuit.
type Role struct {
	Name     string `json:"name" doc:"Name of the multipart part." example:"program"`
	Optional bool   `json:"optional,omitempty"`
	Usage    string `json:"usage,omitempty" doc:"What the file is, in one line."`
}

// Backend is a scheme on a curve.
type Backend struct {
	Scheme string `json:"scheme" example:"groth16"`
	Curve  string `json:"curve" example:"bn128"`
}

// Workers are the proving resources of this process.
type Workers struct {
	Slots   int `json:"slots" doc:"Proofs at a time."`
	Threads int `json:"threads" doc:"Threads for each proof."`
}

// Health is the answer of the liveness probe.
type Health struct {
	Status string `json:"status" enum:"ok"`
}

// Readiness says whether the service can take work, and why not.
type Readiness struct {
	Ready  bool    `json:"ready"`
	Checks []Check `json:"checks"`
}

// Check is one condition of readiness.
type Check struct {
	Name   string `json:"name" example:"engine"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty" doc:"What is wrong."`
}

// QueueStats describes the queue at one moment.
type QueueStats struct {
	Queued           int            `json:"queued" doc:"Jobs waiting."`
	QueuedByPriority map[string]int `json:"queued_by_priority,omitempty"`
	QueuedBytes      int64          `json:"queued_bytes" doc:"Size of the waiting requests."`
	Running          int            `json:"running" doc:"Jobs in work."`
	OldestSeconds    float64        `json:"oldest_seconds" doc:"Age of the oldest waiting job."`
	MaxJobs          int            `json:"max_jobs" doc:"Waiting jobs beyond which requests are refused."`
	MaxBytes         int64          `json:"max_bytes"`
}
