export * from "./client.js";
export { CheckError, ProveryError } from "./errors.js";
export type { CallOptions, Options } from "./http.js";
export type { ItemsOptions } from "./streams.js";
export * from "./types.js";
export { digestOf, type UploadOptions } from "./upload.js";
export { verifyWebhook, type WebhookEvent, webhookTolerance } from "./webhook.js";
