import { CheckError, ProveryError, refusal } from "./errors.js";
import type { Proof } from "./types.js";

/** What changes a client. */
export interface Options {
  /** Sent with every request. */
  apiKey?: string | undefined;
  /** Instead of the global fetch. */
  fetch?: typeof fetch;
  /** How often a call is repeated at most: 4 without it, 0 for never. */
  retries?: number;
  /** Seconds for which the service is asked to hold a request for a proof: 30 without it. */
  wait?: number;
  /**
   * Gets every proof with a result before it is returned; where it throws, the caller gets a
   * CheckError. VerifyingKey.check of "@provery/client/verify" is one.
   */
  check?: (proof: Proof) => void | Promise<void>;
}

/** What changes one call. */
export interface CallOptions {
  signal?: AbortSignal | undefined;
}

/** One request. */
export interface Call extends CallOptions {
  method?: string;
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  headers?: Record<string, string>;
  json?: unknown;
  body?: BodyInit;
  /** Repeating it does no harm. */
  repeatable?: boolean;
  /** A status that is an answer although it isn't a success. */
  accept?: number;
}

/** The longest pause before a repetition, in seconds; longer ones are left to the caller. */
const maxPause = 60;

/** Milliseconds for which a stream may be without a word: the service says something every 15 s. */
export const silence = 45_000;

/** Makes requests, and repeats them. */
export class Transport {
  readonly base: string;
  readonly retries: number;
  readonly #fetch: typeof fetch;
  readonly #key: string | undefined;

  constructor(base: string, options: Options) {
    const url = new URL(base);
    if (url.protocol !== "http:" && url.protocol !== "https:") throw new TypeError("want a base such as http://127.0.0.1:8080");
    this.base = url.href.replace(/\/+$/, "");
    this.retries = Math.max(0, options.retries ?? 4);
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
    this.#key = options.apiKey;
  }

  /** Makes a call, again where that makes sense, and returns the answer. */
  call(c: Call): Promise<Response> {
    return this.#repeat(c, async (response) => response);
  }

  /** Makes a call and reads the JSON of its answer, within the same repetitions. */
  json<T>(c: Call): Promise<T> {
    return this.#repeat(c, async (response) => (response.status === 204 ? undefined : await response.json()) as T);
  }

  async #repeat<T>(c: Call, read: (response: Response) => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await read(await this.once(c));
      } catch (err) {
        if (!c.repeatable || attempt >= this.retries || !again(err, c.signal)) throw err;
        await pause(attempt, err, c.signal);
      }
    }
  }

  /** Makes a call once. */
  async once(c: Call): Promise<Response> {
    const url = new URL(this.base + c.path);
    for (const [name, value] of Object.entries(c.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const headers = new Headers(c.headers);
    if (!headers.has("Accept")) headers.set("Accept", "application/json, application/problem+json");
    if (this.#key !== undefined) headers.set("Authorization", `Bearer ${this.#key}`);
    let body = c.body;
    if (c.json !== undefined) {
      headers.set("Content-Type", "application/json");
      body = JSON.stringify(c.json);
    }
    const response = await this.#fetch(url, {
      method: c.method ?? "GET",
      headers,
      // A redirect could take the key elsewhere.
      redirect: "error",
      ...(body === undefined ? {} : { body }),
      ...(c.signal === undefined ? {} : { signal: c.signal }),
    });
    if (!response.ok && response.status !== c.accept) throw await refusal(response);
    return response;
  }
}

/** Reports whether it is worth repeating what failed with err, if that is safe to repeat. */
export function again(err: unknown, signal: AbortSignal | undefined): boolean {
  if (signal?.aborted || err instanceof CheckError) return false;
  if (!(err instanceof ProveryError)) return true; // the network: the answer didn't come
  // A proof that ended with a problem has ended: only a new request helps.
  return err.retryable && !err.problem.instance && err.code !== "deadline_exceeded" && (err.retryAfter ?? 0) <= maxPause;
}

/** Waits as long as the service said, or ever longer, and varies it so that clients don't come back together. */
export function pause(attempt: number, err: unknown, signal: AbortSignal | undefined): Promise<void> {
  const base = 250 * 2 ** Math.min(attempt, 8);
  const said = err instanceof ProveryError ? (err.retryAfter ?? 0) * 1000 : 0;
  return sleep(Math.max(said, Math.min(base / 2 + Math.random() * base, maxPause * 1000)), signal);
}

/** Waits; the signal ends it with its reason. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const end = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", end);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", end, { once: true });
  });
}

/** Joins the segments of a path. */
export function path(...segments: string[]): string {
  return "/v1/" + segments.map(encodeURIComponent).join("/");
}
