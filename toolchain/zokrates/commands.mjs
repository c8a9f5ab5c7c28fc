// The commands of zokrates.mjs, as functions over the zokrates-js module.
//
// Every command is described by an entry of COMMANDS: its options, and a `run`
// function (session, options) that reads files, calls zokrates-js, writes files
// and returns a JSON value. A Session owns the WebAssembly instance; starting
// one takes about a CPU second, so a batch shares it.

import { readFileSync, writeFileSync, mkdirSync } from "node:fs";
import path from "node:path";

/** The first four bytes after the magic and version of a program file name its curve. */
const CURVE_IDS = {
  b4f7b5bd: "bn128",
  "40d8c1f9": "bls12_381",
  c2955ab5: "bls12_377",
  edec80ac: "bw6_761",
};
const CURVES = Object.values(CURVE_IDS);

/**
 * A failure that the caller can act on.
 * kind: "usage" (bad options), "file" (cannot read or write), "rejected"
 * (zokrates-js refused the input), "panic" (zokrates-js crashed on it),
 * "toolchain" (zokrates-js is not installed).
 */
export class CommandError extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/** Owns a zokrates-js instance. Starts it when first needed and anew after a panic. */
export class Session {
  #provider = null;
  #startup;

  /** Starts the instance if there is none, and returns the CPU seconds that the process spent up to then. */
  async start() {
    this.#provider ??= await load();
    this.#startup ??= cpuSeconds();
    return this.#startup;
  }

  /** Calls f(provider) with the provider bound to the options, turning whatever it throws into a CommandError. */
  async call({ curve, backend = "ark", scheme = "g16" }, f) {
    await this.start();
    // zokrates-js reports a panic by printing it with a stack trace before it throws.
    const printed = [];
    const original = console.error;
    console.error = (...parts) => printed.push(parts.join(" "));
    try {
      return f(this.#provider.withOptions({ curve, backend, scheme }));
    } catch (error) {
      throw this.#explain(error, printed);
    } finally {
      console.error = original;
    }
  }

  #explain(error, printed) {
    if (error instanceof CommandError) return error;
    if (typeof error === "string") return new CommandError("rejected", error);
    this.#provider = null; // the instance's state is not to be trusted any more
    const text = printed.map((p) => p.split("\n\nStack:")[0].trim()).join("; ");
    return new CommandError("panic", `zokrates-js crashed: ${text || error?.message || error}`);
  }
}

function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

async function load() {
  let zokrates;
  try {
    zokrates = await import("zokrates-js");
  } catch (error) {
    if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
    throw new CommandError("toolchain", "zokrates-js is not installed: run `make setup`, or `npm ci` in toolchain/zokrates");
  }
  return zokrates.initialize();
}

const CURVE = { curve: { type: "string", choices: CURVES, default: "bn128" } };
const SUITE = {
  ...CURVE,
  backend: { type: "string", choices: ["ark", "bellman"], default: "ark" },
  scheme: { type: "string", choices: ["g16", "gm17"], default: "g16" },
};
const required = { type: "string", required: true };
const optional = { type: "string" };

/** name -> { positional?, options, run }. */
export const COMMANDS = {
  compile: {
    positional: "source",
    options: { source: required, ...CURVE, debug: { type: "boolean" }, out: required },
    run: compile,
  },
  setup: { options: { program: required, ...SUITE, out: required, entropy: optional }, run: setup },
  witness: { options: { program: required, abi: optional, ...CURVE, args: required, out: required }, run: witness },
  prove: {
    options: { program: required, witness: required, key: required, ...SUITE, out: required, entropy: optional },
    run: prove,
  },
  verify: { options: { vk: required, proof: required, ...SUITE }, run: verify },
  solidity: { options: { vk: required, out: required }, run: solidity },
};

