#!/usr/bin/env node
// snarkjs as a prover beside Provery, for `make bench-peers`.
//
// It speaks the protocol of Provery's own measuring processes (internal/bench,
// wire.go): one JSON request on each line of standard input, one reply on each line
// of standard output.
//
//   {"open":{"material":{"files":{"wasm":FILE},"key":FILE,"arguments":[…]}}}
//        reads the files, which the later requests then find in memory
//   {"run":{"index":I,"keep":true}}
//        computes the witness of the I-th arguments and proves it; with "keep", the
//        reply holds the proof
//
// A cost is {"cpu_s","wall_s"} of the whole process, its worker threads included.

import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import * as snarkjs from "snarkjs";

let subject;

/** Runs f and returns its cost and its result. */
async function measure(f) {
  globalThis.gc?.();
  const cpu = process.cpuUsage();
  const start = performance.now();
  const result = await f();
  const { user, system } = process.cpuUsage(cpu);
  return [{ cpu_s: (user + system) / 1e6, wall_s: (performance.now() - start) / 1e3 }, result];
}

async function open({ material }) {
  const [opened, files] = await measure(async () => ({
    wasm: new Uint8Array(readFileSync(material.files.wasm)),
    key: new Uint8Array(readFileSync(material.key)),
  }));
  subject = { ...files, arguments: material.arguments };
  return { opened };
}

async function run({ index, keep }) {
  const input = subject.arguments[index % subject.arguments.length];
  const wtns = { type: "mem" };
  const [witness] = await measure(() => snarkjs.wtns.calculate(input, subject.wasm, wtns));
  const [prove, { proof, publicSignals }] = await measure(() => snarkjs.groth16.prove(subject.key, wtns));
  return { run: { witness, prove }, ...(keep && { proof: { proof, public: publicSignals } }) };
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    const request = JSON.parse(line);
    reply = request.open ? await open(request.open) : await run(request.run);
  } catch (error) {
    reply = { error: { code: "internal", detail: String(error?.message ?? error) } };
  }
  reply.peak_bytes = process.resourceUsage().maxRSS * 1024;
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
process.exit(0); // snarkjs leaves threads behind
