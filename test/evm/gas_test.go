package evm_test

import (
	"fmt"
	"os"
	"testing"
	"text/tabwriter"
)

// TestGas prints the gas of whole transactions that deploy the contracts and call
// them, with what a transaction and its data cost in any case, and requires that
// ours take less than those of ZoKrates.
func TestGas(t *testing.T) {
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "case\tinputs\toptimizer\tverifyTx\tkeyed\tZoKrates's\tdeploy\tkeyed\tZoKrates's\tbytes\tkeyed\tZoKrates's\t")
	for _, optimize := range []bool{true, false} {
		built := build(t, optimize)
		for _, c := range cases(t) {
			v, chain := built[c.Name], newChain(t)
			ours, oursDeploy := chain.deploy(v.ours, nil)
			theirs, theirsDeploy := chain.deploy(v.theirs, v.libraries)
			keyed, keyedDeploy := chain.deployKeyed(readFile(t, c.Key))
			oursCall := chain.send(&ours, c.calldata()).GasUsed
			keyedCall := chain.send(&keyed, c.calldata()).GasUsed
			theirsCall := chain.send(&theirs, c.calldata()).GasUsed
			setting := map[bool]string{true: "on", false: "off"}[optimize]
			fmt.Fprintf(out, "%s\t%d\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", c.Name, numWords(c.calldata())-wordInputs, setting,
				oursCall, keyedCall, theirsCall, oursDeploy, keyedDeploy, theirsDeploy,
				chain.codeSize(ours), chain.codeSize(keyed), chain.codeSize(theirs))
			if max(oursCall, keyedCall) >= theirsCall || max(oursDeploy, keyedDeploy) >= theirsDeploy {
				t.Errorf("%s: a call takes %d or %d gas and a deployment %d or %d, want less than ZoKrates's %d and %d",
					c.Name, oursCall, keyedCall, oursDeploy, keyedDeploy, theirsCall, theirsDeploy)
			}
		}
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
}
