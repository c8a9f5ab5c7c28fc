package api

import (
	"encoding/json"
	"time"
)

// MaxBatch is how many items a batch may have.
const MaxBatch = 10_000

// BatchRequest asks for many proofs of one circuit.
type BatchRequest struct {
	Circuit  string            `json:"circuit" doc:"Reference of the circuit: its id, name, name:tag or name@id." example:"eddsa:latest"`
	Items    []BatchItem       `json:"items" doc:"What to prove: up to 10,000 items. All are accepted, or none." minItems:"1" maxItems:"10000"`
	Scheme   string            `json:"scheme,omitempty" doc:"Proving scheme. Without it, the scheme of the keys." enum:"groth16,gm17"`
	Keys     string            `json:"keys,omitempty" doc:"Id of the key set. Without it, the newest of the scheme."`
	Priority string            `json:"priority,omitempty" doc:"Class in the queue; normal without it." enum:"high,normal,low"`
	Deadline *time.Time        `json:"deadline,omitempty" doc:"When the proofs stop being of use. Items that haven't ended by then expire."`
	Labels   map[string]string `json:"labels,omitempty" doc:"Your own marks, returned with every item. Not for secrets." maxProperties:"16"`
	Reduce   bool              `json:"reduce,omitempty" doc:"Take numbers modulo the field instead of refusing those that are too large."`
	Webhook  string            `json:"webhook,omitempty" doc:"Address to tell when all items have ended; as in a proof request."`
}

// BatchItem is the input of one proof of a batch.
type BatchItem struct {
	Arguments json.RawMessage `json:"arguments,omitempty" doc:"As in a proof request."`
	Witness   []byte          `json:"witness,omitempty" doc:"As in a proof request."`
}

// Batch is many proof jobs of one circuit under one id.
type Batch struct {
	ID        string        `json:"id" example:"bat_1j8v6q3e7x0m2k4n5s6t7w8y9z0a1b2c3d4e5f"`
	State     State         `json:"state" doc:"queued until an item starts, running until all have ended; then succeeded if all items have, cancelled if the batch was, or failed." enum:"queued,running,succeeded,failed,cancelled"`
	Owner     string        `json:"owner,omitempty" doc:"Name of the API key that asked for it."`
	Circuit   string        `json:"circuit" doc:"Id of the circuit."`
	Size      int           `json:"size" doc:"Items."`
	Counts    map[State]int `json:"counts" doc:"Items by state."`
	Created   time.Time     `json:"created"`
	Cancelled *time.Time    `json:"cancelled,omitempty" doc:"When it was cancelled."`
	Progress  float64       `json:"progress" doc:"Part of the items that have ended, 0 to 1."`
	Remaining *float64      `json:"remaining_seconds,omitempty" doc:"Estimate of the time left, from the pace of the last items. Absent while fewer than two have ended."`
	Links     BatchLinks    `json:"links"`
}

// BatchLinks are the paths of what a client may ask next.
type BatchLinks struct {
	Self    string `json:"self"`
	Events  string `json:"events" doc:"Server-sent events of the batch."`
	Items   string `json:"items" doc:"The items in order, one JSON line each, without results."`
	Results string `json:"results" doc:"The items in order with their results; add ?wait=true for each as it ends."`
	Cancel  string `json:"cancel,omitempty" doc:"Where to POST to cancel what hasn't ended. Not there once all has."`
	Circuit string `json:"circuit"`
}

// MediaTypeLines is the content type of streams of JSON lines. Empty lines
// between them mean nothing.
const MediaTypeLines = "application/x-ndjson"
