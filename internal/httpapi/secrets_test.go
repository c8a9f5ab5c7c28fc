package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"provery/api"
)

// secret stands for a private value. It has the form of none of the things
// that may come back, such as names.
const secret = "31337.0042-hunter2"

// TestValuesNeverComeBack plants a secret in every place of every request,
// one at a time, and looks for it in the answer and the log.
func TestValuesNeverComeBack(t *testing.T) {
	t.Parallel()
	tr := newTrial(t)
	bodies := map[string]map[string]any{
		"/v1/proofs": {"circuit": "a", "arguments": []any{"1"}, "scheme": "groth16", "keys": "k", "priority": "low",
			"deadline": "2026-01-02T15:04:05Z", "labels": map[string]any{"a": "b"}, "reduce": true},
		"/v1/proofs?":            {"circuit": "a", "witness": "AAAA"},
		"/v1/verify":             {"circuit": "a", "keys": "k", "proof": map[string]any{}, "public_inputs": []any{"1"}},
		"/v1/circuits/a/witness": {"arguments": []any{"1"}, "reduce": true, "logs": true, "witness": "zokrates32"},
		"/v1/circuits/a/keys":    {"setup": "insecure-dev", "scheme": "groth16"},
	}
	plants := []any{secret, []any{secret}, map[string]any{secret: secret}, map[string]any{"a": map[string]any{"b": secret}}, json.Number("313370042")}
	for target, body := range bodies {
		for field := range body {
			for i, plant := range plants {
				changed := map[string]any{}
				for k, v := range body {
					changed[k] = v
				}
				changed[field] = plant
				tr.try(t, fmt.Sprintf("%s %s %d", target, field, i), "POST", target, jsonType, marshal(t, changed))
			}
		}
		good := marshal(t, body)
		for name, text := range map[string]string{
			"unknown field":  strings.Replace(good, "{", `{"`+secret+`":1,`, 1),
			"unknown value":  strings.Replace(good, "{", `{"x":"`+secret+`",`, 1),
			"not JSON":       secret,
			"after the end":  good + secret,
			"broken string":  strings.Replace(good, "{", `{"`+secret, 1),
			"bare word":      `{"circuit":` + secret + `}`,
			"not an object":  `"` + secret + `"`,
			"not UTF-8":      `{"circuit":"` + secret + "\xff\"}",
			"wrong type":     good,
			"in the type":    good,
			"in the charset": good,
		} {
			contentType := jsonType
			switch name {
			case "wrong type":
				contentType = "text/plain"
			case "in the type":
				contentType = "text/" + secret
			case "in the charset":
				contentType = "application/json; x=" + secret + "; x"
			}
			tr.try(t, target+" "+name, "POST", target, contentType, text)
		}
	}
}

func TestValuesInPlacesOfNames(t *testing.T) {
	t.Parallel()
	tr := newTrial(t)
	q := url.QueryEscape(secret)
	for _, tc := range [][2]string{
		{"GET", "/v1/circuits/" + q}, {"DELETE", "/v1/circuits/" + q}, {"PUT", "/v1/circuits/a/tags/" + q},
		{"GET", "/v1/proofs/" + q}, {"GET", "/v1/proofs/p_1?wait=" + q}, {"GET", "/v1/proofs?state=" + q}, {"GET", "/v1/proofs?circuit=%2F" + q},
		{"GET", "/v1/circuits?limit=" + q}, {"GET", "/v1/circuits?" + q + "=1"}, {"GET", "/v1/circuits?cursor=" + strings.Repeat(q, 50)},
		{"GET", "/" + q}, {"GET", "/v1/" + q + "?" + q}, {"GET", "/v1/circuits/a/keys/k/verifying-key?format=" + q}, {secret, "/v1/proofs"},
	} {
		tr.try(t, tc[0]+" "+tc[1], tc[0], tc[1], "", "")
	}
}

func TestValuesInForms(t *testing.T) {
	t.Parallel()
	tr := newTrial(t)
	for _, name := range []string{"frontend", "name", "tag", "program", "abi", "scheme", secret} {
		for _, target := range []string{"/v1/circuits", "/v1/circuits/a/keys"} {
			contentType, body := multipartBody(t, part{name, secret + " " + secret})
			tr.try(t, target+" "+name, "POST", target, contentType, body.String())
			tr.try(t, target+" cut "+name, "POST", target, contentType, body.String()[:body.Len()-20])
		}
	}
}

// trial is an open and a keyed server, and one whose service panics.
type trial map[string]*rig

func newTrial(t *testing.T) trial {
	panics := newRig(t, smallBodies)
	panics.fake.panic = secret
	return trial{"open": newRig(t, smallBodies), "keyed": newRig(t, withKeys), "panics": panics}
}

// try sends a request to each server and looks for the secret.
func (tr trial) try(t *testing.T, name, method, target, contentType, body string) {
	t.Helper()
	for state, r := range tr {
		r.log.Reset()
		w := r.do(method, target, contentType, body, "Authorization", "Bearer "+secret, api.HeaderPrefer, "wait="+secret)
		answer := w.Body.String() + fmt.Sprint(w.Header())
		log := r.log.String()
		for _, text := range []string{secret, "hunter2", "313370042"} {
			if strings.Contains(answer, text) {
				t.Errorf("%s (%s): %q is in the answer %d %s", name, state, text, w.Code, answer)
			}
			if strings.Contains(log, text) {
				t.Errorf("%s (%s): %q is in the log %s", name, state, text, log)
			}
		}
		if !strings.Contains(log, `"msg":"request"`) {
			t.Errorf("%s (%s): no access log", name, state)
		}
	}
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
