// The API's types under short names; openapi.ts has them as they are generated.
import type { components } from "./openapi.js";

type Schemas = components["schemas"];

export type About = Schemas["About"];
export type Batch = Schemas["Batch"];
export type BatchRequest = Schemas["BatchRequest"];
export type Calldata = Schemas["Calldata"];
export type Circuit = Schemas["Circuit"];
export type Event = Schemas["Event"];
export type Job = Schemas["Job"];
export type KeySet = Schemas["KeySet"];
export type Problem = Schemas["Problem"];
export type Proof = Schemas["Proof"];
export type ProofRequest = Schemas["ProofRequest"];
export type QueueStats = Schemas["QueueStats"];
export type Readiness = Schemas["Readiness"];
export type Result = Schemas["Result"];
export type Upload = Schemas["Upload"];
export type VerifyRequest = Schemas["VerifyRequest"];
export type VerifyResult = Schemas["VerifyResult"];
export type WebhookDelivery = Schemas["WebhookDelivery"];
export type WitnessRequest = Schemas["WitnessRequest"];
export type WitnessResult = Schemas["WitnessResult"];
export type Worker = Schemas["Worker"];

/** State of a job; the last four are final. */
export type State = Proof["state"];

/** A page of a list; next is the cursor of the one behind it. */
export interface Page<T> {
  items: T[] | null;
  next?: string;
}

/** Reports whether a state is final. */
export function isFinal(state: State): boolean {
  return state !== "queued" && state !== "running";
}
