// The client against scripted answers.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Client, ProveryError, verifyWebhook } from "../dist/index.js";

const json = (body, status = 200, headers = {}) => new Response(JSON.stringify(body), { status, headers });
const problem = (code, status, more = {}) => json({ type: "/docs", title: "t", status, code, scope: "request", retryable: false, ...more }, status);
const busy = () => problem("overloaded", 503, { retryable: true });

/** Returns a client that gets the answers in turn, and the requests that it made. */
function play(answers, options = {}) {
  const requests = [];
  const client = new Client("http://service/", {
    apiKey: "pvk_secret",
    ...options,
    fetch: async (url, init) => {
      requests.push({ url: new URL(url), ...init });
      const next = answers.shift();
      if (next === undefined || next instanceof Error) throw next ?? new Error("the script is at its end");
      return next;
    },
  });
  return { client, requests };
}

test("what is safe is repeated, as the same request", async () => {
  const proof = { id: "p", state: "succeeded", result: { outputs: "1" } };
  const { client, requests } = play([new TypeError("the network"), busy(), json(proof)]);
  assert.equal((await client.prove({ circuit: "a", arguments: [] })).id, "p");
  const keys = requests.map((r) => r.headers.get("Idempotency-Key"));
  assert.equal(new Set(keys).size, 1);
  assert.ok(keys[0].length >= 16);
  assert.equal(requests[0].headers.get("Prefer"), "wait=30");
  assert.equal(requests[0].headers.get("Authorization"), "Bearer pvk_secret");
  assert.equal(requests[0].redirect, "error");
});

test("what isn't, isn't", async () => {
  for (const [name, call, answers] of [
    ["a removal", (c) => c.removeCircuit("a"), [busy()]],
    ["a refusal for good", (c) => c.queue(), [problem("not_found", 404)]],
    ["a pause of an hour", (c) => c.queue(), [json({ code: "overloaded", retryable: true }, 503, { "Retry-After": "3600" })]],
    ["a proof that has ended", (c) => c.prove({ circuit: "a", arguments: [] }), [problem("internal", 500, { retryable: true, instance: "/v1/proofs/p" })]],
    ["no retries", (c) => c.queue(), [busy()], { retries: 0 }],
  ]) {
    const { client, requests } = play(answers, name === "no retries" ? { retries: 0 } : {});
    await assert.rejects(call(client), ProveryError, name);
    assert.equal(requests.length, 1, name);
  }
});

test("states that aren't a success are errors", async () => {
  for (const [state, code] of [["cancelled", "canceled"], ["expired", "deadline_exceeded"], ["failed", "internal"]]) {
    const { client } = play([json({ id: "p", state })]);
    await assert.rejects(client.wait("p"), (err) => err instanceof ProveryError && err.code === code);
  }
});

test("events are taken up behind the last one", async () => {
  const stream = (text) => new Response(text, { headers: { "Content-Type": "text/event-stream" } });
  const { client, requests } = play([
    stream('retry: 1\n\nid: 1\nevent: state\ndata: {"state":"queued"}\n\nid: 4\r\ndata: {"state":"running"}\r\n\r\nid: 5\ndata: {"cut'),
    busy(),
    stream('id: 5\ndata: {"state":"succeeded","final":true}\n\n'),
  ]);
  const states = [];
  for await (const e of client.jobEvents("p")) states.push(`${e.id}:${e.state}`);
  assert.deepEqual(states, ["1:queued", "4:running", "5:succeeded"]);
  assert.deepEqual(requests.map((r) => r.headers.get("Last-Event-ID")), [null, "4", "4"]);
});

test("lists that go round end", async () => {
  const { client } = play([json({ items: [{ id: "a" }], next: "x" }), json({ items: [{ id: "b" }], next: "x" })]);
  const ids = [];
  await assert.rejects(async () => {
    for await (const c of client.allCircuits()) ids.push(c.id);
  }, /circle/);
  assert.deepEqual(ids, ["a"]);
});

test("a proxy's page is an error too, and the key is in none", async () => {
  const { client } = play([new Response("<html>", { status: 404 })]);
  await assert.rejects(client.queue(), (err) => err.code === "internal" && err.status === 404 && !String(err.stack).includes("pvk_secret"));
});

