package daemon

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"provery/api"
	"provery/client"
)

// planted are private arguments that occur nowhere else. text is no number.
var planted = []string{
	"7130905142836475201937", "8861275340918273645546372819", "550913377731991", "31337004299", "text-hunter2-31337",
}

// traces returns what a planted value looks like where it leaks: as text, or
// as a number in either byte order.
func traces(value string) map[string][]byte {
	out := map[string][]byte{"text": []byte(value)}
	n, ok := new(big.Int).SetString(value, 10)
	if !ok {
		return out
	}
	word := n.FillBytes(make([]byte, 32))
	out["hex"], out["big-endian"] = []byte(n.Text(16)), bytes.TrimLeft(word, "\x00")
	little := bytes.Clone(out["big-endian"])
	slices.Reverse(little)
	out["little-endian"] = little
	modulus, _ := new(big.Int).SetString(modulus, 10)
	montgomery := new(big.Int).Lsh(n, 256)
	word = montgomery.Mod(montgomery, modulus).FillBytes(make([]byte, 32))
	slices.Reverse(word)
	out["Montgomery form"] = word
	return out
}

// wantNoTraces looks for planted values in a text.
func wantNoTraces(t *testing.T, where string, content []byte) {
	t.Helper()
	for _, value := range planted {
		for form, trace := range traces(value) {
			if bytes.Contains(content, trace) {
				t.Errorf("%s: found %s as %s", where, value, form)
			}
		}
	}
}

// files returns the content of every file below a directory.
func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return ignoreGone(err)
		}
		b, err := os.ReadFile(path)
		out[path] = b
		return ignoreGone(err)
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func ignoreGone(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

// wantNothingPrivate looks everywhere that a service leaves something.
func (r *rig) wantNothingPrivate(when string, control ...string) {
	r.t.Helper()
	found := map[string]bool{}
	for path, content := range files(r.t, r.dir) {
		wantNoTraces(r.t, when+": "+filepath.Base(path), content)
		for _, c := range control {
			found[c] = found[c] || bytes.Contains(content, []byte(c))
		}
	}
	for _, c := range control { // the search finds what is there
		if !found[c] {
			r.t.Errorf("%s: didn't find %s on disk, so that the search proves nothing", when, c)
		}
	}
	wantNoTraces(r.t, when+": log", []byte(r.log.String()))
}

// TestFailure09NothingPrivateIsLeft is failure 9: requests of every outcome hold
// planted values, which must be found nowhere: not in an answer, log, metric
// or file, be it while they wait or after their end.
func TestFailure09NothingPrivateIsLeft(t *testing.T) {
	t.Parallel()
	h := newHold()
	r := start(t, setup{before: h.before})
	r.ready(mul)
	for _, name := range []string{"assertmsg", "asmdir", "square", "mixed"} {
		r.ready(fixture{name, "bn128"})
	}
	var answers []answer
	ask := func(circuit, arguments string, status int) {
		t.Helper()
		request := fmt.Sprintf(`{"circuit":%q,"arguments":%s,"labels":{"mark":"control-4711"}}`, circuit, arguments)
		a := r.do("POST", "/v1/proofs", request, api.HeaderIdempotencyKey, fmt.Sprint(len(answers)))
		if a.status != status {
			t.Errorf("%s: got %d %s, want %d", circuit, a.status, a.body, status)
		}
		dry := r.do("POST", "/v1/circuits/"+circuit+"/witness", fmt.Sprintf(`{"arguments":%s}`, arguments))
		answers = append(answers, a, dry)
	}
	q := func(i int) string { return `"` + planted[i] + `"` }
	ask("mul", fmt.Sprintf(`[%s,"5"]`, q(0)), http.StatusAccepted)
	ask("mul", fmt.Sprintf(`["0x%x","5"]`, number(planted[1])), http.StatusAccepted)
	ask("asmdir", fmt.Sprintf(`[%s,"7"]`, q(0)), http.StatusAccepted)
	ask("assertmsg", fmt.Sprintf(`[%s,%s]`, q(0), q(1)), http.StatusAccepted) // fails at the assertion
	ask("square", fmt.Sprintf(`[%s,"4"]`, q(1)), http.StatusAccepted)
	for _, bad := range []string{`[%s]`, `[%s,%[1]s,%[1]s]`, `[[%s],"1"]`, `{%s:1}`, `[{"a":%s},"1"]`} {
		ask("mul", fmt.Sprintf(bad, q(0)), http.StatusBadRequest)
	}
	ask("mul", fmt.Sprintf(`[%s,"1"]`, q(4)), http.StatusBadRequest)
	ask("mul", `["`+modulus+planted[2]+`","1"]`, http.StatusBadRequest)
	mixed := compact(t, fixture{"mixed", "bn128"}.args(t))
	ask("mixed", strings.Replace(mixed, `"65535"`, q(3), 1), http.StatusBadRequest)
	ask("mixed", strings.Replace(mixed, `"9"`, q(2), 1), http.StatusAccepted)

	r.wantNothingPrivate("while the jobs wait", "control-4711")
	h.release()
	for _, a := range answers {
		wantNoTraces(t, "answer", []byte(a.body))
		var p api.Proof
		if json.Unmarshal([]byte(a.body), &p) != nil || p.ID == "" {
			continue
		}
		end := r.do("GET", "/v1/proofs/"+p.ID+"?wait=60", "")
		if end.status != http.StatusOK || !strings.Contains(end.body, `"finished"`) {
			t.Errorf("got %d %s, want the end", end.status, end.body)
		}
		wantNoTraces(t, "result", []byte(end.body))
	}
	wantNoTraces(t, "metrics", []byte(r.metrics()))
	r.wantNothingPrivate("after their end", "control-4711")
	r.stop()
	r.wantNothingPrivate("after the service's end", "control-4711")
}

func number(text string) *big.Int {
	n, _ := new(big.Int).SetString(text, 10)
	return n
}

// TestNoHashOfARequestIsStored shows that who reads the disk can't test
// guesses of a request's arguments.
func TestNoHashOfARequestIsStored(t *testing.T) {
	t.Parallel()
	h := newHold()
	r := start(t, setup{before: h.before})
	r.ready(mul)
	req := times(6, 7)
	if _, err := r.cl.Submit(r.ctx(), req, client.SubmitOptions{IdempotencyKey: "control-4712"}); err != nil {
		t.Fatal(err)
	}
	req.Priority = api.PriorityNormal // filled in before the service sees it
	body, err := json.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	task := []byte(`{"arguments":["6","7"]}`)
	keyed := r.ring.Fingerprint("request", body)
	seen := false
	for path, content := range files(t, r.dir) {
		for _, plain := range [][]byte{body, task, task[13 : len(task)-1]} {
			sum := sha256.Sum256(plain)
			if bytes.Contains(content, sum[:]) || bytes.Contains(content, []byte(hex.EncodeToString(sum[:]))) {
				t.Errorf("%s holds the SHA-256 of %s", filepath.Base(path), plain)
			}
		}
		seen = seen || bytes.Contains(content, []byte(hex.EncodeToString(keyed[:])))
	}
	if !seen {
		t.Error("didn't find the keyed hash on disk, so that the search proves nothing")
	}
	h.release()
}
