// The built modules use what browsers have, and nothing of node.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const dist = new URL("../dist/", import.meta.url);
const modules = readdirSync(dist).filter((n) => n.endsWith(".js"));

test("no module of node is imported, and the core has no curves", () => {
  assert.ok(modules.includes("index.js") && modules.includes("verify.js"));
  for (const name of modules) {
    const text = readFileSync(new URL(name, dist), "utf8");
    for (const [, from] of text.matchAll(/^(?:import|export)\s.*?from "([^"]+)"/gm)) {
      const allowed = name === "verify.js" ? /^@noble\/curves\// : /^(\.\/|@noble\/hashes\/)/;
      assert.match(from, allowed, `${name} imports ${from}`);
      assert.doesNotMatch(from, /verify/);
    }
  }
});

test("no global of node is used", () => {
  for (const name of modules) {
    const text = readFileSync(new URL(name, dist), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
    assert.doesNotMatch(text, /(?<![.\w"'])(process|Buffer|require|__dirname|__filename|global|setImmediate)(?=[.([])/, name);
  }
});
