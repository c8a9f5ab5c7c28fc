// Compiles Solidity with the solc that package-lock.json pins.
//
// Standard input: {"sources": {NAME: TEXT}, "optimize": BOOL}.
// Standard output: {"contracts": {NAME: {CONTRACT: {"abi": [...], "code": HEX,
// "libraries": [{"name": CONTRACT, "placeholder": TEXT}]}}}, "messages": {NAME: [TEXT]}}.
// A placeholder stands in the code for a library's address. Messages are the
// compiler's errors and warnings.
import { readFileSync } from "node:fs";
import solc from "solc";

const { sources, optimize } = JSON.parse(readFileSync(0, "utf8"));
const output = JSON.parse(
  solc.compile(
    JSON.stringify({
      language: "Solidity",
      sources: Object.fromEntries(Object.entries(sources).map(([name, content]) => [name, { content }])),
      settings: {
        optimizer: { enabled: optimize, runs: 200 },
        outputSelection: { "*": { "*": ["abi", "evm.bytecode"] } },
      },
    }),
  ),
);

const contracts = {};
for (const [name, parts] of Object.entries(output.contracts ?? {})) {
  contracts[name] = {};
  for (const [contract, { abi, evm }] of Object.entries(parts)) {
    const code = evm.bytecode.object;
    const libraries = Object.values(evm.bytecode.linkReferences ?? {}).flatMap((file) =>
      Object.entries(file).map(([library, [{ start, length }]]) => ({
        name: library,
        placeholder: code.slice(2 * start, 2 * (start + length)),
      })),
    );
    contracts[name][contract] = { abi, code, libraries };
  }
}
const messages = {};
for (const { sourceLocation, formattedMessage } of output.errors ?? []) {
  (messages[sourceLocation?.file ?? ""] ??= []).push(formattedMessage);
}
process.stdout.write(JSON.stringify({ contracts, messages }));
