export { drainOn, type DrainSignal } from './drainOn.js';
export { eventStreamResponse } from './eventStreamResponse.js';
export { fileJournal } from './fileJournal.js';
export { fileSpool } from './fileSpool.js';
export { pipeEventStream } from './pipeEventStream.js';
export {
  postWebhook,
  type PostWebhookOptions,
  type WebhookDeliveredEvent,
  type WebhookEvent,
  type WebhookFailedEvent,
} from './postWebhook.js';
export { type JsonLinesSource, readJsonLineKeys, readJsonLines, type ReadJsonLinesOptions } from './readJsonLines.js';
export { type NestMessageEvent, toMessageEvents, type ToMessageEventsOptions } from './toMessageEvents.js';
export { type RawWebhookRequest, type VerifiedWebhook, verifyWebhook, type VerifyWebhookOptions } from './verifyWebhook.js';
export type { WebhookSecret } from './webhookSignature.js';
export { writeJsonLines, type WriteJsonLinesOptions } from './writeJsonLines.js';
