// Starts a service for tests.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const root = new URL("../../../", import.meta.url).pathname;
export const fixture = (name) => readFileSync(join(root, "testdata", name));

/** Runs "provery serve" until stop is called. */
export async function serve(...flags) {
  const dir = mkdtempSync(join(tmpdir(), "provery-sdk-"));
  const child = spawn(join(root, "bin/provery"), ["serve", "--listen", "127.0.0.1:0", "--data-dir", dir, ...flags], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  const url = await new Promise((resolve, reject) => {
    child.on("error", (err) => reject(new Error(`bin/provery doesn't start: run "make build" first (${err.message})`)));
    child.on("exit", (code) => reject(new Error(`the service ended with ${code}: ${log}`)));
    child.stderr.on("data", (text) => {
      log += text;
      const at = /msg=serving address=(\S+)/.exec(log);
      if (at) resolve(`http://${at[1]}`);
    });
  });
  return {
    url,
    log: () => log,
    async stop() {
      child.removeAllListeners("exit");
      const ended = new Promise((resolve) => child.on("exit", resolve));
      child.kill();
      await ended;
      rmSync(dir, { recursive: true });
    },
  };
}
