package daemon

import "testing"

// The ten failures of existing proving services that this one is tested
// against. Failures 3 and 4, a killed worker and a killed server, need processes
// to kill: TestFailure03KilledWorkerInMidProof and
// TestFailure04KilledServerKeepsItsQueue are in internal/faulttest. That the
// processors come to rest within a second of a cancellation is measured by the
// worker's tests.
var _ = []struct {
	failure string
	test    func(*testing.T)
}{
	{"1. Concurrent proofs of one circuit mix their inputs up.", TestFailure01ConcurrentProofs},
	{"2. A request while the prover is busy blocks status calls.", TestFailure02StatusWhileBusy},
	{"5. Polling after the deadline says that a finished proof timed out.", TestFailure05Deadline},
	{"6. A cancelled job goes on; the same request can't be made again.", TestFailure06CancelAndAskAgain},
	{"7. Ten requests at once need ten times the memory.", TestFailure07MemoryForOneProof},
	{"8. A client that goes away while it waits keeps its slot.", TestFailure08ClientGoesAway},
	{"8, where it asked for it: its job is cancelled.", TestFailure08CancelOnDisconnect},
	{"9. Private inputs are found in logs, files or metrics.", TestFailure09NothingPrivateIsLeft},
	{"9, of batches, dead letters, events and webhooks.", TestFailure09NothingPrivateOfJobs},
	{"10. A damaged key stops more than its own circuit.", TestFailure10DamagedFiles},
	{"10. A wrong key is taken.", TestKeysThatAreRefused},
}
