import { CheckError, ProveryError } from "./errors.js";
import { type Call, type CallOptions, type Options, path, sleep, Transport } from "./http.js";
import { events, follow, items, type ItemsOptions } from "./streams.js";
import type * as api from "./types.js";
import { isFinal } from "./types.js";
import { upload, type UploadOptions } from "./upload.js";

/** Bytes with a file's content. */
export type Content = Blob | Uint8Array<ArrayBuffer> | string;

/** A circuit to register. */
export interface Registration {
  /** May be left out where the service has one circuit language only. */
  frontend?: string;
  name?: string;
  /** "latest" without it. */
  tag?: string;
  /** The circuit's files by role, such as "program" and "abi". */
  artefacts?: Record<string, Content>;
  /** Digests of complete uploads by role, of files that were uploaded before. */
  uploads?: Record<string, string>;
}

/** A proving key to add to a circuit. */
export interface KeyUpload {
  scheme?: string;
  layout?: string;
  provingKey?: Content;
  verifyingKey?: Content;
  /** Digests of complete uploads: of "proving_key" and "verifying_key". */
  uploads?: Record<string, string>;
  /** Which ceremony of several parties made the key. */
  ceremony?: string;
}

/** Source files to compile and register. */
export interface Sources {
  frontend?: string;
  name?: string;
  tag?: string;
  /** Contents by slash-separated path below one root. */
  files?: Record<string, Content>;
  /** A tar, tar.gz or zip file of sources. */
  archive?: Blob;
  main?: string;
  curve?: string;
  debug?: boolean;
  optimize?: string;
  /** Folders among the files that imports are looked up in, too. */
  include?: string[];
  priority?: string;
  deadline?: Date;
}

/** How a request for a proof is made. */
export interface SubmitOptions extends CallOptions {
  /** The same key and request give the same proof. Without it each call has one of its own. */
  idempotencyKey?: string;
  /** Seconds to wait for the outcome. */
  wait?: number;
}

/** A page of a list. */
export interface PageOptions extends CallOptions {
  cursor?: string | undefined;
  /** Items at most; 200 is the service's limit. */
  limit?: number;
}

/** Selects jobs. */
export interface JobFilter {
  state?: string;
  kind?: string;
  circuit?: string;
  owner?: string;
  batch?: string;
  dead?: boolean;
}

/** The most that the service puts on a page. */
const maxPage = 200;

/** A client of the service. It holds no connection and may be shared. */
export class Client {
  readonly #t: Transport;
  readonly #wait: number;
  readonly #check: Options["check"];

  /** base is the service's address, such as "https://prover.example". */
  constructor(base: string, options: Options = {}) {
    this.#t = new Transport(base, options);
    this.#wait = Math.max(1, Math.floor(options.wait ?? 30));
    this.#check = options.check;
  }

  // Proofs.

  /**
   * Asks for a proof and waits until it is there. One that fails, is cancelled or expires is a
   * ProveryError. When the signal ends the wait the job goes on: the same idempotency key finds it.
   */
  async prove(request: api.ProofRequest, o: SubmitOptions = {}): Promise<api.Proof & { result: api.Result }> {
    return this.#finish(await this.submit(request, { ...o, wait: o.wait ?? this.#wait }), o.signal);
  }

  /** Asks for a proof and returns its job. With a wait, a proof that fails within it is a ProveryError. */
  submit(request: api.ProofRequest, o: SubmitOptions = {}): Promise<api.Proof> {
    return this.#proof({ method: "POST", path: path("proofs"), json: request, headers: this.#once(o), repeatable: true, signal: o.signal });
  }

  /** Waits for a proof, like prove. */
  async wait(id: string, o: CallOptions = {}): Promise<api.Proof & { result: api.Result }> {
    return this.#finish(await this.proof(id, o), o.signal);
  }

