import type { Problem, Proof } from "./types.js";

/** A refusal of the service, or the failure of a job. It never repeats arguments or keys. */
export class ProveryError extends Error {
  /** What happened, to act on: "not_found", "unsatisfied_witness", … */
  readonly code: string;
  /** The HTTP status. */
  readonly status: number;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** Seconds to wait before that, if the service said. */
  readonly retryAfter: number | undefined;
  /** Names the exchange in the service's log. */
  readonly requestId: string | undefined;
  /** All that the service said. */
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(message(problem));
    this.name = "ProveryError";
    this.problem = problem;
    this.code = problem.code;
    this.status = problem.status;
    this.retryable = problem.retryable;
    this.retryAfter = problem.retry_after;
    this.requestId = problem.request_id;
  }
}

function message(p: Problem): string {
  const parts = [p.detail || p.title];
  if (p.path) parts.unshift(p.path + ":");
  if (p.incident) parts.push(`(incident ${p.incident})`);
  else if (p.request_id) parts.push(`(request ${p.request_id})`);
  return parts.join(" ");
}

/** A proof that the service returned and that didn't pass the client's check. */
export class CheckError extends Error {
  constructor(
    readonly proof: Proof,
    override readonly cause: unknown,
  ) {
    super(`check of proof ${proof.id}: ${cause instanceof Error ? cause.message : String(cause)}`);
    this.name = "CheckError";
  }
}

/** Reads the problem in a refusal; one of a proxy gets the code "internal". */
export async function refusal(response: Response): Promise<ProveryError> {
  const text = (await response.text()).slice(0, 1 << 20);
  let problem: Problem | undefined;
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read === "object" && read !== null && typeof (read as Problem).code === "string") problem = read as Problem;
  } catch {
    // not the service's
  }
  const after = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  const given = Number.isNaN(after) ? {} : { retry_after: after };
  const request = response.headers.get("X-Request-Id");
  return new ProveryError({
    type: "about:blank",
    title: "Internal error",
    detail: `no problem in the answer: ${response.status} ${response.statusText}`,
    code: "internal",
    scope: "internal",
    // A server between here and there that is at its limit, or away.
    retryable: response.status >= 500 || response.status === 429,
    ...problem,
    status: response.status,
    ...given,
    ...(request ? { request_id: request } : {}),
  } as Problem);
}
