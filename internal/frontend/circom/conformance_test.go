package circom

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"provery/internal/frontend/frontendtest"
)

// secret is planted as an argument: no error may hold it.
const secret = "8675309424242424242424242"

func TestConformance(t *testing.T) {
	f := New(Config{Limits: Limits{Time: 5 * time.Second, Memory: 16 << 20}})
	frontendtest.Run(t, f, []frontendtest.Case{tinyCase(t), busCase(t)})
}

func tinyCase(t *testing.T) frontendtest.Case {
	refused := func(text, path, secret string) frontendtest.Refused {
		return frontendtest.Refused{Arguments: json.RawMessage(text), Path: path, Secret: secret}
	}
	return frontendtest.Case{
		Name:      "tiny",
		Artefacts: fixture(t, "tiny"),
		Opaque:    RoleWasm,
		Arguments: tinyArguments,
		Outputs:   json.RawMessage(`{"sum":"91","squares":["14","77"]}`),
		Distinct: func(i int) (json.RawMessage, json.RawMessage) {
			sum := 1 + i*i
			return json.RawMessage(fmt.Sprintf(`{"limit":0,"secret":[[%d,0,0],["0x1",0,0]]}`, i)), json.RawMessage(fmt.Sprintf(`{"sum":"%d","squares":["%d","1"]}`, sum, i*i))
		},
		Refused: []frontendtest.Refused{
			refused(`[1,2,3,4,5,6,`+secret+`]`, "", secret),
			refused(`{"secret":[["1","2","3"],["4","5","`+secret+`x"]],"limit":"91"}`, "/secret/1/2", secret),
			refused(`{"secret":[["1","2","3"],["4","5"]],"limit":"`+secret+`"}`, "/secret/1", secret),
			refused(`{"secret":[["1","2","3"],["4","5","6","`+secret+`"]],"limit":"1"}`, "/secret/1", secret),
			refused(`{"secret":[1,2,3,4,5],"limit":"1"}`, "/secret", ""),
			refused(`{"secret":[1,2,3,4,5,6,7],"limit":"1"}`, "/secret", ""),
			refused(`{"secret":"`+secret+`","limit":"1"}`, "/secret", secret),
			refused(`{"secret":[1,2,3,4,5,6],"limit":"1","`+secret+`":3}`, "", secret),
			refused(`{"secret":[1,2,3,4,5,6]}`, "/limit", ""),
			refused(`{"limit":1,"secret":[1,2,3,4,5,6],"limit":"`+secret+`"}`, "/limit", secret),
			refused(`{"secret":[1,2,3,4,5,6],"limit":-867530942}`, "/limit", "867530942"),
			refused(`{"secret":[1,2,3,4,5,6],"limit":`+secret+`}`, "/limit", secret),
			refused(`{"secret":[1,2,3,4,5,6],"limit":"`+secret+secret+secret+secret+`"}`, "/limit", secret),
			refused(`{"secret":[1,2,3,4,5,6],"limit":"21888242871839275222246405745257275088548364400416034343698204186575808495617"}`, "/limit", ""),
			refused(`{"secret":[1,2,3,4,5,6],"limit":true}`, "/limit", ""),
			refused(`{"secret":[1,2,3,4,5,6],"limit":1.5}`, "/limit", ""),
			refused(`{"secret":[1,2,3,4,5,6],"limit":""}`, "/limit", ""),
			refused(`{"secret":[1,2,3,4,5,6],"limit":"`+secret, "", secret),
			refused(``, "/limit", ""),
		},
		Unsatisfied: []frontendtest.Unsatisfied{
			{
				Arguments: json.RawMessage(`{"secret":[["1","2","3"],["4","5","` + secret + `"]],"limit":"91"}`),
				Position:  "template Tiny:21", Detail: "assertion failed in template Tiny line 21", Secret: secret,
			},
			{
				Arguments: json.RawMessage(`{"secret":[1,2,3,4,5,6],"limit":90}`),
				Position:  "template Tiny:23", Detail: "assertion failed in template Tiny line 23",
			},
		},
	}
}

func busCase(t *testing.T) frontendtest.Case {
	return frontendtest.Case{
		Name:      "bus",
		Artefacts: fixture(t, "bus"),
		Opaque:    RoleWasm,
		Arguments: json.RawMessage(`{"k":"0x5","unused":["9"],"p":[{"x":2,"y":3},{"y":"10","x":"7"}]}`),
		Outputs:   json.RawMessage(`{"q":{"x":"14","y":"13"},"o":"25"}`),
		Distinct: func(i int) (json.RawMessage, json.RawMessage) {
			return json.RawMessage(fmt.Sprintf(`{"k":%d,"unused":1,"p":[%d,2,3,4]}`, i, i)), json.RawMessage(fmt.Sprintf(`{"q":{"x":"%d","y":"6"},"o":"%d"}`, 3*i, i*i))
		},
	}
}
