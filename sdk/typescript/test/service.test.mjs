// The client against a running service.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { CheckError, Client, ProveryError } from "../dist/index.js";
import { VerifyingKey } from "../dist/verify.js";
import { fixture, serve } from "./service.mjs";

const mul = "zokrates/mul/bn128/";
const secret = "31337000031337";
let service, client;

before(async () => {
  service = await serve();
  client = new Client(service.url);
  const { circuit, existed } = await client.register({ name: "product", artefacts: { program: fixture(mul + "out"), abi: fixture(mul + "abi.json") } });
  assert.equal(existed, false);
  assert.deepEqual((await client.register({ artefacts: { program: fixture(mul + "out"), abi: fixture(mul + "abi.json") } })).circuit.id, circuit.id);
  await client.addKeys("product", { provingKey: fixture(mul + "ark-g16/proving.key") });
});

after(() => service?.stop());

const request = (a, b) => ({ circuit: "product", arguments: [String(a), String(b)] });

test("prove, and check the proof here", async () => {
  const key = VerifyingKey.parse(await client.verifyingKey("product", "groth16"));
  const checking = new Client(service.url, { check: key.check });
  const proof = await checking.prove(request(3, 5));
  assert.equal(proof.result.outputs, "15");
  assert.equal((await client.verify({ circuit: "product", proof: proof.result.proof })).valid, true);
  assert.match((await client.calldata(proof.id)).calldata, /^0x/);
  const tampered = new Client(service.url, {
    check: key.check,
    fetch: async (...args) => {
      const response = await fetch(...args);
      const body = await response.json();
      if (body.result) body.result.public_inputs[1] = "0x10";
      return new Response(JSON.stringify(body), response);
    },
  });
  await assert.rejects(tampered.wait(proof.id), CheckError);
});

test("submit, follow and find again", async () => {
  const idempotencyKey = "order-1";
  const first = await client.submit(request(2, 3), { idempotencyKey });
  const seen = [];
  const done = await client.follow(first.id, (e) => seen.push(e.state));
  assert.equal(done.result.outputs, "6");
  assert.equal(seen.at(-1), "succeeded");
  assert.equal((await client.submit(request(2, 3), { idempotencyKey })).id, first.id);
  await assert.rejects(client.submit(request(9, 9), { idempotencyKey }), (err) => err instanceof ProveryError && err.code === "conflict");
  const states = [];
  for await (const e of client.proofEvents(first.id)) states.push(e.state);
  assert.equal(states.at(-1), "succeeded");
  await assert.rejects(client.follow(first.id, () => { throw new Error("mine"); }), /mine/);
});

test("batches", async () => {
  const batch = await client.submitBatch({ circuit: "product", items: [0, 1, 2].map((i) => ({ arguments: ["7", String(i)] })) });
  const outputs = [];
  for await (const p of client.batchResults(batch.id, { wait: true })) outputs.push(p.result.outputs);
  assert.deepEqual(outputs, ["0", "7", "14"]);
  const end = await client.followBatch(batch.id);
  assert.equal(end.counts.succeeded, 3);
  for await (const p of client.batchItems(batch.id, { from: 1 })) {
    assert.equal(p.item, 1);
    break; // the connection ends with the loop
  }
  await client.deleteBatch(batch.id);
});

test("refusals have a code and a place, and repeat nothing private", async () => {
  await assert.rejects(client.prove({ circuit: "product", arguments: [secret + "x", "1"] }), (err) => {
    assert.ok(err instanceof ProveryError);
    assert.equal(err.code, "invalid_request");
    assert.equal(err.problem.path, "/arguments/0");
    assert.ok(err.requestId);
    assert.ok(!JSON.stringify([err.message, err.problem, err.stack]).includes(secret));
    return true;
  });
  await assert.rejects(client.prove({ circuit: "nobody", arguments: [] }), (err) => err.code === "not_found" && err.status === 404);
  assert.ok(!service.log().includes(secret));
});

test("lists, jobs and the service", async () => {
  await Promise.all([1, 2, 3].map((i) => client.prove(request(i, i))));
  const ids = [];
  for await (const p of client.allProofs({ state: "succeeded" })) ids.push(p.id);
  assert.ok(ids.length >= 3 && new Set(ids).size === ids.length);
  const one = await client.proofs({}, { limit: 1 });
  assert.equal(one.items.length, 1);
  assert.ok(one.next);
  const job = await client.followJob(ids[0]);
  assert.equal(job.state, "succeeded");
  assert.equal((await client.about()).service, "provery");
  assert.equal((await client.ready()).ready, true);
  await client.health();
  assert.ok((await client.workers()).length >= 1);
  assert.equal((await client.keys("product")).length, 1);
  assert.match(await client.verifier("product", { name: "Product" }), /contract Product/);
  const key = await client.provingKey("product", "groth16");
  let bytes = 0;
  for await (const part of key.body) bytes += part.length;
  assert.equal(key.layout, "ark");
  assert.equal(bytes, fixture(mul + "ark-g16/proving.key").length);
  await client.deleteProof(ids[0]);
  await assert.rejects(client.proof(ids[0]), (err) => err.code === "not_found");
});

test("uploads go on where they broke off", async () => {
  const file = new Blob([new Uint8Array(3 * (1 << 20) + 17).fill(7)]);
  let pieces = 0;
  const cutting = new Client(service.url, {
    retries: 0,
    fetch: (url, init) => (init.method === "PUT" && ++pieces === 2 ? Promise.reject(new TypeError("cut")) : fetch(url, init)),
  });
  await assert.rejects(cutting.upload(file, { pieceBytes: 1 << 20 }), /cut/);
  const seen = [];
  const done = await client.upload(file, { pieceBytes: 1 << 20, progress: (n) => seen.push(n) });
  assert.equal(done.complete, true);
  assert.deepEqual(seen, [1 << 20, 2 << 20, 3 << 20, file.size]);
  await client.deleteUpload(done.digest);

  const [program, abi] = await Promise.all([mul + "out", mul + "abi.json"].map((name) => client.upload(new Blob([fixture(name)]))));
  const { existed } = await client.register({ uploads: { program: program.digest, abi: abi.digest } });
  assert.equal(existed, true);
});

test("a signal ends a wait", async () => {
  const signal = AbortSignal.timeout(1);
  await assert.rejects(client.prove(request(1, 1), { signal }), (err) => err.name === "TimeoutError" || err.name === "AbortError");
});
