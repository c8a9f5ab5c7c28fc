#!/usr/bin/env node
// Compiles a ZoKrates example and makes test keys for it, once.
//
//   build.mjs EXAMPLE_DIR [--program main] [--curve bn128] [--backend ark]
//             [--scheme g16] [--no-setup] [--out DIR]
//
// EXAMPLE_DIR holds PROGRAM.zok and whatever it imports. The results lie in the
// folder OUT: --out, else NAME in the directory that PROVERY_CACHE names in the
// environment, else build/cache/NAME below the module root. NAME is the base name
// of EXAMPLE_DIR, with "-PROGRAM" after it for a program that isn't "main".
//
//   OUT/CURVE/out, abi.json, build.json
//   OUT/CURVE/BACKEND-SCHEME/proving.key, verification.key, build.json
//
// Each of the two folders is built in a temporary folder beside it and then
// renamed, so that one which exists is whole. Its build.json holds the key it was
// built under, a hash of the sources, the toolchain and the options: a folder with
// another key is built anew, one with the same key is left alone.
//
// The last line on standard output is the absolute path of OUT/CURVE; progress
// goes to standard error, with CPU seconds and peak memory for each step.
// The keys come from one party's randomness: for tests and demonstrations only.

import { createHash } from "node:crypto";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const MODULE_ROOT = path.resolve(HERE, "..", "..");

/** Ends the running step, so that the temporary folder is removed, when this process is asked to end. */
const interrupted = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => interrupted.abort());

async function main(argv) {
  const { values: o, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      program: { type: "string", default: "main" },
      curve: { type: "string", default: "bn128" },
      backend: { type: "string", default: "ark" },
      scheme: { type: "string", default: "g16" },
      "no-setup": { type: "boolean", default: false },
      out: { type: "string" },
    },
  });
  if (positionals.length !== 1) throw new Error("want exactly one example directory");
  const source = path.resolve(positionals[0]);
  const main = path.join(source, `${o.program}.zok`);
  if (!existsSync(main)) throw new Error(`${main} does not exist`);

  const name = path.basename(source) + (o.program === "main" ? "" : `-${o.program}`);
  const cache = process.env.PROVERY_CACHE || path.join(MODULE_ROOT, "build", "cache");
  const target = path.resolve(o.out ?? path.join(cache, name), o.curve);
  const programKey = hash("program", toolchainVersion(), o.program, o.curve, ...sources(source));
  await ensure(target, programKey, (temporary) => runTool("compile", main, "--curve", o.curve, "--out", temporary));

  if (!o["no-setup"]) {
    const suite = ["--curve", o.curve, "--backend", o.backend, "--scheme", o.scheme];
    const keysKey = hash("keys", programKey, o.backend, o.scheme);
    await ensure(path.join(target, `${o.backend}-${o.scheme}`), keysKey, (temporary) =>
      runTool("setup", "--program", path.join(target, "out"), ...suite, "--out", temporary),
    );
  }
  console.log(target);
}

/** Makes sure that the folder holds what build writes under the key. */
async function ensure(folder, key, build) {
  const shown = path.relative(process.cwd(), folder) || ".";
  if (builtUnder(folder) === key) {
    console.error(`${shown}: up to date`);
    return;
  }
  const temporary = temporaryFolder(folder);
  try {
    console.error(`${shown}: building ...`);
    const result = await build(temporary);
    writeFileSync(path.join(temporary, "build.json"), JSON.stringify({ key, ...result }, null, 2));
    replace(folder, temporary);
    console.error(`${shown}: ${JSON.stringify(result)}`);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function builtUnder(folder) {
  try {
    return JSON.parse(readFileSync(path.join(folder, "build.json"), "utf8")).key;
  } catch {
    return undefined;
  }
}

/** Returns a new folder beside the given one, and removes those of processes that are gone. */
function temporaryFolder(folder) {
  const parent = path.dirname(folder);
  const prefix = `.tmp-${path.basename(folder)}-`;
  mkdirSync(parent, { recursive: true });
  for (const entry of readdirSync(parent)) {
    if (entry.startsWith(prefix) && !isRunning(Number.parseInt(entry.slice(prefix.length), 10)))
      rmSync(path.join(parent, entry), { recursive: true, force: true });
  }
  const temporary = path.join(parent, prefix + process.pid);
  mkdirSync(temporary);
  return temporary;
}

function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Puts temporary in the folder's place. A reader sees the old one, none, or the new one, never a mixture. */
function replace(folder, temporary) {
  const stale = `${temporary}-stale`;
  if (existsSync(folder)) renameSync(folder, stale);
  renameSync(temporary, folder);
  rmSync(stale, { recursive: true, force: true });
}

/** Runs one command of zokrates.mjs in its own process, which returns its memory, and returns result and cost. */
async function runTool(...args) {
  const script = path.join(HERE, "zokrates.mjs");
  const options = { signal: interrupted.signal };
  let output;
  try {
    output = await promisify(execFile)(process.execPath, [script, ...args, "--stats"], options);
  } catch (error) {
    const failures = error.stderr?.split("\n").filter((line) => !line.startsWith("{")).join("\n");
    throw new Error(interrupted.signal.aborted ? "interrupted" : failures?.trim() || error.message);
  }
  const { cpuSeconds, wallSeconds, peakRSSBytes } = JSON.parse(output.stderr.trim().split("\n").at(-1));
  return { ...JSON.parse(output.stdout), cpuSeconds, wallSeconds, peakRSSBytes };
}

/** The version that the lock file pins, with its content hash. */
function toolchainVersion() {
  const lock = JSON.parse(readFileSync(path.join(HERE, "package-lock.json"), "utf8"));
  const { version, integrity } = lock.packages["node_modules/zokrates-js"];
  return `${version} ${integrity}`;
}

/** Names and contents of all .zok files below the folder, in order. */
function sources(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(".zok") && statSync(path.join(folder, name)).isFile())
    .sort()
    .flatMap((name) => [name, readFileSync(path.join(folder, name), "utf8")]);
}

/** SHA-256 of a list of texts, each preceded by its length. */
function hash(...texts) {
  const h = createHash("sha256");
  for (const text of texts) h.update(`${Buffer.byteLength(text)}:`).update(text);
  return h.digest("hex");
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`build.mjs: ${error.message}`);
  process.exitCode = 1;
}
