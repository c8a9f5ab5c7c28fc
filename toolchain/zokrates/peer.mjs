#!/usr/bin/env node
// zokrates-js as a prover beside Provery, for `make bench-peers`.
//
// It speaks the protocol of Provery's own measuring processes (internal/bench,
// wire.go): one JSON request on each line of standard input, one reply on each line
// of standard output.
//
//   {"open":{"material":{"files":{"program":FILE,"abi":FILE},"key":FILE,"arguments":[…]}}}
//        reads the files, which the later requests then find in memory
//   {"run":{"index":I,"keep":true}}
//        computes the witness of the I-th arguments and proves it; with "keep", the
//        reply holds the proof
//
// A cost is {"cpu_s","wall_s"} of the whole process.

import { createInterface } from "node:readline";
import { readFileSync } from "node:fs";
import { Session } from "./commands.mjs";

const SUITE = { curve: "bn128", backend: "ark", scheme: "g16" };
const session = new Session();
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
  await session.start();
  const [opened, files] = await measure(async () => ({
    program: new Uint8Array(readFileSync(material.files.program)),
    abi: JSON.parse(readFileSync(material.files.abi, "utf8")),
    key: new Uint8Array(readFileSync(material.key)),
  }));
  subject = { ...files, arguments: material.arguments };
  return { opened };
}

async function run({ index, keep }) {
  const { program, abi, key } = subject;
  const args = subject.arguments[index % subject.arguments.length];
  const [witness, computed] = await measure(() => session.call(SUITE, (z) => z.computeWitness({ program, abi }, args)));
  const [prove, proof] = await measure(() => session.call(SUITE, (z) => z.generateProof(program, computed.witness, key)));
  return { run: { witness, prove }, ...(keep && { proof }) };
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
