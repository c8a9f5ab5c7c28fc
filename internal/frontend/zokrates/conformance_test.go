package zokrates

import (
	"encoding/json"
	"fmt"
	"math/big"
	"testing"

	"provery/internal/frontend/frontendtest"
)

// secret is planted as an argument: no error may hold it.
const secret = "8675309424242424242424242"

func TestConformance(t *testing.T) {
	frontendtest.Run(t, New(), []frontendtest.Case{
		mulCase(t, "bn128"), mulCase(t, "bls12_381"), mulCase(t, "bls12_377"), mulCase(t, "bw6_761"),
		mixedCase(t), assertCase(t), divCase(t), plainCase(t, "logs", "bn128"), plainCase(t, "generic", "bn128"),
		plainCase(t, "asmdir", "bw6_761"), plainCase(t, "square", "bn128"), plainCase(t, "inout", "bn128"),
	})
}

func plainCase(t *testing.T, name, curve string) frontendtest.Case {
	f := findFixture(t, name, curve)
	return frontendtest.Case{
		Name:      name + "/" + curve,
		Artefacts: map[string][]byte{RoleProgram: f.file(t, "out"), RoleABI: f.file(t, "abi.json")},
		Arguments: f.args,
		Outputs:   json.RawMessage(compactJSON(t, f.file(t, "output.json"))),
	}
}

func mulCase(t *testing.T, curve string) frontendtest.Case {
	c := plainCase(t, "mul", curve)
	c.Distinct = func(i int) (json.RawMessage, json.RawMessage) {
		a, b := big.NewInt(int64(i)+1), new(big.Int).Lsh(big.NewInt(int64(i)+3), 100)
		return json.RawMessage(fmt.Sprintf(`["%d","%d"]`, a, b)), json.RawMessage(fmt.Sprintf(`"%d"`, new(big.Int).Mul(a, b)))
	}
	c.Refused = []frontendtest.Refused{
		refused(`"`+secret+`"`, "", secret),
		refused(`["`+secret+`"]`, "", secret),
		refused(`["1","`+secret+`","3"]`, "", secret),
		refused(`["1",["`+secret+`"]]`, "/1", secret),
		refused(`["1","`+secret+`x"]`, "/1", secret),
		refused(`["1",`+secret+`]`, "/1", secret),
		refused(`["1",-86753094242]`, "/1", "86753094242"),
		refused(`["`+secret+secret+secret+secret+secret+`","1"]`, "/0", secret),
		refused(`["1","`+secret, "", secret),
		refused(`{"a":"1","`+secret+`":"2"}`, "", secret),
		refused(`{"a":"1"}`, "/b", ""),
		refused(`{"a":"1","b":"2","a":"`+secret+`"}`, "/a", secret),
		refused(`["1",true]`, "/1", ""),
		refused(`["1",null]`, "/1", ""),
		refused(`["1","2"] "`+secret+`"`, "", secret),
		refused(``, "", ""),
	}
	return c
}

func mixedCase(t *testing.T) frontendtest.Case {
	c := plainCase(t, "mixed", "bn128")
	wrong := func(q, w, flag, tuple, big string) string {
		return `[` + q + `,` + w + `,` + flag + `,` + tuple + `,` + big + `]`
	}
	const q, w, tuple = `{"hi":"1","p":{"xs":["1","2"],"tag":"3","on":true}}`, `["1","2","3"]`, `["1","2"]`
	c.Refused = []frontendtest.Refused{
		refused(wrong(`{"hi":"1","p":{"xs":["1","-`+secret+`"],"tag":"3","on":true}}`, w, "true", tuple, `"1"`), "/0/p/xs/1", secret),
		refused(wrong(`{"hi":"1","p":{"xs":["1"],"tag":"3","on":true}}`, w, "true", tuple, `"1"`), "/0/p/xs", ""),
		refused(wrong(`{"hi":"1","p":{"xs":["1","2"],"tag":"256","on":true}}`, w, "true", tuple, `"1"`), "/0/p/tag", "256"),
		refused(wrong(`{"hi":"1","p":{"xs":["1","2"],"tag":"3","on":"true"}}`, w, "true", tuple, `"1"`), "/0/p/on", ""),
		refused(wrong(`{"hi":"1","p":{"xs":["1","2"],"tag":"3"}}`, w, "true", tuple, `"1"`), "/0/p/on", ""),
		refused(wrong(`{"hi":"1"}`, w, "true", tuple, `"1"`), "/0/p", ""),
		refused(wrong(`{"hi":"1","p":[]}`, w, "true", tuple, `"1"`), "/0/p", ""),
		refused(wrong(q, `["1","2","4294967296"]`, "true", tuple, `"1"`), "/1/2", "4294967296"),
		refused(wrong(q, `["1","2","3","`+secret+`"]`, "true", tuple, `"1"`), "/1", secret),
		refused(wrong(q, w, "1", tuple, `"1"`), "/2", ""),
		refused(wrong(q, w, "true", `["1","2","3"]`, `"1"`), "/3", ""),
		refused(wrong(q, w, "true", `{"0":"1","1":"2"}`, `"1"`), "/3", ""),
		refused(wrong(q, w, "true", tuple, `"0x10000000000000000"`), "/4", "0x10000000000000000"),
		refused(wrong(q, w, "true", tuple, `"0x"`), "/4", ""),
		refused(wrong(q, w, "true", tuple, `1.0`), "/4", ""),
		refused(wrong(q, w, "true", tuple, `1e3`), "/4", ""),
		refused(wrong(q, w, "true", tuple, `9007199254740993`), "/4", "9007199254740993"),
	}
	return c
}

func assertCase(t *testing.T) frontendtest.Case {
	c := plainCase(t, "assertmsg", "bn128")
	c.Unsatisfied = []frontendtest.Unsatisfied{
		unsatisfied(`["`+secret+`","1"]`, "main.zok:1:38", "assertion failed: values differ", secret),
		unsatisfied(`{"b":"`+secret+`","a":"1"}`, "main.zok:1:38", "assertion failed: values differ", secret),
	}
	return c
}

func divCase(t *testing.T) frontendtest.Case {
	c := plainCase(t, "divzero", "bn128")
	c.Unsatisfied = []frontendtest.Unsatisfied{
		unsatisfied(`["`+secret+`","0","1","1"]`, "", "division by zero", secret),
		unsatisfied(`["1","1","4294967291","0"]`, "", "division by zero", "4294967291"),
	}
	return c
}

func refused(arguments, path, secret string) frontendtest.Refused {
	return frontendtest.Refused{Arguments: json.RawMessage(arguments), Path: path, Secret: secret}
}

func unsatisfied(arguments, position, detail, secret string) frontendtest.Unsatisfied {
	return frontendtest.Unsatisfied{Arguments: json.RawMessage(arguments), Position: position, Detail: detail, Secret: secret}
}
