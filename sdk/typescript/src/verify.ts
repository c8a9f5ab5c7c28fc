// Verification of proofs where they are used, by the curves of @noble/curves: so that a service
// needn't be believed. Groth16 and GM17 on bn128 and bls12_381; keys and proofs are JSON of
// ZoKrates or snarkjs.
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { bn254 } from "@noble/curves/bn254.js";

import type { Proof } from "./types.js";

/** A proof that doesn't hold. */
export class InvalidProofError extends Error {
  constructor(why: string) {
    super(`the proof doesn't hold: ${why}`);
    this.name = "InvalidProofError";
  }
}

const curves = { bn128: bn254, bls12_381 };
type CurveName = keyof typeof curves;
type Curve = (typeof curves)[CurveName];
type G1 = InstanceType<Curve["G1"]["Point"]>;
type G2 = InstanceType<Curve["G2"]["Point"]>;
type Pair = { g1: G1; g2: G2 };

const names: Record<string, CurveName> = { bn128: "bn128", bn254: "bn128", bls12_381: "bls12_381", bls12381: "bls12_381" };

/** A verifying key. */
export class VerifyingKey {
  private constructor(
    readonly scheme: "groth16" | "gm17",
    readonly curve: CurveName,
    readonly numPublic: number,
    private readonly equations: (p: Points, inputs: G1) => Pair[][],
    private readonly sum: (inputs: bigint[]) => G1,
  ) {}

  /** Reads ZoKrates's verification.key or snarkjs's verification_key.json, as text or parsed. */
  static parse(text: unknown): VerifyingKey {
    const key = object(typeof text === "string" ? JSON.parse(text) : text, "verifying key");
    const scheme = schemeOf(key, "verifying key");
    const name = curveOf(key, "verifying key");
    const r = new Reader(curves[name]);
    const snarkjs = key["protocol"] !== undefined;
    const query = list(key[snarkjs ? "IC" : scheme === "groth16" ? "gamma_abc" : "query"], "verifying key").map((p) => r.g1(p));
    const constant = query[0];
    if (constant === undefined) throw new TypeError("verifying key: it has no points for the inputs");
    const sum = (inputs: bigint[]) => inputs.reduce((s, x, i) => (x === 0n ? s : s.add((query[i + 1] as G1).multiplyUnsafe(x) as never)), constant);
    if (scheme === "groth16") {
      const at = snarkjs ? ["vk_alpha_1", "vk_beta_2", "vk_gamma_2", "vk_delta_2"] : ["alpha", "beta", "gamma", "delta"];
      const alpha = r.g1(key[at[0] as string]);
      const [beta, gamma, delta] = at.slice(1).map((k) => r.g2(key[k])) as [G2, G2, G2];
      // [Groth16] section 3.2: e(A, B) = e(alpha, beta) e(inputs, gamma) e(C, delta)
      const equations = ({ a, b, c }: Points, x: G1): Pair[][] => [
        [pair(a.negate(), b), pair(alpha, beta), pair(x, gamma), pair(c, delta)],
      ];
      return new VerifyingKey(scheme, name, query.length - 1, equations, sum);
    }
    const [gAlpha, gGamma] = [r.g1(key["g_alpha"]), r.g1(key["g_gamma"])];
    const [h, hBeta, hGamma] = [r.g2(key["h"]), r.g2(key["h_beta"]), r.g2(key["h_gamma"])];
    // [GM17] section 3: e(A g^alpha, B h^beta) = e(g^alpha, h^beta) e(inputs, h^gamma) e(C, h), and e(A, h^gamma) = e(g^gamma, B)
    const equations = ({ a, b, c }: Points, x: G1): Pair[][] => [
      [pair(a.add(gAlpha as never).negate(), b.add(hBeta as never)), pair(gAlpha, hBeta), pair(x, hGamma), pair(c, h)],
      [pair(a, hGamma), pair(gGamma.negate(), b)],
    ];
    return new VerifyingKey(scheme, name, query.length - 1, equations, sum);
  }

