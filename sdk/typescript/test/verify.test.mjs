// Verification of proofs that ZoKrates and snarkjs made.
import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidProofError, VerifyingKey } from "../dist/verify.js";
import { fixture } from "./service.mjs";

const read = (name) => JSON.parse(fixture(name));
const zokrates = (dir) => ({ key: read(`zokrates/mul/${dir}/verification.key`), proof: read(`zokrates/mul/${dir}/proof.json`) });
const snarkjs = (dir) => ({ key: read(`circom/${dir}/verification_key.json`), proof: { proof: read(`circom/${dir}/proof.json`), public: read(`circom/${dir}/public.json`) } });
const cases = {
  "ZoKrates, Groth16 on bn128": zokrates("bn128/ark-g16"),
  "ZoKrates, Groth16 on bls12_381": zokrates("bls12_381/ark-g16"),
  "ZoKrates, GM17 on bn128": zokrates("bn128/ark-gm17"),
  "ZoKrates, GM17 on bls12_381": zokrates("bls12_381/ark-gm17"),
  "snarkjs on bn128": snarkjs("bn128"),
  "snarkjs on bls12381": snarkjs("bls12381"),
};

for (const [name, { key, proof }] of Object.entries(cases)) {
  test(name, () => {
    const vk = VerifyingKey.parse(JSON.stringify(key));
    vk.verify(proof);
    vk.verify(JSON.stringify(proof));
    const inputs = proof.inputs ?? proof.public;
    assert.equal(vk.numPublic, inputs.length);
    vk.verify(proof, inputs);
    for (const i of inputs.keys()) assert.throws(() => vk.verify(proof, inputs.with(i, "12345")), InvalidProofError);
    for (const bad of [[], inputs.slice(1), [...inputs, "0"], inputs.with(0, "0x" + "f".repeat(80))]) assert.throws(() => vk.verify(proof, bad), InvalidProofError);
    for (const [other, { proof: stranger }] of Object.entries(cases)) {
      if (other !== name) assert.throws(() => vk.verify(stranger), InvalidProofError, other);
    }
  });
}

test("tampered numbers", () => {
  const { key, proof } = cases["ZoKrates, Groth16 on bn128"];
  const vk = VerifyingKey.parse(key);
  const text = JSON.stringify(proof);
  const numbers = [...text.matchAll(/0x[0-9a-f]+/g)];
  assert.ok(numbers.length >= 10);
  for (const n of numbers) {
    const end = n.index + n[0].length;
    const bad = text.slice(0, end - 1) + (text[end - 1] === "0" ? "1" : "0") + text.slice(end);
    assert.throws(() => vk.verify(bad), Error, n[0]);
  }
});

test("points outside of the subgroup or at infinity", () => {
  const { key, proof } = cases["ZoKrates, Groth16 on bls12_381"];
  const vk = VerifyingKey.parse(key);
  const zero = "0x0";
  for (const point of ["a", "c"]) assert.throws(() => vk.verify({ ...proof, proof: { ...proof.proof, [point]: [zero, zero] } }), InvalidProofError);
  // (4, y) is on the curve y² = x³ + 4, and not in its subgroup.
  const y = "0x" + 0xa989badd40d6212b33cffc3f3763e9bc760f988c9926b26da9dd85e928483446346b8ed00e1de5d5ea93e354abe706cn.toString(16);
  assert.throws(() => vk.verify({ ...proof, proof: { ...proof.proof, a: ["0x4", y] } }), /point|subgroup|torsion/i);
});

test("what isn't a key or a proof", () => {
  const vk = VerifyingKey.parse(cases["snarkjs on bn128"].key);
  for (const bad of ["", "{", [], {}, { scheme: "g16", curve: "bn128" }, { scheme: "plonk", curve: "bn128" }, { protocol: "groth16", curve: "bw6_761", IC: [] }]) {
    assert.throws(() => VerifyingKey.parse(bad));
    assert.throws(() => vk.verify(bad));
  }
});
