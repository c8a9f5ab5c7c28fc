// Proves and checks the proof. Start a service and register the circuit first:
//
//   bin/provery serve
//   bin/provery circuits add reserves build/cache/reserves/bn128/out --abi build/cache/reserves/bn128/abi.json \
//       --key build/cache/reserves/bn128/ark-g16/proving.key
//   node sdk/typescript/example.mjs build/cache/reserves/bn128/ark-g16/verification.key examples/zokrates/reserves/args.json
import { readFileSync } from "node:fs";

import { Client, ProveryError } from "@provery/client";
import { VerifyingKey } from "@provery/client/verify";

const [keyFile, argumentsFile] = process.argv.slice(2);
if (argumentsFile === undefined) {
  console.error("usage: node example.mjs VERIFICATION-KEY ARGUMENTS");
  process.exit(2);
}
// The key comes from a file of ours: a service that made up a proof couldn't make up a key for it.
const key = VerifyingKey.parse(readFileSync(keyFile, "utf8"));
const client = new Client(process.env.PROVERY_SERVER ?? "http://127.0.0.1:8080", { apiKey: process.env.PROVERY_API_KEY, check: key.check });
try {
  const proof = await client.prove({ circuit: "reserves", arguments: JSON.parse(readFileSync(argumentsFile, "utf8")) });
  console.log("proven and checked:", proof.result.outputs, "for the public inputs", proof.result.public_inputs);
} catch (err) {
  console.error(err instanceof ProveryError ? `refused (${err.code}): ${err.message}` : `${err.message} ${err.cause?.message ?? ""}`);
  process.exit(1);
}