  /** Is wait, and tells on of the events meanwhile, as far as they can be had. */
  async follow(id: string, on?: (e: api.Event) => void, o: CallOptions = {}): Promise<api.Proof & { result: api.Result }> {
    await follow(this.#t, path("proofs", id, "events"), on, o.signal);
    return this.wait(id, o);
  }

  /** Returns a proof as it is, or after up to wait seconds. */
  proof(id: string, o: CallOptions & { wait?: number } = {}): Promise<api.Proof> {
    return this.#proof({ path: path("proofs", id), query: { wait: o.wait }, repeatable: true, signal: o.signal });
  }

  proofs(filter: { state?: string; circuit?: string } = {}, o: PageOptions = {}): Promise<api.Page<api.Proof>> {
    return this.#page("proofs", filter, o);
  }

  /** All proofs that the filter selects, newest first, without their results. */
  allProofs(filter: { state?: string; circuit?: string } = {}, o: CallOptions = {}): AsyncGenerator<api.Proof> {
    return all((cursor) => this.proofs(filter, { ...o, cursor, limit: maxPage }));
  }

  cancel(id: string, o: CallOptions = {}): Promise<api.Proof> {
    return this.#proof({ method: "POST", path: path("proofs", id, "cancel"), repeatable: true, signal: o.signal });
  }

  /** Erases the inputs and the result of a proof that has ended. */
  deleteProof(id: string, o: CallOptions = {}): Promise<void> {
    return this.#t.json({ method: "DELETE", path: path("proofs", id), ...o });
  }

  /** A proof as the call of its verifier contract on the EVM. */
  calldata(id: string, o: CallOptions = {}): Promise<api.Calldata> {
    return this.#get(path("proofs", id, "calldata"), o, { target: "evm" });
  }

  proofEvents(id: string, o: CallOptions = {}): AsyncGenerator<api.Event> {
    return events(this.#t, path("proofs", id, "events"), this.#t.retries, o.signal);
  }

  // Batches.

  submitBatch(request: api.BatchRequest, o: SubmitOptions = {}): Promise<api.Batch> {
    return this.#t.json({ method: "POST", path: path("batches"), json: request, headers: this.#once(o), repeatable: true, signal: o.signal });
  }

  batch(id: string, o: CallOptions = {}): Promise<api.Batch> {
    return this.#get(path("batches", id), o);
  }

  /** Waits for a batch and returns it however it ended: counts tells. */
  async followBatch(id: string, on?: (e: api.Event) => void, o: CallOptions = {}): Promise<api.Batch> {
    await follow(this.#t, path("batches", id, "events"), on, o.signal);
    return this.#until(() => this.batch(id, o), o.signal);
  }

  /** The items of a batch in order, without their results. */
  batchItems(id: string, o: ItemsOptions = {}): AsyncGenerator<api.Proof> {
    return items(this.#t, path("batches", id, "items"), o, (p) => this.#checked(p));
  }

  /** The items with their results; one that failed has a problem instead. */
  batchResults(id: string, o: ItemsOptions = {}): AsyncGenerator<api.Proof> {
    return items(this.#t, path("batches", id, "results"), o, (p) => this.#checked(p));
  }

  batchEvents(id: string, o: CallOptions = {}): AsyncGenerator<api.Event> {
    return events(this.#t, path("batches", id, "events"), this.#t.retries, o.signal);
  }

  cancelBatch(id: string, o: CallOptions = {}): Promise<api.Batch> {
    return this.#t.json({ method: "POST", path: path("batches", id, "cancel"), repeatable: true, ...o });
  }

  deleteBatch(id: string, o: CallOptions = {}): Promise<void> {
    return this.#t.json({ method: "DELETE", path: path("batches", id), ...o });
  }

  // Circuits and keys.

  /** Registers a circuit. The same files give the same circuit; existed tells that it was there. */
  async register(r: Registration, o: CallOptions = {}): Promise<{ circuit: api.Circuit; existed: boolean }> {
    const form = fields({ frontend: r.frontend, name: r.name, tag: r.tag, ...r.uploads });
    for (const [role, content] of Object.entries(r.artefacts ?? {})) form.append(role, blob(content), role);
    const response = await this.#t.call({ method: "POST", path: path("circuits"), body: form, repeatable: true, ...o });
    return { circuit: (await response.json()) as api.Circuit, existed: response.status === 200 };
  }

  /**
   * Compiles sources, registers the circuit and returns it. Errors in the sources are a
   * ProveryError with all of them in problem.errors. When the signal ends the wait the job goes on.
   */
  async compile(s: Sources, o: SubmitOptions = {}): Promise<api.Circuit> {
    const form = fields({
      frontend: s.frontend, name: s.name, tag: s.tag, main: s.main, curve: s.curve, priority: s.priority, optimize: s.optimize,
      include: s.include?.join(","), debug: s.debug ? "true" : undefined, deadline: s.deadline?.toISOString(),
    });
    for (const [name, content] of Object.entries(s.files ?? {})) form.append("source", blob(content), name);
    if (s.archive !== undefined) form.append("archive", s.archive, "archive");
    const headers = this.#once({ ...o, wait: o.wait ?? this.#wait });
    const response = await this.#t.call({ method: "POST", path: path("circuits"), body: form, headers, repeatable: true, signal: o.signal });
    const answer: unknown = await response.json();
    if (response.status !== 202) return answer as api.Circuit;
    const job = await this.followJob((answer as api.Job).id, undefined, o);
    if (job.state !== "succeeded" || job.circuit === undefined) throw failure("compilation", job.state, job.problem);
    return this.circuit(job.circuit, o);
  }

  /** The circuit of an id, name, name:tag or name@id. */
  circuit(ref: string, o: CallOptions = {}): Promise<api.Circuit> {
    return this.#get(path("circuits", ref), o);
  }

  circuits(o: PageOptions = {}): Promise<api.Page<api.Circuit>> {
    return this.#page("circuits", {}, o);
  }

  allCircuits(o: CallOptions = {}): AsyncGenerator<api.Circuit> {
    return all((cursor) => this.circuits({ ...o, cursor, limit: maxPage }));
  }

  /** Removes a circuit with its tags and keys. */
  removeCircuit(ref: string, o: CallOptions = {}): Promise<void> {
    return this.#t.json({ method: "DELETE", path: path("circuits", ref), ...o });
  }

  /** Makes tag, "tag" or "name:tag", point to ref's circuit. */
  tag(ref: string, tag: string, o: CallOptions = {}): Promise<api.Circuit> {
    return this.#t.json({ method: "PUT", path: path("circuits", ref, "tags", tag), repeatable: true, ...o });
  }

  async addKeys(ref: string, u: KeyUpload, o: CallOptions = {}): Promise<{ keys: api.KeySet; existed: boolean }> {
    const form = fields({ scheme: u.scheme, layout: u.layout, ceremony: u.ceremony, ...u.uploads });
    if (u.provingKey !== undefined) form.append("proving_key", blob(u.provingKey), "proving_key");
    if (u.verifyingKey !== undefined) form.append("verifying_key", blob(u.verifyingKey), "verifying_key");
    const response = await this.#t.call({ method: "POST", path: path("circuits", ref, "keys"), body: form, repeatable: true, ...o });
    return { keys: (await response.json()) as api.KeySet, existed: response.status === 200 };
  }

  /** Makes insecure-dev keys: proofs of them are for development only. */
  setupKeys(ref: string, scheme?: string, o: CallOptions = {}): Promise<api.KeySet> {
    const json = { setup: "insecure-dev", ...(scheme === undefined ? {} : { scheme }) };
    return this.#t.json({ method: "POST", path: path("circuits", ref, "keys"), json, ...o });
  }

  async keys(ref: string, o: CallOptions = {}): Promise<api.KeySet[]> {
    return (await this.#get<api.Page<api.KeySet>>(path("circuits", ref, "keys"), o)).items ?? [];
  }

  /** A verifying key in ZoKrates's JSON, or snarkjs's. keys is a key set's id, or a scheme for its newest. */
  verifyingKey(ref: string, keys: string, o: CallOptions & { format?: "zokrates" | "snarkjs" } = {}): Promise<unknown> {
    return this.#get(path("circuits", ref, "keys", keys, "verifying-key"), o, { format: o.format ?? "zokrates" });
  }

  /** A proving key as a stream of bytes, with its layout. */
  async provingKey(ref: string, keys: string, o: CallOptions = {}): Promise<{ body: ReadableStream<Uint8Array>; layout: string }> {
    const response = await this.#t.call({ path: path("circuits", ref, "keys", keys, "proving-key"), headers: { Accept: "*/*" }, repeatable: true, ...o });
    if (response.body === null) throw new Error("an answer without a body");
    return { body: response.body, layout: response.headers.get("Provery-Key-Layout") ?? "" };
  }

  /** The Solidity source of a contract that verifies a circuit's proofs. */
  async verifier(ref: string, o: CallOptions & { keys?: string; name?: string } = {}): Promise<string> {
    const query = { target: "solidity", keys: o.keys, name: o.name };
    const response = await this.#t.call({ path: path("circuits", ref, "verifier"), query, headers: { Accept: "*/*" }, repeatable: true, signal: o.signal });
    return response.text();
  }

  /** Computes a witness, which the service throws away. */
  dryRun(ref: string, request: api.WitnessRequest, o: CallOptions = {}): Promise<api.WitnessResult> {
    return this.#t.json({ method: "POST", path: path("circuits", ref, "witness"), json: request, repeatable: true, ...o });
  }

  /** Has the service verify a proof; "@provery/client/verify" does so here. */
  verify(request: api.VerifyRequest, o: CallOptions = {}): Promise<api.VerifyResult> {
    return this.#t.json({ method: "POST", path: path("verify"), json: request, repeatable: true, ...o });
  }

  // Uploads.

  /** Sends a file in pieces. register and addKeys name it by its digest. */
  upload(file: Blob, o: UploadOptions = {}): Promise<api.Upload> {
    return upload(this.#t, file, o);
  }

  uploadStatus(digest: string, o: CallOptions = {}): Promise<api.Upload> {
    return this.#get(path("uploads", digest), o);
  }

  deleteUpload(digest: string, o: CallOptions = {}): Promise<void> {
    return this.#t.json({ method: "DELETE", path: path("uploads", digest), repeatable: true, ...o });
  }

  // Jobs, webhooks, the service.

  job(id: string, o: CallOptions & { wait?: number } = {}): Promise<api.Job> {
    return this.#get(path("jobs", id), o, { wait: o.wait });
  }

  jobs(filter: JobFilter = {}, o: PageOptions = {}): Promise<api.Page<api.Job>> {
    return this.#page("jobs", filter, o);
  }

  allJobs(filter: JobFilter = {}, o: CallOptions = {}): AsyncGenerator<api.Job> {
    return all((cursor) => this.jobs(filter, { ...o, cursor, limit: maxPage }));
  }

  /** Waits for a job of any kind and returns it however it ended. */
  async followJob(id: string, on?: (e: api.Event) => void, o: CallOptions = {}): Promise<api.Job> {
    await follow(this.#t, path("jobs", id, "events"), on, o.signal);
    return this.#until(() => this.job(id, { signal: o.signal, wait: this.#wait }), o.signal);
  }

  jobEvents(id: string, o: CallOptions = {}): AsyncGenerator<api.Event> {
    return events(this.#t, path("jobs", id, "events"), this.#t.retries, o.signal);
  }

  cancelJob(id: string, o: CallOptions = {}): Promise<api.Job> {
    return this.#t.json({ method: "POST", path: path("jobs", id, "cancel"), repeatable: true, ...o });
  }

  /** Gives a dead job another try. */
  retryJob(id: string, o: CallOptions = {}): Promise<api.Job> {
    return this.#t.json({ method: "POST", path: path("jobs", id, "retry"), ...o });
  }

  deleteJob(id: string, o: CallOptions = {}): Promise<void> {
    return this.#t.json({ method: "DELETE", path: path("jobs", id), ...o });
  }

  webhooks(filter: { state?: string } = {}, o: PageOptions = {}): Promise<api.Page<api.WebhookDelivery>> {
    return this.#page("webhooks", filter, o);
  }

  webhook(subject: string, o: CallOptions = {}): Promise<api.WebhookDelivery> {
    return this.#get(path("webhooks", subject), o);
  }

  redeliver(subject: string, o: CallOptions = {}): Promise<api.WebhookDelivery> {
    return this.#t.json({ method: "POST", path: path("webhooks", subject, "redeliver"), ...o });
  }

  async workers(o: CallOptions = {}): Promise<api.Worker[]> {
    return (await this.#get<api.Page<api.Worker>>(path("workers"), o)).items ?? [];
  }

  queue(o: CallOptions = {}): Promise<api.QueueStats> {
    return this.#get(path("queue"), o);
  }

  about(o: CallOptions = {}): Promise<api.About> {
    return this.#get(path("about"), o);
  }

  /** Whether the service can work now, and what keeps it from that. */
  ready(o: CallOptions = {}): Promise<api.Readiness> {
    return this.#t.json({ path: "/readyz", accept: 503, ...o });
  }

  /** Whether the process runs at all. */
  async health(o: CallOptions = {}): Promise<void> {
    await this.#t.call({ path: "/healthz", ...o });
  }

  #get<T>(at: string, o: CallOptions, query: NonNullable<Call["query"]> = {}): Promise<T> {
    return this.#t.json({ path: at, query, repeatable: true, signal: o.signal });
  }

  #page<T>(list: string, filter: object, o: PageOptions): Promise<api.Page<T>> {
    return this.#get(path(list), o, { ...filter, cursor: o.cursor, limit: o.limit });
  }

  #once(o: SubmitOptions): Record<string, string> {
    const headers: Record<string, string> = {};
    const key = o.idempotencyKey ?? (this.#t.retries > 0 ? randomKey() : undefined);
    if (key !== undefined) headers["Idempotency-Key"] = key;
    if (o.wait !== undefined && o.wait >= 1) headers["Prefer"] = `wait=${Math.floor(o.wait)}`;
    return headers;
  }

  async #proof(call: Call): Promise<api.Proof> {
    return this.#checked(await this.#t.json<api.Proof>(call));
  }

  async #checked(p: api.Proof): Promise<api.Proof> {
    if (this.#check !== undefined && p.result !== undefined) {
      try {
        await this.#check(p);
      } catch (err) {
        throw new CheckError(p, err);
      }
    }
    return p;
  }

  async #finish(p: api.Proof, signal?: AbortSignal): Promise<api.Proof & { result: api.Result }> {
    const end = isFinal(p.state) ? p : await this.#until(() => this.proof(p.id, { signal, wait: this.#wait }), signal);
    if (end.state !== "succeeded" || end.result === undefined) throw failure("proof", end.state, end.problem);
    return end as api.Proof & { result: api.Result };
  }

  /** Asks, which waits, until the state is final. A service without room is asked again. */
  async #until<T extends { state: api.State }>(ask: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    for (;;) {
      const asked = Date.now();
      try {
        const job = await ask();
        if (isFinal(job.state)) return job;
      } catch (err) {
        if (!(err instanceof ProveryError) || err.code !== "overloaded") throw err;
      }
      // A service that doesn't wait isn't asked without a pause.
      if (Date.now() - asked < 1000) await sleep(1000, signal);
    }
  }
}

async function* all<T>(fetchPage: (cursor: string | undefined) => Promise<api.Page<T>>): AsyncGenerator<T> {
  let cursor: string | undefined;
  do {
    const page: api.Page<T> = await fetchPage(cursor);
    if (cursor !== undefined && page.next === cursor) throw new Error("the list goes round in a circle");
    yield* page.items ?? [];
    cursor = page.next;
  } while (cursor);
}

function blob(content: Content): Blob {
  return content instanceof Blob ? content : new Blob([content]);
}

function fields(values: Record<string, string | undefined>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(values)) {
    if (value) form.append(name, value);
  }
  return form;
}

/** The error of a job that ended without what was asked for. */
function failure(what: string, state: api.State, problem: api.Problem | undefined): ProveryError {
  if (problem !== undefined) return new ProveryError(problem);
  const code = { cancelled: "canceled", expired: "deadline_exceeded" }[state as string] ?? "internal";
  return new ProveryError({ type: "about:blank", title: `The ${what} is ${state}`, status: 500, code, scope: "request", retryable: false } as api.Problem);
}

/** 128 random bits; randomUUID would want a page of https. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}
