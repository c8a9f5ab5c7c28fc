// Compiles the contracts in internal/contract/keyed with the solc that
// package-lock.json pins, and writes their runtime code beside them (--write) or
// to standard output: {NAME: HEX}.
//
// The code has no metadata, for the key stands behind it, and no instruction that
// is younger than the London fork, so that it runs on any chain.
import { readFileSync, writeFileSync } from "node:fs";
import solc from "solc";

const folder = new URL("../../internal/contract/keyed/", import.meta.url);
const names = ["groth16", "gm17"];
const output = JSON.parse(
  solc.compile(
    JSON.stringify({
      language: "Solidity",
      sources: Object.fromEntries(names.map((name) => [name, { content: readFileSync(new URL(`${name}.sol`, folder), "utf8") }])),
      settings: {
        evmVersion: "london",
        optimizer: { enabled: true, runs: 200 },
        metadata: { appendCBOR: false, bytecodeHash: "none" },
        outputSelection: { "*": { "*": ["evm.deployedBytecode"] } },
      },
    }),
  ),
);
if (output.errors) {
  console.error(output.errors.map((e) => e.formattedMessage).join("\n"));
  process.exit(1);
}
const codes = {};
for (const name of names) {
  codes[name] = Object.values(output.contracts[name])[0].evm.deployedBytecode.object;
  if (process.argv.includes("--write")) writeFileSync(new URL(`${name}.hex`, folder), codes[name] + "\n");
}
if (!process.argv.includes("--write")) process.stdout.write(JSON.stringify(codes));
