import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

import { ProveryError } from "./errors.js";
import { again, path, pause, type Transport } from "./http.js";
import type { Upload } from "./types.js";

/** What changes an upload. */
export interface UploadOptions {
  /** The file's digest, "sha256:…", if you know it: the file is read once more otherwise. */
  digest?: string;
  /** Bytes of a piece, and so what a cut connection costs at most: 1 to 64 MiB, 8 MiB without it. */
  pieceBytes?: number;
  /** Is told how many of the file's bytes are there, those of earlier calls included. */
  progress?: (received: number, total: number) => void;
  signal?: AbortSignal;
}

const MiB = 1 << 20;

/**
 * Sends a file in pieces; one that was interrupted goes on where it stopped, also when another
 * program uploads the same file.
 */
export async function upload(transport: Transport, file: Blob, o: UploadOptions): Promise<Upload> {
  if (file.size === 0) throw new RangeError("upload: the file is empty");
  const piece = Math.min(Math.max(o.pieceBytes ?? 8 * MiB, MiB, Math.ceil(file.size / 4096)), 64 * MiB);
  const digest = o.digest ?? (await digestOf(file, o.signal));
  let most = 0;
  for (let failures = 0; ; failures++) {
    try {
      let u = await status(transport, digest, file.size, o.signal);
      if (u.received > most) {
        most = u.received; // also by a part of a piece
        failures = 0;
      }
      o.progress?.(u.received, file.size);
      while (!u.complete) {
        const first = u.received;
        const last = Math.min(first + piece, file.size) - 1;
        const response = await transport.once({
          method: "PUT",
          path: path("uploads", digest),
          headers: { "Content-Type": "application/octet-stream", "Content-Range": `bytes ${first}-${last}/${file.size}` },
          body: file.slice(first, last + 1),
          signal: o.signal,
        });
        u = (await response.json()) as Upload;
        if (u.received <= first) throw new Error("upload: the service took a piece, and has no more bytes than before");
        o.progress?.(u.received, file.size);
      }
      return u;
    } catch (err) {
      if (err instanceof RangeError) throw err;
      // A conflict may be with somebody who sends the same file.
      const conflict = err instanceof ProveryError && err.code === "conflict";
      if (failures >= transport.retries || (!conflict && !again(err, o.signal)) || o.signal?.aborted) throw err;
      await pause(failures, err, o.signal);
    }
  }
}

async function status(transport: Transport, digest: string, size: number, signal?: AbortSignal): Promise<Upload> {
  try {
    const response = await transport.once({ path: path("uploads", digest), signal });
    const u = (await response.json()) as Upload;
    if (u.size !== size) throw new RangeError(`upload: the file has ${size} bytes, and ${digest} is being uploaded with ${u.size}`);
    return u;
  } catch (err) {
    if (err instanceof ProveryError && err.code === "not_found") return { digest, size, received: 0, complete: false } as Upload;
    throw err;
  }
}

/** Computes the digest that names a file, reading it in parts. */
export async function digestOf(file: Blob, signal?: AbortSignal): Promise<string> {
  const hash = sha256.create();
  for (let at = 0; at < file.size; at += 4 * MiB) {
    signal?.throwIfAborted();
    hash.update(new Uint8Array(await file.slice(at, at + 4 * MiB).arrayBuffer()));
  }
  return "sha256:" + bytesToHex(hash.digest());
}
