import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

const here = new URL("..", import.meta.url).pathname;

test("the generated types are those of the document", () => {
  const dir = mkdtempSync(join(tmpdir(), "provery-types-"));
  try {
    execFileSync(process.execPath, [join(here, "node_modules/openapi-typescript/bin/cli.js"), join(here, "openapi.json"), "-o", join(dir, "openapi.ts")], { stdio: "pipe" });
    assert.ok(readFileSync(join(dir, "openapi.ts"), "utf8") === readFileSync(join(here, "src/openapi.ts"), "utf8"), "make sdk-types, and look at what changes");
  } finally {
    rmSync(dir, { recursive: true });
  }
});
