package conformance

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"provery/internal/fault"
	"provery/internal/peer"
)

// failureText is what zokrates-js says about a program that isn't satisfied:
// what happened, where, and the message of an assertion.
var failureText = regexp.MustCompile(`(?s)^Execution failed: (.*?)(?: at ([^ ]+:[0-9]+:[0-9]+))?(?:: ("(?:.*)"))?\s*$`)

// ownTexts are our words for those of zokrates-js.
var ownTexts = map[string]string{
	"Assertion failed":              "assertion failed",
	"Unsatisfied constraint":        "a constraint of an assembly block isn't satisfied",
	"Division by zero":              "division by zero",
	"Out of bounds array access":    "array index out of bounds",
	"Argument bitness check failed": "an argument isn't in the range of its type",
	"Failed to compare field elements because dynamic comparison is incomplete": "field elements are too large to be compared",
}

// solverTexts are our words for failures inside of a hint.
var solverTexts = map[string]string{
	"Assertion failed (Dynamic comparison is incomplete)": "field elements are too large to be compared",
	"Assertion failed (Division by zero)":                 "division by zero",
}

// unexpected follows the failures of a gadget's own constraints.
const unexpected = "\nThe default ZoKrates interpreter should not yield this error. Please open an issue."

// translate returns our text for a failure of zokrates-js, with its place.
func translate(message string) (string, error) {
	m := failureText.FindStringSubmatch(strings.TrimSuffix(strings.TrimSpace(message), unexpected))
	if m == nil {
		return "", fmt.Errorf("unknown message %q", message)
	}
	what, place, text := m[1], m[2], m[3]
	own, ok := ownTexts[what]
	if hint, found := strings.CutPrefix(what, "Solver error: "); found {
		own, ok = translateHint(hint)
	}
	if name, found := strings.CutSuffix(what, " check failed"); !ok && found {
		own, ok = fmt.Sprintf("the constraint of a built-in operation (%s) isn't satisfied", name), true
	}
	if !ok {
		return "", fmt.Errorf("unknown failure %q", message)
	}
	if len(text) > len(`""`) { // with its quotes; an empty message says nothing
		own += ": " + text[1:len(text)-1]
	}
	if place != "" {
		own = place + ": " + own
	}
	return own, nil
}

// hintAssertion is an assertion of the source that fails inside of a hint.
var hintAssertion = regexp.MustCompile(`^Assertion failed \(([^ ]+:[0-9]+:[0-9]+)(?:: "(.*)")?\)$`)

// translateHint returns our text for a failure inside of a hint.
func translateHint(message string) (string, bool) {
	if m := hintAssertion.FindStringSubmatch(message); m != nil {
		return m[1] + ": assertion failed: " + m[2], true
	}
	if strings.HasPrefix(message, "Out of bounds index") {
		return "solver error: array index out of bounds", true
	}
	own, ok := solverTexts[message]
	return own, ok
}

// describe returns the text of our failure, with its place.
func describe(err error) string {
	var e *fault.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	if e.Position != nil {
		return e.Position.String() + ": " + e.Error()
	}
	return e.Error()
}

// sameFailure compares the failures of both sides for one case.
func sameFailure(c *testCase, theirs *peer.Error, ours error) error {
	switch {
	case theirs == nil && ours == nil:
		return errors.New("it succeeds on both sides, want a failure")
	case theirs == nil:
		return fmt.Errorf("it succeeds for zokrates-js; we say %q", describe(ours))
	case ours == nil:
		return fmt.Errorf("it succeeds for us; zokrates-js says %q", theirs)
	case c.Refused:
		if !fault.Is(ours, fault.InvalidRequest) {
			return fmt.Errorf("got %q, want the arguments refused; zokrates-js says %q", describe(ours), theirs)
		}
		return nil
	case !strings.Contains(theirs.Message, c.Fails):
		return fmt.Errorf("zokrates-js says %q, want %q in it", theirs.Message, c.Fails)
	case !fault.Is(ours, fault.UnsatisfiedWitness):
		return fmt.Errorf("got %s %q, want %s; zokrates-js says %q", fault.CodeOf(ours), describe(ours), fault.UnsatisfiedWitness, theirs)
	case theirs.Kind == peer.Panic:
		return nil // it has no message to compare
	}
	want, err := translate(theirs.Message)
	if err != nil {
		return err
	}
	if got := describe(ours); got != want {
		return fmt.Errorf("we say %q, want %q; zokrates-js says %q", got, want, theirs.Message)
	}
	return nil
}

func TestTranslate(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, theirs, want string }{
		{"place and message", `Execution failed: Assertion failed at main.zok:3:12: "x: y"`, "main.zok:3:12: assertion failed: x: y"},
		{"empty message", `Execution failed: Assertion failed at main.zok:3:12: ""`, "main.zok:3:12: assertion failed"},
		{"place", "Execution failed: Unsatisfied constraint at ./lib/a.zok:1:2", "./lib/a.zok:1:2: a constraint of an assembly block isn't satisfied"},
		{"plain", "Execution failed: Division by zero", "division by zero"},
		{"gadget", "Execution failed: Sum check failed" + unexpected, "the constraint of a built-in operation (Sum) isn't satisfied"},
		{"hint", `Execution failed: Solver error: Assertion failed (main.zok:6:5: "five")`, "main.zok:6:5: assertion failed: five"},
		{"unknown", "Execution failed: Something else", ""},
		{"no failure", "Could not open", ""},
	}
	for _, tc := range tests {
		got, err := translate(tc.theirs)
		if got != tc.want || (err != nil) != (tc.want == "") {
			t.Errorf("%s: got %q and error %v, want %q", tc.name, got, err, tc.want)
		}
	}
}