test("webhooks", async () => {
  const secret = "whsec_" + Buffer.from("a key of some bytes").toString("base64");
  const body = '{"type":"proof.succeeded","timestamp":"2026-01-02T15:04:05Z","data":{"id":"p","kind":"proof","state":"succeeded","created":"2026-01-02T15:04:05Z"}}';
  const sign = async (text) => {
    const key = await crypto.subtle.importKey("raw", Buffer.from("a key of some bytes"), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    return "v1," + Buffer.from(await crypto.subtle.sign("HMAC", key, Buffer.from(text))).toString("base64");
  };
  const now = Math.floor(Date.now() / 1000);
  const headers = async (time, text = body) => new Headers({ "Webhook-Id": "m", "Webhook-Timestamp": String(time), "Webhook-Signature": `v1,AAAA ${await sign(`m.${time}.${text}`)}` });
  assert.equal((await verifyWebhook(await headers(now), body, "whsec_" + btoa("another"), secret)).data.id, "p");
  await assert.rejects(verifyWebhook(await headers(now), body.replace("succeeded", "failed"), secret), /signature/);
  await assert.rejects(verifyWebhook(await headers(now - 1000), body, secret), /clock/);
  await assert.rejects(verifyWebhook(await headers(now), body, "whsec_"), /malformed/);
  await assert.rejects(verifyWebhook(new Headers(), body, secret), /no id/);
});

/** Operations that the client has no call for. */
const leftOut = new Set(["/docs", "/openapi.json", "/openapi-3.0.json", "/metrics"]);

test("every operation of the document has a call", async () => {
  const document = JSON.parse(readFileSync(new URL("../openapi.json", import.meta.url)));
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    leftOut.has(path) ? [] : Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path, pattern: new RegExp("^" + path.replace(/\{[^}]+\}/g, "[^/]+") + "$") })),
  );
  const drain = async (seq) => {
    for await (const _ of seq) break;
  };
  const file = new Blob(["x"]);
  const calls = [
    (c) => c.prove({ circuit: "a", arguments: [] }), (c) => c.proof("p"), (c) => c.proofs(), (c) => c.cancel("p"), (c) => c.deleteProof("p"), (c) => c.calldata("p"),
    (c) => drain(c.proofEvents("p")), (c) => c.submitBatch({ circuit: "a", items: [] }), (c) => c.batch("b"), (c) => drain(c.batchItems("b")), (c) => drain(c.batchResults("b")),
    (c) => drain(c.batchEvents("b")), (c) => c.cancelBatch("b"), (c) => c.deleteBatch("b"), (c) => c.register({ artefacts: { program: "p" } }), (c) => c.circuit("a"), (c) => c.circuits(),
    (c) => c.removeCircuit("a"), (c) => c.tag("a", "b"), (c) => c.addKeys("a", { provingKey: "k" }), (c) => c.keys("a"), (c) => c.verifyingKey("a", "k"), (c) => c.provingKey("a", "k"),
    (c) => c.verifier("a"), (c) => c.dryRun("a", { arguments: [] }), (c) => c.verify({ proof: {} }), (c) => c.upload(file), (c) => c.uploadStatus("d"), (c) => c.deleteUpload("d"),
    (c) => c.job("j"), (c) => c.jobs(), (c) => drain(c.jobEvents("j")), (c) => c.cancelJob("j"), (c) => c.retryJob("j"), (c) => c.deleteJob("j"), (c) => c.webhooks(), (c) => c.webhook("w"),
    (c) => c.redeliver("w"), (c) => c.workers(), (c) => c.queue(), (c) => c.about(), (c) => c.ready(), (c) => c.health(),
  ];
  const called = new Set();
  for (const call of calls) {
    const { client, requests } = play([problem("not_found", 404), problem("not_found", 404)], { retries: 0 });
    await assert.rejects(call(client), ProveryError, String(call));
    for (const r of requests) {
      const op = operations.filter((o) => o.method === r.method && o.pattern.test(decodeURIComponent(r.url.pathname)));
      assert.ok(op.length > 0, `${r.method} ${r.url.pathname} isn't in the document`);
      for (const o of op) called.add(o);
    }
  }
  assert.deepEqual(operations.filter((o) => !called.has(o)).map((o) => `${o.method} ${o.path}`), []);
});
