#!/usr/bin/env node
// snarkjs in one process, for tests that take turns with it: starting it costs a
// second, which they would otherwise pay for each command.
//
// One JSON request on each line of standard input, one reply on each line of
// standard output:
//
//   {"call":"zKey.contribute","args":["0.zkey","1.zkey","Ada","typed"]}
//        {"result":"<hex>"} or {"error":"…"}
//
// A call is a function of snarkjs's main module by its path. Bytes come back in
// hexadecimal. What snarkjs prints, and its log of errors, goes to standard error.

import { createInterface } from "node:readline";
import * as snarkjs from "snarkjs";

const quiet = () => {};
const logger = { debug: quiet, info: quiet, warn: console.error, error: console.error };
console.log = console.error;

/** Functions that report what is wrong to a logger, which is their argument of this number. */
const logged = { "zKey.verifyFromR1cs": 3, "zKey.verifyFromInit": 3, "zKey.beacon": 5, "groth16.verify": 3 };

const text = (v) => JSON.stringify(v, (_, x) => (x instanceof Uint8Array ? Buffer.from(x).toString("hex") : typeof x === "bigint" ? x.toString() : x));

for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    const { call, args } = JSON.parse(line);
    const f = call.split(".").reduce((at, name) => at?.[name], snarkjs);
    if (typeof f !== "function") throw new Error(`snarkjs has no ${call}`);
    if (call in logged) args[logged[call]] = logger;
    reply = { result: (await f(...args)) ?? null };
  } catch (error) {
    reply = { error: String(error?.message ?? error) };
  }
  process.stdout.write(`${text(reply)}\n`);
}
process.exit(0); // snarkjs leaves threads behind