async function compile(session, o) {
  const source = read(o.source, "utf8");
  const root = path.dirname(path.resolve(o.source));
  const artifacts = await session.call(o, (zokrates) =>
    zokrates.compile(source, {
      location: path.basename(o.source),
      resolveCallback: resolver(root),
      config: { debug: o.debug ?? false },
    }),
  );
  write(path.join(o.out, "out"), artifacts.program);
  write(path.join(o.out, "abi.json"), pretty(artifacts.abi));
  return { constraints: artifacts.constraintCount, programBytes: artifacts.program.length };
}

/**
 * Returns zokrates-js' import callback for sources below root.
 *
 * A location is relative to root and starts with "./" or "../": without that
 * prefix the compiler would look for the module's own imports in its standard
 * library. It is not an absolute path, so that the same source gives the same
 * program, and the same positions in error messages, wherever it is checked out.
 */
function resolver(root) {
  return (from, imported) => {
    const file = path.resolve(root, path.dirname(from), withExtension(imported));
    const relative = path.relative(root, file).split(path.sep).join("/");
    const location = relative.startsWith("../") ? relative : `./${relative}`;
    return { source: readFileSync(file, "utf8"), location };
  };
}

function withExtension(name) {
  return path.extname(name) === ".zok" ? name : `${name}.zok`;
}

async function setup(session, o) {
  const program = readProgram(o);
  const keys = await session.call(o, (zokrates) => zokrates.setup(program, o.entropy));
  write(path.join(o.out, "proving.key"), keys.pk);
  write(path.join(o.out, "verification.key"), pretty(keys.vk));
  return { provingKeyBytes: keys.pk.length };
}

async function witness(session, o) {
  const program = readProgram(o);
  const args = readJSON(o.args);
  const abi = o.abi === undefined ? null : readJSON(o.abi);
  const logs = [];
  const result = await session.call(o, (zokrates) =>
    zokrates.computeWitness({ program, abi }, args, { logCallback: (line) => logs.push(line) }),
  );
  write(path.join(o.out, "witness"), result.witness);
  write(path.join(o.out, "output.json"), result.output);
  return { output: JSON.parse(result.output), logs };
}

async function prove(session, o) {
  const [program, assignment, key] = [readProgram(o), read(o.witness), read(o.key)];
  const proof = await session.call(o, (zokrates) => zokrates.generateProof(program, assignment, key, o.entropy));
  write(o.out, pretty(proof));
  return { publicInputs: proof.inputs.length };
}

async function verify(session, o) {
  const [vk, proof] = [readJSON(o.vk), readJSON(o.proof)];
  return session.call(o, (zokrates) => zokrates.verify(vk, proof));
}

async function solidity(session, o) {
  const vk = readJSON(o.vk);
  const source = await session.call({ curve: "bn128" }, (zokrates) => zokrates.exportSolidityVerifier(vk));
  write(o.out, source);
  return { bytes: source.length };
}

/** Reads a program file; its header must name the curve that was asked for. */
function readProgram({ program, curve }) {
  const bytes = read(program);
  const magic = bytes.toString("latin1", 0, 4);
  if (bytes.length < 12 || magic !== "ZOK\0") throw new CommandError("file", `${program}: not a ZoKrates program`);
  const actual = CURVE_IDS[bytes.toString("hex", 8, 12)];
  if (actual !== curve) throw new CommandError("usage", `${program} is for the curve ${actual ?? "?"}, not ${curve}`);
  return bytes;
}

function readJSON(file) {
  try {
    return JSON.parse(read(file, "utf8"));
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError("file", `${file}: ${error.message}`);
  }
}

function read(file, encoding) {
  try {
    return readFileSync(file, encoding);
  } catch (error) {
    throw new CommandError("file", error.message);
  }
}

function write(file, content) {
  try {
    mkdirSync(path.dirname(path.resolve(file)), { recursive: true });
    writeFileSync(file, content);
  } catch (error) {
    throw new CommandError("file", error.message);
  }
}

function pretty(value) {
  return JSON.stringify(value, null, 2);
}
