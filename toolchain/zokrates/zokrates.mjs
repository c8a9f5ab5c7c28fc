#!/usr/bin/env node
// A command line for zokrates-js, the WebAssembly build of ZoKrates 0.8.8.
//
// Provery's tests compare its own proofs, witnesses and verdicts with those of
// this independent implementation; the examples use it as their compiler. It is
// never part of a running service.
//
//   zokrates.mjs compile SOURCE.zok --out DIR [--curve C] [--debug]
//        writes DIR/out and DIR/abi.json. Imports that start with "./" or "../"
//        are files beside the importing one; others are the standard library's.
//        --debug keeps log statements.
//   zokrates.mjs setup --program FILE --out DIR [--curve C] [--backend B] [--scheme S] [--entropy TEXT]
//        writes DIR/proving.key and DIR/verification.key. One party knows the
//        secrets of these keys: they are for tests and demonstrations. With
//        --entropy the keys are a function of the text: for tests only.
//   zokrates.mjs witness --program FILE --args FILE --out DIR [--abi FILE] [--curve C]
//        writes DIR/witness and DIR/output.json. Without --abi the arguments
//        are a flat list of field elements.
//   zokrates.mjs prove --program FILE --witness FILE --key FILE --out FILE [--curve C] [--backend B] [--scheme S]
//        [--entropy TEXT]
//   zokrates.mjs verify --vk FILE --proof FILE [--curve C] [--backend B] [--scheme S]
//        prints true or false. This is zokrates-js' verdict and nothing more: it
//        takes scheme and curve from the files, whatever the options say, and
//        does not check that points are on the curve or in the subgroup.
//   zokrates.mjs solidity --vk FILE --out FILE
//        writes the verifier contract (bn128 only).
//   zokrates.mjs batch
//        reads a JSON list of commands from standard input, for example
//        [{"command":"verify","vk":"verification.key","proof":"proof.json"}],
//        runs them in one process (start-up costs a CPU second) and prints one
//        line for each: {"ok":true,"result":...} or
//        {"ok":false,"error":{"kind":"...","message":"..."}}.
//
// C: bn128 (default), bls12_381, bls12_377, bw6_761. B: ark (default), bellman
// (bn128 with g16 only). S: g16 (default), gm17.
//
// A command prints its result as one JSON value on standard output, and an error
// as text on standard error. --stats adds {"command","cpuSeconds","wallSeconds",
// "peakRSSBytes"}: as a line on standard error, or as "stats" in each line of a
// batch. The time leaves out the start of Node and of zokrates-js, which it gives
// as "startupCPUSeconds"; the peak is that of the process so far.
//
// Exit status: 0 success; 1 the command failed, or verify printed false; 2 wrong
// usage or unreadable input; 3 zokrates-js is not installed. A batch exits with 0
// if its input could be read, whatever its commands' results.

import { parseArgs } from "node:util";
import { readFileSync } from "node:fs";
import { COMMANDS, CommandError, Session } from "./commands.mjs";

const EXIT = { rejected: 1, panic: 1, usage: 2, file: 2, toolchain: 3 };

/** Parses the command line into [name, options]. */
function parseCommandLine([name, ...rest]) {
  const command = COMMANDS[name] ?? (name === "batch" ? { options: {} } : undefined);
  if (!command) throw new CommandError("usage", `unknown command ${name ?? "(none)"}: want ${[...Object.keys(COMMANDS), "batch"].join(", ")}`);
  const options = { stats: { type: "boolean" } };
  for (const [key, { type }] of Object.entries(command.options)) options[key] = { type };
  let parsed;
  try {
    parsed = parseArgs({ args: rest, options, allowPositionals: command.positional !== undefined });
  } catch (error) {
    throw new CommandError("usage", `${name}: ${error.message}`);
  }
  const { values, positionals } = parsed;
  if (positionals.length > 1) throw new CommandError("usage", `${name}: unexpected argument ${positionals[1]}`);
  if (positionals.length === 1) values[command.positional] = positionals[0];
  return [name, values];
}

/** Returns the options with defaults, or throws a usage error that names the first wrong one. */
function checkOptions(name, given) {
  const command = COMMANDS[name];
  if (!command) throw new CommandError("usage", `unknown command ${JSON.stringify(name)}`);
  const options = {};
  for (const [key, spec] of Object.entries(command.options)) {
    const value = given[key] ?? spec.default;
    if (value === undefined || value === "") {
      if (spec.required) throw new CommandError("usage", `--${key} is required`);
      continue;
    }
    if (typeof value !== spec.type) throw new CommandError("usage", `--${key} must be a ${spec.type}`);
    if (spec.choices && !spec.choices.includes(value))
      throw new CommandError("usage", `--${key} is ${value}, want one of ${spec.choices.join(", ")}`);
    options[key] = value;
  }
  const unknown = Object.keys(given).find((key) => !(key in command.options));
  if (unknown) throw new CommandError("usage", `unknown option ${unknown}`);
  return options;
}

/** Runs one command and returns { ok, result | error, stats }. */
async function run(session, name, given) {
  const outcome = { ok: false };
  let meter;
  try {
    const options = checkOptions(name, given);
    const startup = await session.start();
    meter = new Meter(name, startup);
    outcome.result = await COMMANDS[name].run(session, options);
    outcome.ok = true;
  } catch (error) {
    const kind = error instanceof CommandError ? error.kind : "panic";
    outcome.error = { kind, message: String(error.message ?? error) };
  }
  outcome.stats = meter?.read();
  return outcome;
}

/** Measures the process from its construction on. */
class Meter {
  #cpu = process.cpuUsage();
  #start = performance.now();
  constructor(command, startupCPUSeconds) {
    this.command = command;
    this.startupCPUSeconds = startupCPUSeconds;
  }
  read() {
    const { user, system } = process.cpuUsage(this.#cpu);
    return {
      command: this.command,
      cpuSeconds: (user + system) / 1e6,
      wallSeconds: (performance.now() - this.#start) / 1e3,
      peakRSSBytes: process.resourceUsage().maxRSS * 1024,
      startupCPUSeconds: this.startupCPUSeconds,
    };
  }
}

async function runBatch(withStats) {
  let list;
  try {
    list = JSON.parse(readFileSync(0, "utf8"));
  } catch (error) {
    throw new CommandError("file", `batch: read standard input: ${error.message}`);
  }
  if (!Array.isArray(list)) throw new CommandError("usage", "batch: standard input must be a JSON list of commands");
  const session = new Session();
  for (const item of list) {
    const { command, ...options } = item ?? {};
    const { stats, ...outcome } = await run(session, command, options);
    process.stdout.write(`${JSON.stringify(withStats ? { ...outcome, stats } : outcome)}\n`);
  }
  return 0;
}

async function main(argv) {
  const [name, { stats: withStats, ...options }] = parseCommandLine(argv);
  if (name === "batch") return runBatch(withStats);
  const { ok, result, error, stats } = await run(new Session(), name, options);
  if (withStats && stats) console.error(JSON.stringify(stats));
  if (!ok) throw new CommandError(error.kind, `${name}: ${error.message}`);
  console.log(JSON.stringify(result));
  return result === false ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`zokrates.mjs: ${error.message}`);
  process.exitCode = EXIT[error.kind] ?? 1;
}