  /**
   * Checks a proof: ZoKrates's proof.json, or { proof, public } of snarkjs's files. inputs, decimal or
   * 0x-prefixed hex, replace those in it. A proof that doesn't hold is an InvalidProofError; what
   * isn't a proof is another error.
   */
  verify(text: unknown, inputs?: readonly string[]): void {
    const whole = object(typeof text === "string" ? JSON.parse(text) : text, "proof");
    const inner = object(whole["proof"], "proof");
    const snarkjs = inner["pi_a"] !== undefined;
    const said = snarkjs ? inner : whole;
    const curve = said["curve"] === undefined ? this.curve : curveOf(said, "proof"); // rapidsnark doesn't name it
    if (schemeOf(said, "proof") !== this.scheme || curve !== this.curve) throw new InvalidProofError("it is of another scheme or curve than the key");
    const values = (inputs ?? list(whole[snarkjs ? "public" : "inputs"], "proof")).map((x) => number(x));
    if (values.length !== this.numPublic) throw new InvalidProofError(`it has ${values.length} public inputs, and the key ${this.numPublic}`);
    const order = curves[this.curve].fields.Fr.ORDER;
    if (values.some((x) => x >= order)) throw new InvalidProofError("a public input isn't below the field's modulus");
    const r = new Reader(curves[this.curve]);
    const [a, b, c] = snarkjs ? ["pi_a", "pi_b", "pi_c"] : ["a", "b", "c"];
    const points = { a: r.g1(inner[a as string]), b: r.g2(inner[b as string]), c: r.g1(inner[c as string]) };
    const { pairingBatch, fields } = curves[this.curve];
    for (const pairs of this.equations(points, this.sum(values))) {
      // What is infinite pairs to 1; the library refuses it.
      const finite = pairs.filter((p) => !p.g1.is0() && !p.g2.is0());
      const product = pairingBatch(finite as never);
      if (!fields.Fp12.eql(product, fields.Fp12.ONE)) throw new InvalidProofError("for these public inputs");
    }
  }

  /** Checks the result of a proof from the service, for the public inputs that it names: for Options.check. */
  readonly check = (proof: Proof): void => {
    if (proof.result === undefined) throw new InvalidProofError("there is no result");
    this.verify(proof.result.proof, proof.result.public_inputs ?? []);
  };
}

interface Points {
  a: G1;
  b: G2;
  c: G1;
}

function pair(g1: G1, g2: G2): Pair {
  return { g1, g2 };
}

/** Reads points, each of which it checks to be on its curve and in its subgroup. */
class Reader {
  constructor(private readonly curve: Curve) {}

  g1(v: unknown): G1 {
    const c = list(v, "point");
    const { Point } = this.curve.G1;
    const [x, y] = [number(c[0]), number(c[1])];
    if (infinite(c, [x, y], (z) => number(z) === 0n)) return Point.ZERO as G1;
    const p = Point.fromAffine({ x: this.#below(x), y: this.#below(y) }) as G1;
    p.assertValidity();
    return p;
  }

  g2(v: unknown): G2 {
    const c = list(v, "point");
    const { Point } = this.curve.G2;
    const both = (e: unknown): [bigint, bigint] => {
      const l = list(e, "point");
      return [this.#below(number(l[0])), this.#below(number(l[1]))];
    };
    const [x, y] = [both(c[0]), both(c[1])];
    if (infinite(c, [...x, ...y], (z) => list(z, "point").every((e) => number(e) === 0n))) return Point.ZERO as G2;
    const p = Point.fromAffine({ x: { c0: x[0], c1: x[1] }, y: { c0: y[0], c1: y[1] } }) as G2;
    p.assertValidity();
    return p;
  }

  #below(v: bigint): bigint {
    if (v >= this.curve.fields.Fp.ORDER) throw new TypeError("point: a coordinate isn't below the field's modulus");
    return v;
  }
}

/** Infinity is (0, 0) for ZoKrates, and has the third coordinate 0 for snarkjs, which otherwise is 1. */
function infinite(c: unknown[], affine: bigint[], zero: (z: unknown) => boolean): boolean {
  return c.length > 2 ? zero(c[2]) : affine.every((v) => v === 0n);
}

function schemeOf(o: Record<string, unknown>, what: string): "groth16" | "gm17" {
  switch (o["scheme"] ?? o["protocol"]) {
    case "g16":
    case "groth16":
      return "groth16";
    case "gm17":
      return "gm17";
  }
  throw new TypeError(`${what}: want the scheme groth16 or gm17`);
}

function curveOf(o: Record<string, unknown>, what: string): CurveName {
  const name = names[String(o["curve"])];
  if (name === undefined) throw new TypeError(`${what}: want the curve bn128 or bls12_381`);
  return name;
}

function object(v: unknown, what: string): Record<string, unknown> {
  if (typeof v !== "object" || v === null || Array.isArray(v)) throw new TypeError(`${what}: want a JSON object`);
  return v as Record<string, unknown>;
}

function list(v: unknown, what: string): unknown[] {
  if (!Array.isArray(v)) throw new TypeError(`${what}: want a list`);
  return v;
}

/** Reads a number, decimal or 0x-prefixed hex. */
function number(v: unknown): bigint {
  if (typeof v !== "string" || !/^(0x[0-9a-fA-F]{1,256}|[0-9]{1,320})$/.test(v)) throw new TypeError("want a number as a text, decimal or 0x-prefixed hex");
  return BigInt(v);
}
