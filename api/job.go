package api

import "time"

// Job is any job of the service as its operators see it: a proof, an item of a
// batch, or another kind of work. It holds neither arguments nor results.
type Job struct {
	ID       string            `json:"id" example:"prf_1j8v6q3e7x0m2k4n5s6t7w8y9z0a1b2c3d4e5f"`
	Kind     string            `json:"kind" doc:"What sort of work it is." example:"proof"`
	State    State             `json:"state" enum:"queued,running,succeeded,failed,cancelled,expired"`
	Stage    string            `json:"stage,omitempty" doc:"What a running job is doing."`
	Owner    string            `json:"owner,omitempty" doc:"Name of the API key that asked for it."`
	Circuit  string            `json:"circuit,omitempty" doc:"Id of the circuit; of a compilation, once it has succeeded, that of the registered one."`
	Existed  bool              `json:"existed,omitempty" doc:"The circuit of a compilation was registered before."`
	KeySet   string            `json:"key_set,omitempty" doc:"Id of the key set."`
	Priority string            `json:"priority" enum:"high,normal,low"`
	Labels   map[string]string `json:"labels,omitempty"`
	Batch    string            `json:"batch,omitempty" doc:"Id of the batch that it is an item of."`
	Item     *int              `json:"item,omitempty" doc:"Its place in the batch, from 0."`
	Dead     bool              `json:"dead,omitempty" doc:"A dead letter: it failed although the request was good, its sealed arguments are kept, and a retry runs it again."`
	Requeues int               `json:"requeues,omitempty" doc:"How often it was a dead letter that was retried."`
	Attempt  int               `json:"attempt" doc:"Number of the latest attempt; 0 before the first."`
	Attempts []Attempt         `json:"attempts,omitempty" doc:"The attempts so far, oldest first; the last 32."`
	Created  time.Time         `json:"created"`
	Started  *time.Time        `json:"started,omitempty" doc:"Start of the latest attempt."`
	Finished *time.Time        `json:"finished,omitempty"`
	Deadline *time.Time        `json:"deadline,omitempty"`
	RetryAt  *time.Time        `json:"retry_at,omitempty" doc:"When a job that failed before runs again."`
	Position *int              `json:"position,omitempty" doc:"Jobs ahead of a queued one; 0 is next."`
	Problem  *Problem          `json:"problem,omitempty" doc:"Why a failed, cancelled or expired job has no result."`
	Links    JobLinks          `json:"links"`
}

// JobLinks are the paths of what a client may ask next.
type JobLinks struct {
	Self   string `json:"self" doc:"The job; add ?wait=30 to wait for its end."`
	Events string `json:"events" doc:"Server-sent events of the job."`
	Cancel string `json:"cancel,omitempty" doc:"Where to POST to stop the job. Not there once it has ended."`
	Retry  string `json:"retry,omitempty" doc:"Where an admin may POST to run the job now: one that waits after a failure, or a dead letter."`
	Proof  string `json:"proof,omitempty" doc:"The job as a proof, with its result."`

	Circuit string `json:"circuit,omitempty" doc:"The circuit, if there is one yet."`
}

// JobFilter selects jobs in a list. Empty fields select all.
type JobFilter struct {
	State   State
	Kind    string
	Circuit string
	Owner   string // another one than the caller's own name needs an admin's key
	Batch   string
	Dead    bool // dead letters only
}

// Worker is a process that proves, as the service hears of it.
type Worker struct {
	Name    string   `json:"name,omitempty" doc:"What the process calls itself: its host."`
	Slots   int      `json:"slots,omitempty" doc:"Jobs at a time."`
	Threads int      `json:"threads,omitempty" doc:"Threads of the process."`
	Kinds   []string `json:"kinds,omitempty" doc:"Kinds of job that it takes."`
	Self    bool     `json:"self,omitempty" doc:"It is the process that answers."`
	Running int      `json:"running" doc:"Jobs that it runs."`
	Jobs    []string `json:"jobs" doc:"Their ids; of others than your own only for an admin."`
}

// The types of events.
const (
	EventState    = "state"    // the job's or batch's state changed
	EventProgress = "progress" // a running job's stage or estimate changed, or a batch's counts did
	EventItem     = "item"     // an item of a batch ended
)

// Event is what a stream of server-sent events carries as its data.
type Event struct {
	ID    string    `json:"id,omitempty" doc:"As the stream's id field. Absent for events that aren't told again."`
	Type  string    `json:"type" doc:"As the stream's event field." enum:"state,progress,item"`
	Job   string    `json:"job,omitempty" doc:"Id of the job."`
	Batch string    `json:"batch,omitempty" doc:"Id of the batch."`
	Kind  string    `json:"kind" doc:"Kind of the job, or of the batch's items." example:"proof"`
	State State     `json:"state,omitempty" doc:"Of the job or the item. A batch's is running until all of its items have ended, then succeeded if all have, cancelled if it was cancelled, or failed." enum:"queued,running,succeeded,failed,cancelled,expired"`
	Final bool      `json:"final,omitempty" doc:"Nothing comes after this event."`
	Time  time.Time `json:"time" doc:"When it happened; of progress, when it was told."`

	Attempt  int      `json:"attempt,omitempty" doc:"Number of the attempt."`
	Reason   string   `json:"reason,omitempty" doc:"Why a job waits again: how its last attempt ended (failed, lost, released), or requeued."`
	Problem  *Problem `json:"problem,omitempty" doc:"Why there is no result."`
	Stage    string   `json:"stage,omitempty" doc:"What a running job is doing."`
	Position *int     `json:"position,omitempty" doc:"Jobs ahead of a queued one, at the time of telling."`

	Progress  *float64 `json:"progress,omitempty" doc:"Part that is done, 0 to 1: of a job by the times that earlier ones took, of a batch by items. Absent where nothing is known."`
	Remaining *float64 `json:"remaining_seconds,omitempty" doc:"Estimate of the time left, from earlier jobs of the circuit or earlier items of the batch. Absent where nothing is known."`

	Item   *int          `json:"item,omitempty" doc:"Number of the item that ended, from 0."`
	Counts map[State]int `json:"counts,omitempty" doc:"A batch's items by state."`
	Size   int           `json:"size,omitempty" doc:"Items of the batch."`
}

// HeaderLastEventID names the last event that a client has seen.
const HeaderLastEventID = "Last-Event-ID"

// MediaTypeEvents is the content type of event streams.
const MediaTypeEvents = "text/event-stream"
