import { ProveryError } from "./errors.js";
import { again, type Call, pause, silence, sleep, type Transport } from "./http.js";
import type { Event, Proof } from "./types.js";

/** The longest line of a stream, in characters. */
const maxLine = 64 << 20;

/** Yields the lines of an answer, without their ends; the last one only if it is whole. */
async function* lines(response: Response, heard: () => void): AsyncGenerator<string> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      rest += decoder.decode(value, { stream: true });
      const parts = rest.split("\n");
      rest = parts.pop() ?? "";
      if (rest.length > maxLine) throw new RangeError("a line of the stream is too long");
      for (const line of parts) yield line.replace(/\r$/, "");
    }
  } finally {
    // Also when the caller's loop ends early: the connection goes with it.
    await reader.cancel().catch(() => undefined);
  }
}

/** Opens a stream that ends with an error when nothing comes for too long. */
async function* open(transport: Transport, call: Call): AsyncGenerator<string, void> {
  const idle = new AbortController();
  let timer = setTimeout(() => undefined, 0);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => idle.abort(new Error("the stream is silent")), silence);
  };
  const end = () => idle.abort(call.signal?.reason);
  call.signal?.addEventListener("abort", end, { once: true });
  if (call.signal?.aborted) end();
  heard();
  try {
    const response = await transport.once({ ...call, signal: idle.signal });
    if (response.status === 204) return;
    yield* lines(response, heard);
  } finally {
    clearTimeout(timer);
    call.signal?.removeEventListener("abort", end);
  }
}

/**
 * Yields the events of a job or batch until the final one, over as many connections as it
 * takes: no change of state is missed or told twice.
 */
export async function* events(transport: Transport, path: string, retries: number, signal?: AbortSignal): AsyncGenerator<Event> {
  let last = "";
  let delay = 2000;
  for (let failures = 0; ; failures++) {
    try {
      let id = "";
      let data = "";
      let any = false;
      const headers: Record<string, string> = { Accept: "text/event-stream, application/problem+json" };
      if (last !== "") headers["Last-Event-ID"] = last;
      for await (const line of open(transport, { path, headers, signal })) {
        any = true;
        if (line === "") {
          if (data !== "") {
            const event = JSON.parse(data) as Event;
            if (id !== "") last = event.id = id;
            failures = -1;
            yield event;
            if (event.final) return;
          }
          id = data = "";
        } else if (line.startsWith("id:")) id = line.slice(3).trim();
        else if (line.startsWith("data:")) data += line.slice(5).trim();
        else if (line.startsWith("retry:")) delay = Math.min(Number.parseInt(line.slice(6), 10) || delay, 60_000);
      }
      if (!any) return; // 204: nothing is left
    } catch (err) {
      if (failures >= retries || !again(err, signal)) throw err;
      await pause(Math.max(failures, 0), err, signal);
      continue;
    }
    await sleep(delay, signal); // the service ended it, to stop or to start anew
  }
}

/** Follows events as long as they can be had; only a refusal for good, or the signal, is an error. */
export async function follow(transport: Transport, path: string, on: ((e: Event) => void) | undefined, signal?: AbortSignal): Promise<void> {
  const told = new WeakSet<object>(); // errors of the caller's function
  try {
    for await (const event of events(transport, path, 1, signal)) {
      try {
        on?.(event);
      } catch (err) {
        if (typeof err === "object" && err !== null) told.add(err);
        throw err;
      }
    }
  } catch (err) {
    const ours = typeof err === "object" && err !== null && told.has(err);
    if (ours || signal?.aborted || (err instanceof ProveryError && !again(err, signal))) throw err;
  }
}

/** What selects items of a batch. */
export interface ItemsOptions {
  /** Number of the first item, from 0. */
  from?: number;
  /** Wait for the end of each item. */
  wait?: boolean;
  signal?: AbortSignal;
}

/** Yields items of a batch in order, over as many connections as it takes. */
export async function* items(transport: Transport, path: string, o: ItemsOptions, check: (p: Proof) => Promise<Proof>): AsyncGenerator<Proof> {
  let from = o.from ?? 0;
  for (let failures = 0; ; failures++) {
    try {
      const query = { from: from > 0 ? from : undefined, wait: o.wait ? true : undefined };
      const headers = { Accept: "application/x-ndjson, application/problem+json" };
      for await (const line of open(transport, { path, query, headers, signal: o.signal })) {
        if (line === "") continue;
        const proof = await check(JSON.parse(line) as Proof);
        if (proof.item !== undefined) from = proof.item + 1;
        failures = -1;
        yield proof;
      }
      return;
    } catch (err) {
      if (failures >= transport.retries || !again(err, o.signal)) throw err;
      await pause(Math.max(failures, 0), err, o.signal);
    }
  }
}
