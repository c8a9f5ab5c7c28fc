import type { State } from "./types.js";

/** What a webhook tells. */
export interface WebhookEvent {
  /** What ended, and how: "proof.succeeded", "batch.cancelled", … */
  type: string;
  timestamp: string;
  data: { id: string; kind: string; state: State; circuit?: string; labels?: Record<string, string>; attempt?: number; created: string } & Record<string, unknown>;
}

/** How far the time of a webhook may be from this clock, in seconds: older ones could be somebody's who recorded them. */
export const webhookTolerance = 300;

/**
 * Checks the signature and the age of a webhook and returns its event. body is the request's body
 * as it came, headers its headers, secrets those of the API key, "whsec_…": while one is being
 * changed, both. The same event may come more than once: the header Webhook-Id tells.
 */
export async function verifyWebhook(headers: Headers, body: string, ...secrets: string[]): Promise<WebhookEvent> {
  const id = headers.get("Webhook-Id");
  const timestamp = headers.get("Webhook-Timestamp") ?? "";
  if (!id || !/^\d+$/.test(timestamp)) throw new Error("the webhook has no id or timestamp");
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > webhookTolerance) throw new Error("the webhook's timestamp is too far from this clock");
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
  const signatures = (headers.get("Webhook-Signature") ?? "").split(/\s+/).flatMap((s) => (s.startsWith("v1,") ? [bytes(s.slice(3))] : []));
  for (const secret of secrets) {
    const raw = bytes(secret.replace(/^whsec_/, ""));
    if (raw === undefined || raw.length === 0) throw new Error("a webhook secret is malformed");
    const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
    for (const signature of signatures) {
      // verify compares in constant time.
      if (signature !== undefined && (await crypto.subtle.verify("HMAC", key, signature, signed))) return JSON.parse(body) as WebhookEvent;
    }
  }
  throw new Error("the webhook's signature doesn't match");
}

function bytes(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  } catch {
    return undefined;
  }
}
