package scheme

import "time"

// Size are the dimensions of a circuit that a proof's cost depends on.
type Size struct {
	Constraints int
	Variables   int // the constant one included
	Public      int // without the constant one
	Rows        int // distinct linear combinations, whose values the solver holds
}

// Cost is what one proof takes, the witness given. It is a prediction: what is
// observed of a circuit is better.
type Cost struct {
	// Bytes is the memory at the peak, beside the mapped key: the vectors of
	// the proof, and the tables that it leaves with the key.
	Bytes int64
	// Solving is the part of it that may be there while the witness is computed:
	// the witness, and the tables.
	Solving int64
	// Work is the processor time, on a processor of some years ago.
	Work time.Duration
}
