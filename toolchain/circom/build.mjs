#!/usr/bin/env node
// Compiles the example circuits and those of testdata/circom/lib, and makes
// arguments for them, into the folder OUT (default build/cache/circomlib):
//
//   OUT/NAME/NAME.r1cs, NAME.sym, NAME_js/NAME.wasm, NAME.json
//
// NAME.json has random arguments that the circuit accepts, new on each run. A
// folder that exists is whole and is left alone.

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { buildEddsa, buildBabyjub, newMemEmptyTrie } from "circomlibjs";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.resolve(HERE, "..", "..");
const OUT = path.resolve(process.argv[2] ?? path.join(ROOT, "build", "cache", "circomlib"));

const random = (bytes = 31) => BigInt("0x" + randomBytes(bytes).toString("hex"));
const bits = (n) => Array.from({ length: n }, () => String(randomBytes(1)[0] & 1));

/** The circuits: source and a function that makes arguments. */
const circuits = {
  eddsa: { source: "examples/circom/eddsa/main.circom", args: signature },
  membership: {
    source: "examples/circom/membership/main.circom",
    args: () => ({ secret: random(), topic: random(), siblings: Array.from({ length: 20 }, () => random()), right: bits(20) }),
  },
  poseidon: { args: () => ({ inputs: [random(), random(), random()] }) },
  mimc: { args: () => ({ ins: [random(), random()], k: random() }) },
  sha256: { args: () => ({ in: bits(64) }) },
  comparators: { args: () => ({ in: [random(8), random(8)] }) },
  bitify: { args: () => ({ in: random() }) },
  escalarmul: { args: point },
  smt: { args: inclusion },
};

async function signature() {
  const eddsa = await buildEddsa();
  const F = eddsa.babyJub.F;
  const key = randomBytes(32);
  const message = F.e(random());
  const pub = eddsa.prv2pub(key);
  const s = eddsa.signPoseidon(key, message);
  return {
    enabled: 1, Ax: F.toObject(pub[0]), Ay: F.toObject(pub[1]), M: F.toObject(message),
    S: s.S, R8x: F.toObject(s.R8[0]), R8y: F.toObject(s.R8[1]),
  };
}

async function point() {
  const jub = await buildBabyjub();
  const p = jub.mulPointEscalar(jub.Base8, random());
  return { p: [jub.F.toObject(p[0]), jub.F.toObject(p[1])], e: bits(253) };
}

async function inclusion() {
  const tree = await newMemEmptyTrie();
  const keys = [random(4), random(4), random(4)];
  for (const k of keys) await tree.insert(k, random());
  const found = await tree.find(keys[1]);
  const F = tree.F;
  const siblings = found.siblings.map((x) => F.toObject(x));
  while (siblings.length < 10) siblings.push(0n);
  return {
    enabled: 1, fnc: 0, root: F.toObject(tree.root), siblings, oldKey: 0, oldValue: 0, isOld0: 0,
    key: keys[1], value: F.toObject(found.foundValue),
  };
}

const text = (v) => JSON.stringify(v, (_, x) => (typeof x === "bigint" ? x.toString() : x));

for (const [name, c] of Object.entries(circuits)) {
  const target = path.join(OUT, name);
  if (existsSync(target)) continue;
  // The compiler doesn't follow symbolic links, which OUT may lie behind.
  const temporary = path.join(ROOT, "build", `circom-${name}.${process.pid}`);
  const partial = `${target}.${process.pid}.tmp`;
  mkdirSync(temporary, { recursive: true });
  try {
    const source = path.join(ROOT, c.source ?? `testdata/circom/lib/${name}.circom`);
    // The compiler sees files below the folders that its paths are relative to.
    const cli = path.join(HERE, "node_modules", "circom2", "cli.js");
    const near = (p) => path.relative(ROOT, p);
    execFileSync("node", [cli, near(source), "--r1cs", "--wasm", "--sym", "-l", near(path.join(HERE, "node_modules")), "-o", near(temporary)], { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
    const base = path.basename(source, ".circom");
    if (base !== name) {
      for (const ending of ["r1cs", "sym"]) renameSync(path.join(temporary, `${base}.${ending}`), path.join(temporary, `${name}.${ending}`));
      renameSync(path.join(temporary, `${base}_js`, `${base}.wasm`), path.join(temporary, `${base}_js`, `${name}.wasm`));
      renameSync(path.join(temporary, `${base}_js`), path.join(temporary, `${name}_js`));
    }
    writeFileSync(path.join(temporary, `${name}.json`), text(await c.args()));
    cpSync(temporary, partial, { recursive: true });
    renameSync(partial, target);
    console.error(`${name}: done`);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
    rmSync(partial, { recursive: true, force: true });
  }
}
process.exit(0); // circomlibjs keeps worker threads
